/** The server's base URL: what `?server=` in the page's address says, else the page's own origin. */
export function serverUrl(page: URL): string {
  const named = page.searchParams.get("server");
  return named ? new URL(named, page).href.replace(/[?#].*$/, "").replace(/\/+$/, "") : page.origin;
}

/** The name of the database in this browser, one for each server, so that no server is sent what another one keeps. */
export function databaseName(page: URL): string {
  const url = serverUrl(page);
  return url === page.origin ? "chats" : `chats ${url}`;
}
