import { Dialog } from "./Dialog";

const SHORTCUTS: [keys: string, what: string][] = [
  ["Enter", "Send the message"],
  ["Shift Enter", "Begin a new line in it"],
  ["Ctrl K", "Search in titles"],
  ["Alt N", "New conversation"],
  ["Alt ↑", "The conversation above in the list"],
  ["Alt ↓", "The conversation below in the list"],
  ["Alt Z", "Undo a deletion"],
  ["Ctrl Enter", "Save an edited message"],
  ["Ctrl /", "Show these shortcuts"],
  ["Esc", "Stop the answer; close a dialog or the side bar; leave an edit"],
];

/** The keys of the page. On Apple's keyboards Ctrl is also Command. */
export function ShortcutsDialog({ onClose }: { onClose: () => void }) {
  return (
    <Dialog title="Keyboard shortcuts" onClose={onClose}>
      <dl className="shortcuts">
        {SHORTCUTS.map(([keys, what]) => (
          <div key={keys}>
            <dt>
              {keys.split(" ").map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
      <p className="hint">On an Apple keyboard, ⌘ does what Ctrl does here.</p>
    </Dialog>
  );
}
