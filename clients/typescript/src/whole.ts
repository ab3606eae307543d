import { edit } from "./noting.js";
import type { Stamps } from "./stamps.js";
import type { Store } from "./store.js";
import { KINDS, type Note, keyOfRow, newNote, textOfKey, whole } from "./tables.js";
import type { Rejected } from "./types.js";
import { type Row, toRow } from "./values.js";

/** How many items are read at once. */
const PART = 500;

/** Notes whole, in the transaction that it is called in, all that is here and not among the keys `known`. */
export async function noteWhole(store: Store, stamps: Stamps, known: Set<string>): Promise<void> {
  for (const kind of KINDS) {
    const all = await store.rows(kind).toCollection().primaryKeys();
    const keys = all.map(keyOfRow).filter((key) => !known.has(textOfKey(key)));
    for (let from = 0; from < keys.length; from += PART) {
      const part = keys.slice(from, from + PART);
      const [rows, notes] = await Promise.all([store.read(part), store.notes.bulkGet(part)]);
      const puts: Row[] = [];
      const rejected: Rejected[] = [];
      const noted = part.map((key, i): Note => {
        const [conversation_id, message_id] = key;
        const note = notes[i];
        if (note) return whole(note);
        try {
          const row = toRow(kind, rows.get(textOfKey(key)));
          const own = row.updated_at as string;
          const made = edit(kind, stamps, row);
          // What is older than the sync keeps its place in time.
          const stamp = isNaN(Date.parse(own)) ? (made.row.updated_at as string) : own;
          puts.push({ ...made.row, updated_at: stamp });
          return whole(newNote(key, stamp));
        } catch (error) {
          const { message } = error as Error;
          const item = { table: kind, conversation_id, message_id, path: "", message };
          rejected.push({ ...item, at: store.clock() });
          const { ready, ...parked } = whole(newNote(key, stamps.next()));
          return parked;
        }
      });
      await Promise.all([
        store.rows(kind).bulkPut(puts),
        store.notes.bulkPut(noted),
        store.rejected.bulkPut(rejected),
      ]);
    }
  }
}
