import type { Sent } from "./merge.js";
import type { Store } from "./store.js";
import type { Kind, Note, NoteKey } from "./tables.js";
import { type Flat, type Row, flat, setPath } from "./values.js";

/** What one turn sends. */
export interface Batch {
  /** The conversations as the server takes them. */
  conversations: Row[];
  /** What is sent of each item, by {@link keyOf}. */
  sent: Map<string, Sent>;
  /** The items at each place of the body: the notes of `conversations[i]`, and of its messages. */
  places: { conversation?: NoteKey; messages: NoteKey[] }[];
  /** Whether there is more to send than fitted. */
  isPart: boolean;
}

/** About how many characters one body may have. */
const MOST_CHARACTERS = 1_000_000;

/** The key of an item in a map. */
export function keyOf(key: NoteKey): string {
  return JSON.stringify(key);
}

/** Reads what is to be sent: of at most `most` items, or only deletions. */
export function readBatch(store: Store, most: number, onlyDeletions: boolean): Promise<Batch> {
  const tables = [store.notes, store.rows("conversations"), store.rows("messages")];
  return store.db.transaction("r", tables, async () => {
    const ready = store.notes.where("ready").equals(1);
    const wanted = onlyDeletions ? ready.filter((note) => note.deleted === note.stamp) : ready;
    const notes = await wanted.limit(most + 1).toArray();
    const taken = notes.slice(0, most);
    const [conversations, messages] = await Promise.all([
      store.rows("conversations").bulkGet(taken.map((note) => note.conversation_id)),
      store.rows("messages").bulkGet(taken.map((n) => [n.conversation_id, n.message_id])),
    ]);
    const batch: Batch = { conversations: [], sent: new Map(), places: [], isPart: false };
    let characters = 0;
    for (const [i, note] of taken.entries()) {
      const isMessage = note.message_id !== "";
      const added = add(batch, note, isMessage ? messages[i] : conversations[i]);
      characters += JSON.stringify(added).length;
      if (characters > MOST_CHARACTERS && i + 1 < taken.length) {
        batch.isPart = true;
        break;
      }
    }
    batch.isPart ||= notes.length > most;
    return batch;
  });
}

function add(batch: Batch, note: Note, row: Row | undefined): Row[] {
  const kind: Kind = note.message_id === "" ? "conversations" : "messages";
  const key: NoteKey = [note.conversation_id, note.message_id];
  const values: Flat = row ? toSend(kind, note, row) : new Map<string, unknown>();
  batch.sent.set(keyOf(key), { stamp: note.stamp, values });

  const id = kind === "messages" ? { message_id: key[1] } : { id: key[0] };
  const items: Row[] = [];
  if (note.deleted !== undefined) items.push({ ...id, deleted_at: note.deleted });
  if (row) {
    const item: Row = { ...id, updated_at: note.stamp };
    for (const [path, value] of values) setPath(item, path, value);
    items.push(item);
  }
  if (items.length === 0) return items;
  if (kind === "conversations") {
    for (const item of items) {
      batch.conversations.push(item);
      batch.places.push({ conversation: key, messages: [] });
    }
    return items;
  }
  // The notes come by conversation, and its own before those of its messages.
  let last = batch.conversations.length - 1;
  if (batch.conversations[last]?.id !== key[0]) {
    last = batch.conversations.push({ id: key[0] }) - 1;
    batch.places.push({ messages: [] });
  }
  const into = batch.conversations[last];
  if (into) ((into.messages ??= []) as Row[]).push(...items);
  batch.places[last]?.messages.push(...items.map(() => key));
  return items;
}

/** The values of an item that are to be sent, null for what is to be cleared. */
function toSend(kind: Kind, note: Note, row: Row): Flat {
  const has = flat(kind, row);
  const values: Flat = new Map(note.whole ? has : []);
  for (const path of Object.keys(note.fields)) values.set(path, has.get(path) ?? null);
  return values;
}
