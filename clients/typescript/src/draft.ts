import type { Settled } from "./merge.js";
import type { Store } from "./store.js";
import { KINDS, type Note, type NoteKey, kindOf, rowKey, textOfKey } from "./tables.js";
import type { Row } from "./values.js";

/** Items with their notes as they are to become, within one transaction. */
export type Draft = ReturnType<typeof createDraft>;

export function createDraft(store: Store) {
  const before = new Map<string, Settled>();
  const changed = new Map<string, Settled & { key: NoteKey }>();

  const draft = {
    /** Reads the notes of items, and the rows of those that have one or are wanted. */
    async load(keys: NoteKey[], isWanted: (id: string) => boolean): Promise<void> {
      // On most pages nothing is noted, and one count is faster than many reads.
      const notes = (await store.notes.count()) > 0 ? await store.notes.bulkGet(keys) : [];
      const rows = await store.read(keys.filter((key, i) => notes[i] ?? isWanted(textOfKey(key))));
      for (const [i, key] of keys.entries()) {
        const id = textOfKey(key);
        before.set(id, { row: rows.get(id), note: notes[i] });
      }
    },

    /** Reads the messages of a conversation, and gives the keys of those that are there or noted. */
    async messagesOf(id: string): Promise<NoteKey[]> {
      const stored = [store.rows("messages"), store.notes].map(
        (table) => table.where(":id").between([id], [id, []]).primaryKeys() as Promise<NoteKey[]>,
      );
      const drafted = [...changed.values()].map(({ key }) => key).filter((key) => key[0] === id);
      const found = [...(await Promise.all(stored)).flat(), ...drafted];
      const keys = found.filter((key) => kindOf(key) === "messages");
      await draft.load(keys, () => true);
      return keys;
    },

    /** What is known of an item; the row of one that is not noted is read only where it was wanted. */
    get(key: NoteKey): Settled {
      const id = textOfKey(key);
      return changed.get(id) ?? before.get(id) ?? {};
    },

    set(key: NoteKey, { row, note }: Settled): void {
      changed.set(textOfKey(key), { key, row, note });
    },

    /** Writes what has become different. */
    async save(): Promise<void> {
      const puts: Record<string, Row[]> = { conversations: [], messages: [] };
      const deletions: Record<string, (string | NoteKey)[]> = { conversations: [], messages: [] };
      const notes: Note[] = [];
      const settled: NoteKey[] = [];
      for (const [id, { key, row, note }] of changed) {
        const was = before.get(id);
        if (!row) deletions[kindOf(key)]?.push(rowKey(key));
        else if (row !== was?.row) puts[kindOf(key)]?.push(row);
        if (note && note !== was?.note) notes.push(note);
        if (!note && was?.note) settled.push(key);
      }
      await Promise.all([
        ...KINDS.flatMap((kind) => [
          store.rows(kind).bulkPut(puts[kind] ?? []),
          store.rows(kind).bulkDelete(deletions[kind] ?? []),
        ]),
        store.notes.bulkPut(notes),
        store.notes.bulkDelete(settled),
        store.rejected.bulkDelete(settled),
      ]);
    },
  };
  return draft;
}
