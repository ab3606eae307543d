import type { Sent } from "./merge.js";
import type { Store } from "./store.js";
import { type Note, type NoteKey, kindOf, textOfKey } from "./tables.js";
import { type Flat, type Row, flat, setPath } from "./values.js";

/** What one turn sends. */
export interface Batch {
  /** The conversations as the server takes them. */
  conversations: Row[];
  /** What is sent of each item, by the texts of their keys. */
  sent: Map<string, Sent>;
  /** Whether there is more to send than fitted. */
  isPart: boolean;
}

/** About how many characters one body may have. */
const MOST_CHARACTERS = 1_000_000;

/** Reads what is to be sent: of at most `most` items, or only deletions. */
export function readBatch(store: Store, most: number, onlyDeletions: boolean): Promise<Batch> {
  const tables = [store.notes, store.rows("conversations"), store.rows("messages")];
  return store.db.transaction("r", tables, async () => {
    const ready = store.notes.where("ready").equals(1);
    const wanted = onlyDeletions ? ready.filter((note) => note.deleted === note.stamp) : ready;
    // One more than may be sent tells whether there is more.
    const notes = await wanted.limit(most + 1).toArray();
    const keyOf = (note: Note): NoteKey => [note.conversation_id, note.message_id];
    const rows = await store.read(notes.map(keyOf));
    const conversations: Row[] = [];
    const sent = new Map<string, Sent>();
    let characters = 0;
    for (const note of notes) {
      if (sent.size === most || characters > MOST_CHARACTERS) break;
      const key = keyOf(note);
      const id = textOfKey(key);
      const row = rows.get(id);
      const values = row ? toSend(key, note, row) : new Map<string, unknown>();
      sent.set(id, { key, stamp: note.stamp, values });
      const items = itemsOf(key, note, row, values);
      if (kindOf(key) === "conversations") conversations.push(...items);
      else messagesIn(conversations, key[0]).push(...items);
      characters += JSON.stringify(items).length;
    }
    return { conversations, sent, isPart: sent.size < notes.length };
  });
}

/** What the body has of an item: its deletion, and what came after that. */
function itemsOf(
  [conversation, message]: NoteKey,
  note: Note,
  row: Row | undefined,
  values: Flat,
): Row[] {
  const id = message === "" ? { id: conversation } : { message_id: message };
  const items: Row[] = [];
  if (note.deleted !== undefined) items.push({ ...id, deleted_at: note.deleted });
  if (row) {
    const item: Row = { ...id };
    // Of what nobody has edited nothing is to win against an edit.
    if (row.updated_at !== undefined) item.updated_at = note.stamp;
    for (const [path, value] of values) setPath(item, path, value);
    items.push(item);
  }
  return items;
}

/** The messages of the last conversation; the notes come by conversation, and its own before theirs. */
function messagesIn(conversations: Row[], id: string): Row[] {
  let last = conversations.at(-1);
  if (last?.id !== id) conversations.push((last = { id }));
  return (last.messages ??= []) as Row[];
}

/** The values of an item that are to be sent, null for what is to be cleared. */
function toSend(key: NoteKey, note: Note, row: Row): Flat {
  const has = flat(kindOf(key), row);
  const values: Flat = new Map(note.whole ? has : []);
  for (const path of Object.keys(note.fields)) values.set(path, has.get(path) ?? null);
  return values;
}

/** The keys of the messages in a conversation of a body or an answer. */
export function messageKeys({ id, messages }: Row): NoteKey[] {
  const inside = (messages ?? []) as Row[];
  return inside.map(({ message_id }) => [id as string, message_id as string]);
}

/** The items of a body that the server refuses by a path in it. */
export interface Refused {
  items: NoteKey[];
  /** What was refused along with them, with no fault of its own. */
  besides: NoteKey[];
  /** The rest of the path, within the item. */
  field: string;
}

export function refusedBy({ conversations, sent }: Batch, path: string): Refused {
  const [, i, j, field = ""] =
    /^conversations\[(\d+)\](?:\.messages\[(\d+)\])?\.?(.*)$/.exec(path) ?? [];
  const conversation = conversations[Number(i)];
  if (!conversation) return { items: [], besides: [], field };
  const key: NoteKey = [conversation.id as string, ""];
  const messages = messageKeys(conversation);
  const message = messages[Number(j)];
  if (message) return { items: [message], besides: [], field };
  // A conversation that only wraps its messages is refused for its id, and they for good.
  if (!sent.has(textOfKey(key))) return { items: messages, besides: [], field };
  return { items: [key], besides: messages, field };
}
