import { useSyncStatus } from "@convosync/client/react";
import { useLiveQuery } from "dexie-react-hooks";
import { useState } from "react";
import { usePage, useServices } from "../app-context";
import { counted } from "../texts";
import { Dialog } from "./Dialog";

/** Asks for a user's id and token, and says what is about to be merged. */
export function SignInDialog({ onClose }: { onClose: () => void }) {
  const { db, sync, session } = useServices();
  const page = usePage();
  const visitor = useSyncStatus().visitor;
  const known = visitor && "userId" in visitor ? visitor.userId : undefined;
  const [userId, setUserId] = useState(known ?? "");
  const [token, setToken] = useState("");
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState("");
  const count = useLiveQuery(() => db.conversations.count(), [db]);
  const name = userId.trim();

  const signIn = async () => {
    setBusy(true);
    setProblem("");
    try {
      await session.signIn(sync, name, token.trim());
      page.announce(`Signed in as ${name}.`);
      onClose();
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
      setBusy(false);
    }
  };

  return (
    <Dialog title={known ? "Sign in again" : "Sign in"} onClose={onClose}>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          void signIn();
        }}
      >
        <label className="labelled">
          User id
          <input
            className="field"
            autoComplete="username"
            required
            maxLength={255}
            readOnly={known !== undefined}
            value={userId}
            onChange={(event) => setUserId(event.target.value)}
          />
        </label>
        <label className="labelled">
          Token
          <input
            className="field"
            type="password"
            autoComplete="off"
            aria-describedby="token-hint"
            value={token}
            onChange={(event) => setToken(event.target.value)}
          />
          <span id="token-hint" className="hint">
            From your issuer. A server on this machine that is open to all asks for none.
          </span>
        </label>
        {known === undefined && count !== undefined && (
          <p className="notice">
            {count === 0
              ? "There is nothing on this device to take along."
              : `${counted(count, "conversation")} from this device will be merged into those of ${name || "this user"}, on every device where ${name ? "this user" : "they"} signed in.`}
          </p>
        )}
        <p className="problem" role="alert">
          {problem}
        </p>
        <div className="row end">
          <button type="button" className="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" className="button primary" disabled={busy || !name}>
            {busy ? "Signing in…" : count && known === undefined ? "Sign in and merge" : "Sign in"}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
