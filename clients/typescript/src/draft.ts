import { keyOf } from "./batch.js";
import type { Settled } from "./merge.js";
import type { Store } from "./store.js";
import type { Kind, Note, NoteKey } from "./tables.js";
import { type Row, equal } from "./values.js";

interface Item extends Settled {
  key: NoteKey;
  before: Settled;
}

const kindOf = (key: NoteKey): Kind => (key[1] === "" ? "conversations" : "messages");
const rowKey = (key: NoteKey) => (key[1] === "" ? key[0] : key);

/** Items with their notes as they are to become, within one transaction; only what differs is written. */
export class Draft {
  readonly #items = new Map<string, Item>();

  constructor(private readonly store: Store) {}

  /** Reads items that are not read yet. */
  async load(keys: NoteKey[]): Promise<void> {
    const unread = new Map(keys.map((key) => [keyOf(key), key]));
    for (const id of this.#items.keys()) unread.delete(id);
    const wanted = [...unread.values()];
    const read = async (kind: Kind) => {
      const of = wanted.filter((key) => kindOf(key) === kind);
      if (of.length === 0) return;
      const [rows, notes] = await Promise.all([
        this.store.rows(kind).bulkGet(of.map(rowKey)),
        this.store.notes.bulkGet(of),
      ]);
      for (const [i, key] of of.entries()) {
        const before = { row: rows[i], note: notes[i] };
        this.#items.set(keyOf(key), { key, before, ...before });
      }
    };
    await Promise.all([read("conversations"), read("messages")]);
  }

  /** Reads the messages of a conversation, and gives the keys of those that are there or noted. */
  async messagesOf(conversationId: string): Promise<NoteKey[]> {
    const range = (table: "messages" | "notes") =>
      (table === "notes" ? this.store.notes : this.store.rows(table))
        .where(":id")
        .between([conversationId], [conversationId, []])
        .primaryKeys() as Promise<NoteKey[]>;
    const [rows, notes] = await Promise.all([range("messages"), range("notes")]);
    await this.load([...rows, ...notes]);
    return [...this.#items.values()]
      .map((item) => item.key)
      .filter(([conversation, message]) => conversation === conversationId && message !== "");
  }

  get(key: NoteKey): Settled {
    return this.#items.get(keyOf(key)) ?? {};
  }

  set(key: NoteKey, { row, note }: Settled): void {
    const item = this.#items.get(keyOf(key));
    if (item) Object.assign(item, { row, note });
  }

  /** Writes what has become different. */
  async save(): Promise<void> {
    const puts: Record<Kind, Row[]> = { conversations: [], messages: [] };
    const deletions: Record<Kind, (string | NoteKey)[]> = { conversations: [], messages: [] };
    const notes: Note[] = [];
    const settled: NoteKey[] = [];
    const taken: NoteKey[] = [];
    for (const { key, row, note, before } of this.#items.values()) {
      const kind = kindOf(key);
      if (row && !equal(row, before.row)) puts[kind].push(row);
      if (!row && before.row) deletions[kind].push(rowKey(key));
      if (note && !equal(note, before.note)) notes.push(note);
      if (!note && before.note) settled.push(key);
      if (!note && before.note && !before.note.ready) taken.push(key);
    }
    const work: Promise<unknown>[] = [];
    for (const kind of ["conversations", "messages"] as const) {
      if (puts[kind].length > 0) work.push(this.store.rows(kind).bulkPut(puts[kind]));
      if (deletions[kind].length > 0) work.push(this.store.rows(kind).bulkDelete(deletions[kind]));
    }
    if (notes.length > 0) work.push(this.store.notes.bulkPut(notes));
    if (settled.length > 0) work.push(this.store.notes.bulkDelete(settled));
    if (taken.length > 0) work.push(this.store.rejected.bulkDelete(taken));
    await Promise.all(work);
  }
}
