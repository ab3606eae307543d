import type { convosync } from "@convosync/client";

type Sync = ReturnType<typeof convosync>;

/**
 * Who uses the page. The token that was typed in is kept in this browser until signing out: an app of yours would
 * ask its issuer for a fresh one where `token` is called with `refresh`.
 */
export class Session {
  readonly #key: string;
  readonly #storage: Storage;

  /** @param database the name of the database that the token belongs to */
  constructor(database: string, storage: Storage) {
    this.#key = `token of ${database}`;
    this.#storage = storage;
  }

  /** The token for the server; `undefined` without one, and where the one there is was refused. */
  readonly token = (refresh: boolean): string | undefined =>
    refresh ? undefined : (this.#storage.getItem(this.#key) ?? undefined);

  /** Signs in; what this browser has is merged into the user's conversations. Rejects where the server refuses. */
  async signIn(sync: Sync, userId: string, token: string): Promise<void> {
    const before = this.#storage.getItem(this.#key);
    this.#keep(token || null);
    try {
      await sync.signIn({ userId, token: this.token });
    } catch (error) {
      this.#keep(before);
      throw error;
    }
  }

  /** Signs out, removes everything from this browser, and begins anew as an anonymous visitor. */
  async signOut(sync: Sync): Promise<void> {
    await sync.signOut();
    this.#keep(null);
    sync.start();
  }

  #keep(token: string | null): void {
    if (token === null) this.#storage.removeItem(this.#key);
    else this.#storage.setItem(this.#key, token);
  }
}
