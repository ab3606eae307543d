import { useSyncStatus } from "@convosync/client/react";
import { useState } from "react";
import { usePage, useServices } from "../app-context";
import { counted } from "../texts";
import { Dialog } from "./Dialog";

/** Asks before everything is removed from this browser, and warns of what would be lost. */
export function SignOutDialog({ onClose }: { onClose: () => void }) {
  const { sync, session, answers } = useServices();
  const page = usePage();
  const pending = useSyncStatus().pending;
  const [busy, setBusy] = useState(false);
  const signOut = async () => {
    setBusy(true);
    answers.stopAll();
    await session.signOut(sync);
    page.open(undefined);
    page.announce("Signed out.");
    onClose();
  };
  return (
    <Dialog title="Sign out" onClose={onClose}>
      <div className="stack">
        <p>Your conversations stay on the server and are removed from this browser.</p>
        {pending > 0 && (
          <p className="problem">
            {counted(pending, "change")} did not reach the server yet and would be lost.
          </p>
        )}
        <div className="row end">
          <button type="button" className="button" onClick={onClose}>
            Cancel
          </button>
          <button type="button" className="button primary" disabled={busy} onClick={signOut}>
            {pending > 0 ? "Sign out and lose them" : "Sign out"}
          </button>
        </div>
      </div>
    </Dialog>
  );
}
