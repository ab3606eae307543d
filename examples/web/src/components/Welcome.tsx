import { useEffect, useState } from "react";

const SUGGESTIONS = [
  "What happens when I go offline?",
  "How do my devices stay in sync?",
  "How do I brew green tea?",
  "Find a name for a note-taking app",
];

/** What a new conversation shows before anything is said. */
export function Welcome({ onAsk }: { onAsk: (question: string) => void }) {
  return (
    <div className="welcome">
      <p className="welcome-lead">What would you like to know?</p>
      <p className="welcome-note">
        Every word is kept on this device first and then on all of yours. A canned model answers, so
        no key is needed.
      </p>
      <ul className="suggestions" aria-label="Suggestions">
        {SUGGESTIONS.map((question) => (
          <li key={question}>
            <button type="button" className="suggestion" onClick={() => onAsk(question)}>
              {question}
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}

/** What stands for a conversation that is not here; not at once, as a new one is in the address before it is listed. */
export function Missing() {
  const [sure, setSure] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setSure(true), 400);
    return () => clearTimeout(timer);
  }, []);
  return (
    <div className="welcome">
      {sure && (
        <>
          <p className="welcome-lead">This conversation is not here.</p>
          <p className="welcome-note">
            It was deleted, or it has not arrived on this device yet. What you send begins a new
            one.
          </p>
        </>
      )}
    </div>
  );
}
