import { useEffect, useState } from "react";
import { CloseIcon } from "./icons";

/** What may be undone. */
export interface Offer {
  sentence: string;
  undo: () => Promise<void>;
}

interface Props {
  offer: Offer | undefined;
  onUndo: () => void;
  onDismiss: () => void;
}

/** How long an offer stands, in milliseconds; not while the pointer or the focus is on it. */
const STANDS_FOR = 15_000;

/** Tells that something is deleted, and offers to bring it back. */
export function UndoToast({ offer, onUndo, onDismiss }: Props) {
  const [held, setHeld] = useState(false);
  useEffect(() => {
    if (!offer || held) return;
    const timer = setTimeout(onDismiss, STANDS_FOR);
    return () => clearTimeout(timer);
  }, [offer, held, onDismiss]);
  return (
    <section className="toast-place" aria-label="Undo">
      <div className="sr-only" role="status">
        {offer && `${offer.sentence} Press Alt Z to undo.`}
      </div>
      {offer && (
        <div
          className="toast"
          onPointerEnter={() => setHeld(true)}
          onPointerLeave={() => setHeld(false)}
          onFocus={() => setHeld(true)}
          onBlur={() => setHeld(false)}
        >
          <span className="toast-text">{offer.sentence}</span>
          <button type="button" className="toast-action" onClick={onUndo}>
            Undo
          </button>
          <button type="button" className="icon-button" aria-label="Dismiss" onClick={onDismiss}>
            <CloseIcon />
          </button>
        </div>
      )}
    </section>
  );
}
