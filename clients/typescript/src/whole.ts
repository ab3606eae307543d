import { createDraft } from "./draft.js";
import { edit } from "./noting.js";
import type { Stamps } from "./stamps.js";
import type { Store } from "./store.js";
import { type NoteKey, kindOf, newNote, whole } from "./tables.js";
import { type Row, toRow } from "./values.js";

/** How many items are read at once. */
const PART = 500;

/** Whether it is a conversation that only wraps its messages: nobody has given it anything of its own. */
function isBare(row: Row): boolean {
  return Object.keys(row).every((name) => name === "id" || name === "created_at");
}

/** Notes items whole, in the transaction that it is called in: the server may have nothing of them. */
export async function noteWhole(store: Store, stamps: Stamps, keys: NoteKey[]): Promise<void> {
  for (let from = 0; from < keys.length; from += PART) {
    const part = keys.slice(from, from + PART);
    const draft = createDraft(store);
    await draft.load(part, () => true);
    for (const key of part) {
      const { row, note } = draft.get(key);
      if (!row) continue;
      if (note) {
        draft.set(key, { row, note: whole(note) });
        continue;
      }
      try {
        const value = toRow(kindOf(key), row);
        if (isBare(value)) {
          draft.set(key, { row, note: whole(newNote(key, stamps.next())) });
          continue;
        }
        // Of what nobody has edited the moment of its beginning: any edit is to win against it.
        const began = kindOf(key) === "messages" ? value.timestamp : value.created_at;
        const own = (value.updated_at ?? began) as string;
        const made = edit(kindOf(key), stamps, value).row;
        // What is older than the sync keeps its place in time.
        if (!isNaN(Date.parse(own))) made.updated_at = own;
        draft.set(key, { row: made, note: whole(newNote(key, made.updated_at as string)) });
      } catch (error) {
        const { ready, ...parked } = whole(newNote(key, stamps.next()));
        draft.set(key, { row, note: parked });
        await store.reject(key, "", (error as Error).message);
      }
    }
    await draft.save();
  }
}
