import { useSyncStatus } from "@convosync/client/react";
import { usePage, useServices } from "../app-context";
import { useOnline } from "../hooks";
import { describe } from "../status";
import { counted } from "../texts";

/** How syncing goes, in a line, with what the person can do about it. */
export function SyncLine() {
  const { sync } = useServices();
  const page = usePage();
  const status = useSyncStatus();
  const online = useOnline();
  const { tone, sentence, remedy } = describe(status, online);
  return (
    <section className="sync" aria-label="Sync">
      <p className="sync-line" data-tone={tone}>
        <span className="dot" aria-hidden="true" />
        <span>{sentence}</span>
      </p>
      <div className="sr-only" role="status">
        {/* Without the counts, or it would speak at each change. */}
        {(tone === "waiting" || tone === "bad") && sentence.replace(/,.*/, "")}
      </div>
      {remedy === "sign-in" && (
        <button type="button" className="link" onClick={() => page.show("sign-in")}>
          {status.reason === "merged" ? "Sign in" : "Sign in again"}
        </button>
      )}
      {remedy === "sign-out" && (
        <button type="button" className="link" onClick={() => page.show("sign-out")}>
          Begin anew
        </button>
      )}
      {remedy === "retry" && (
        // The outcome shows in the status.
        <button
          type="button"
          className="link"
          onClick={() => void sync.now().catch(() => undefined)}
        >
          Try again
        </button>
      )}
      {status.rejected > 0 && (
        <button type="button" className="link warn" onClick={() => page.show("rejected")}>
          {counted(status.rejected, "change")} refused
        </button>
      )}
    </section>
  );
}
