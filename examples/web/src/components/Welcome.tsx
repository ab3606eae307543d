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
