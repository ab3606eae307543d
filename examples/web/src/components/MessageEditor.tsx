import { useEffect, useRef, useState } from "react";

interface Props {
  label: string;
  text: string;
  /** Called with the new text, or without one when nothing is to change. */
  onDone: (text?: string) => void;
}

/** The field in which a message is edited. */
export function MessageEditor({ label, text, onDone }: Props) {
  const [draft, setDraft] = useState(text);
  const field = useRef<HTMLTextAreaElement>(null);
  useEffect(() => {
    field.current?.focus();
    field.current?.setSelectionRange(text.length, text.length);
    // Only once: what another device changes meanwhile leaves the caret where it is.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, []);
  return (
    <form
      className="editor"
      onSubmit={(event) => {
        event.preventDefault();
        onDone(draft);
      }}
      onKeyDown={(event) => {
        if (event.key === "Escape") {
          event.preventDefault();
          onDone();
        } else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
          event.preventDefault();
          onDone(draft);
        }
      }}
    >
      <textarea
        ref={field}
        className="field"
        aria-label={label}
        rows={Math.min(12, draft.split("\n").length + 1)}
        value={draft}
        onChange={(event) => setDraft(event.target.value)}
      />
      <div className="row">
        <button type="submit" className="button small primary" disabled={!draft.trim()}>
          Save
        </button>
        <button type="button" className="button small" onClick={() => onDone()}>
          Cancel
        </button>
      </div>
    </form>
  );
}
