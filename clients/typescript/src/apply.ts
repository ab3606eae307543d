import type { Answer } from "./api.js";
import { type Batch, keyOf } from "./batch.js";
import { Draft } from "./draft.js";
import { type Sent, settle, withoutSent } from "./merge.js";
import type { SyncErrorDetails } from "./errors.js";
import { isLater } from "./stamps.js";
import type { Store } from "./store.js";
import type { Kind, Note, NoteKey, VisitorRow } from "./tables.js";
import { type Row, withMoments } from "./values.js";

/** What an answer is applied with. */
export interface Applying {
  answer: Answer;
  /** What was sent; nothing by a pull. */
  batch?: Batch | undefined;
  /** The visitor that was asked for; another one by now takes no answer. */
  visitor: VisitorRow;
  /** What a pull from the start has brought so far, where the cursor was lost. */
  seen: Set<string>;
}

/**
 * Applies the answer to a turn or a page of changes, with its cursor, in one transaction. Takes away the notes
 * that were sent, and keeps what the app has changed since. False if somebody else is the visitor by now, or if
 * another answer has been applied meanwhile: what is newer must not be overwritten.
 */
export function apply(store: Store, applying: Applying): Promise<boolean> {
  return store.write(async () => {
    const { answer, batch, visitor } = applying;
    const now = await store.get("visitor");
    if (!now || !isSame(now, visitor)) return false;

    const draft = new Draft(store);
    const sentKeys = [...(batch?.sent.keys() ?? [])].map((key) => JSON.parse(key) as NoteKey);
    await draft.load([...sentKeys, ...keysOf(answer)]);
    const stamps = await store.stamps();
    const run = new Run(draft, batch?.sent ?? new Map<string, Sent>(), now.anew === 1, () =>
      stamps.next(),
    );

    if (batch) await run.park(store, batch, answer.rejected ?? []);
    const named = new Set(keysOf(answer).map(keyOf));
    run.take(sentKeys.filter((key) => !named.has(keyOf(key))));
    for (const conversation of answer.conversations) await run.conversation(conversation);
    for (const id of named) applying.seen.add(id);
    await draft.save();

    const { anew, ...rest } = now;
    if (anew && !answer.has_more) await noteUnseen(store, applying.seen, () => stamps.next());
    await store.set({
      ...rest,
      cursor: answer.cursor,
      ...(anew && answer.has_more ? { anew } : {}),
    });
    await store.set(stamps.row);
    return true;
  });
}

function isSame(a: VisitorRow, b: VisitorRow): boolean {
  const names = ["generation", "anonId", "userId", "cursor"] as const;
  return names.every((name) => a[name] === b[name]);
}

function keysOf(answer: Answer): NoteKey[] {
  return answer.conversations.flatMap((conversation): NoteKey[] => [
    [conversation.id, ""],
    ...messagesOf(conversation as Row).map((m): NoteKey => [
      conversation.id,
      m.message_id as string,
    ]),
  ]);
}

function messagesOf(conversation: Row): Row[] {
  return (conversation.messages ?? []) as Row[];
}

class Run {
  /** Items that the server refused; what it shows of them is not an answer to what was sent. */
  readonly #refused = new Set<string>();

  constructor(
    private readonly draft: Draft,
    private readonly sent: Map<string, Sent>,
    private readonly anew: boolean,
    private readonly now: () => string,
  ) {}

  /** Puts aside what the server refuses, unless the app has changed it since. */
  async park(store: Store, batch: Batch, rejected: NonNullable<Answer["rejected"]>): Promise<void> {
    for (const { path, message } of rejected) {
      const { items, field, besides } = culprits(batch, path);
      for (const key of besides) this.#refused.add(keyOf(key));
      for (const key of items) {
        this.#refused.add(keyOf(key));
        const { row, note } = this.draft.get(key);
        if (!note || note.stamp !== batch.sent.get(keyOf(key))?.stamp) continue;
        const { ready, ...parked } = note;
        this.draft.set(key, { row, note: parked });
        await store.rejected.put({
          table: key[1] === "" ? "conversations" : "messages",
          conversation_id: key[0],
          message_id: key[1],
          path: field,
          message,
          at: store.clock(),
        });
      }
    }
  }

  /** Takes away the notes of what the server took just as it was sent. */
  take(keys: NoteKey[]): void {
    for (const key of keys) {
      const sent = this.#sent(key);
      const { row, note } = this.draft.get(key);
      if (sent && note)
        this.draft.set(key, { row, note: withoutSent(kindOf(key), note, sent, row) });
    }
  }

  async conversation(theirs: Row): Promise<void> {
    const { messages, ...row } = theirs;
    const id = row.id as string;
    if (row.deleted_at !== undefined) {
      await this.#conversationGone(id, row.deleted_at as string);
      return;
    }
    const stamp = withMoments(row).updated_at as string | undefined;
    this.#settle([id, ""], row, stamp);
    // What is in a conversation that is deleted here comes again if the deletion was in vain.
    const here = this.draft.get([id, ""]);
    if (!here.row) return;
    for (const message of (messages ?? []) as Row[]) {
      const key: NoteKey = [id, message.message_id as string];
      if (message.deleted_at !== undefined) {
        if (!this.#revive(key, message.deleted_at as string)) this.#gone(key);
      } else {
        const own = withMoments<Row>({ conversation_id: id, ...message });
        const written = (own.updated_at as string | undefined) ?? stamp;
        // A deletion that is still to be sent, of what the conversation was before, takes it.
        if (here.note?.deleted !== undefined && !isLater(written, here.note.deleted)) continue;
        this.#settle(key, own, written);
      }
    }
  }

  #settle(key: NoteKey, row: Row, stamp: string | undefined): void {
    const here = this.draft.get(key);
    const theirs = { row, stamp };
    this.draft.set(key, settle(kindOf(key), here, theirs, this.#sent(key), this.anew, this.now));
  }

  async #conversationGone(id: string, at: string): Promise<void> {
    const key: NoteKey = [id, ""];
    const isRevived = this.#revive(key, at);
    if (!isRevived) this.#gone(key);
    for (const message of await this.draft.messagesOf(id)) {
      const { row, note } = this.draft.get(message);
      if (!isRevived || !row || !isLater(row.updated_at as string | undefined, at)) {
        this.draft.set(message, {});
        continue;
      }
      const bare: Note = {
        conversation_id: id,
        message_id: message[1],
        stamp: row.updated_at as string,
        fields: {},
        ready: 1,
      };
      this.draft.set(message, { row, note: { ...(note ?? bare), fields: {}, whole: 1 } });
    }
  }

  /** An item with a later change than the deletion lives again, whole. */
  #revive(key: NoteKey, at: string): boolean {
    const { row, note } = this.draft.get(key);
    if (!row || !note || !isLater(note.stamp, at)) return false;
    if (this.#sent(key)?.stamp === note.stamp) return false;
    const { was, ...rest } = note;
    this.draft.set(key, { row, note: { ...rest, fields: {}, whole: 1 } });
    return true;
  }

  /** Removes an item; a deletion that is noted stays until it is sent. */
  #gone(key: NoteKey): void {
    const { row, note } = this.draft.get(key);
    const isSent = this.#sent(key)?.stamp === note?.stamp;
    this.draft.set(key, !row && note && !isSent ? { note } : {});
  }

  #sent(key: NoteKey): Sent | undefined {
    return this.#refused.has(keyOf(key)) ? undefined : this.sent.get(keyOf(key));
  }
}

const kindOf = (key: NoteKey): Kind => (key[1] === "" ? "conversations" : "messages");

interface Culprits {
  items: NoteKey[];
  /** What was refused along with them, with no fault of its own. */
  besides: NoteKey[];
  /** The rest of the path, within the item. */
  field: string;
}

/** The items of a body that a path in it speaks of. */
function culprits(batch: Batch, path: string): Culprits {
  const match = /^conversations\[(\d+)\](?:\.messages\[(\d+)\])?\.?(.*)$/.exec(path);
  const place = batch.places[Number(match?.[1] ?? NaN)];
  const field = match?.[3] ?? "";
  if (!place) return { items: [], besides: [], field };
  const { conversation, messages } = place;
  const message = match?.[2] === undefined ? undefined : messages[Number(match[2])];
  if (message) return { items: [message], besides: [], field };
  // A conversation that only wraps its messages is refused for its id, and they for good.
  if (!conversation) return { items: messages, besides: [], field };
  return { items: [conversation], besides: messages, field };
}

/** Puts aside what the server refused when it refused the whole body. False if no place names an item of it. */
export function refuse(
  store: Store,
  batch: Batch,
  places: NonNullable<SyncErrorDetails["places"]>,
): Promise<boolean> {
  return store.write(async () => {
    const keys = places.flatMap(({ path }) => culprits(batch, path).items);
    const draft = new Draft(store);
    await draft.load(keys);
    const run = new Run(draft, batch.sent, false, () => "");
    await run.park(
      store,
      batch,
      places.map((place) => ({ ...place, id: null })),
    );
    await draft.save();
    return keys.length > 0;
  });
}

/** After a pull from the start: what the server does not have it is to have again. */
async function noteUnseen(store: Store, seen: Set<string>, now: () => string): Promise<void> {
  for (const kind of ["conversations", "messages"] as const) {
    const keys = await store.rows(kind).toCollection().primaryKeys();
    const unseen = keys
      .map((key): NoteKey => (typeof key === "string" ? [key, ""] : key))
      .filter((key) => !seen.has(keyOf(key)));
    for (let i = 0; i < unseen.length; i += 500) {
      const part = unseen.slice(i, i + 500);
      const of = kind === "conversations" ? part.map(([id]) => id) : part;
      const [rows, notes] = await Promise.all([
        store.rows(kind).bulkGet(of),
        store.notes.bulkGet(part),
      ]);
      const puts = part.map(([conversation_id, message_id], at): Note => {
        const stamp = (rows[at]?.updated_at as string | undefined) ?? now();
        const note = notes[at] ?? {
          conversation_id,
          message_id,
          stamp,
          fields: {},
          ready: 1 as const,
        };
        return { ...note, fields: {}, whole: 1 };
      });
      await store.notes.bulkPut(puts);
    }
  }
}
