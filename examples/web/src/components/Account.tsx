import { useSyncStatus } from "@convosync/client/react";
import { usePage } from "../app-context";

/** Who uses the page, and the way in or out. */
export function Account() {
  const page = usePage();
  const visitor = useSyncStatus().visitor;
  const userId = visitor && "userId" in visitor ? visitor.userId : undefined;
  return (
    <section className="account" aria-label="Account">
      <span className="avatar" aria-hidden="true">
        {userId ? userId.slice(0, 1).toUpperCase() : "?"}
      </span>
      <span className="account-name" title={userId}>
        {userId ?? "Not signed in"}
      </span>
      <button
        type="button"
        className="button small"
        onClick={() => page.show(userId ? "sign-out" : "sign-in")}
      >
        {userId ? "Sign out" : "Sign in"}
      </button>
    </section>
  );
}
