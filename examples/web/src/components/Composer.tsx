import type { RefObject } from "react";
import { SendIcon, StopIcon } from "./icons";

interface Props {
  field: RefObject<HTMLTextAreaElement | null>;
  draft: string;
  onDraft: (draft: string) => void;
  /** Whether an answer is being written, which can be stopped. */
  writing: boolean;
  onSend: (question: string) => void;
  onStop: () => void;
}

/** The field for the next question. */
export function Composer({ field, draft, onDraft, writing, onSend, onStop }: Props) {
  const send = () => {
    const question = draft.trim();
    if (question !== "" && !writing) onSend(question);
  };
  return (
    <form
      className="composer"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <label className="sr-only" htmlFor="composer">
        Message
      </label>
      <textarea
        ref={field}
        id="composer"
        className="composer-field"
        rows={1}
        placeholder="Ask something"
        aria-describedby="composer-hint"
        value={draft}
        onChange={(event) => onDraft(event.target.value)}
        onKeyDown={(event) => {
          // While a word is being composed, Enter belongs to the input method.
          if (event.key !== "Enter" || event.shiftKey || event.nativeEvent.isComposing) return;
          event.preventDefault();
          send();
        }}
      />
      {writing ? (
        <button
          type="button"
          className="round-button"
          aria-label="Stop the answer"
          onClick={onStop}
        >
          <StopIcon />
        </button>
      ) : (
        <button type="submit" className="round-button" aria-label="Send" disabled={!draft.trim()}>
          <SendIcon />
        </button>
      )}
      <p id="composer-hint" className="composer-hint">
        Enter sends, Shift+Enter begins a new line
      </p>
    </form>
  );
}
