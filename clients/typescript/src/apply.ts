import type { Answer } from "./api.js";
import { type Batch, messageKeys, refusedBy } from "./batch.js";
import { type Draft, createDraft } from "./draft.js";
import { settle, withoutSent } from "./merge.js";
import { isLater } from "./stamps.js";
import type { Store } from "./store.js";
import {
  type NoteKey,
  type VisitorRow,
  isSameVisitor,
  newNote,
  textOfKey,
  whole,
} from "./tables.js";
import { type Row, withMoments } from "./values.js";
import { noteWhole } from "./whole.js";

/** A place of a body that the server refuses, and why. */
export interface Place {
  path: string;
  message: string;
}

/**
 * Applies the answer to a turn or a page of changes, with its cursor, in one transaction. Takes away the notes
 * that were sent, and keeps what the app has changed since. False if `asked` is not the visitor any more, or if
 * another answer has been applied meanwhile: what is newer must not be overwritten.
 *
 * @param batch What was sent; nothing by a pull.
 * @param unseen What is here and has not come by the pull from the start, where the cursor was lost.
 */
export async function apply(
  store: Store,
  asked: VisitorRow,
  answer: Answer,
  batch: Batch | undefined,
  unseen = new Map<string, NoteKey>(),
): Promise<boolean> {
  const named = new Map(keysOf(answer).map((key) => [textOfKey(key), key]));
  const isApplied = await store.write(async () => {
    const visitor = await store.get("visitor");
    if (!visitor || !isSameVisitor(visitor, asked) || visitor.cursor !== asked.cursor) return false;
    const isAnew = visitor.anew === 1;
    const stamps = await store.stamps();
    const now = () => stamps.next();
    const sent = new Map(batch?.sent);
    const draft = createDraft(store);
    await draft.load([...keysOfSent(sent), ...named.values()], (id) => isAnew && unseen.has(id));

    // What is shown of an item that was refused is not an answer to what was sent of it.
    if (batch)
      for (const id of await park(store, draft, batch, answer.rejected ?? [])) sent.delete(id);
    for (const [id, it] of sent) {
      const here = draft.get(it.key);
      if (here.note && !named.has(id))
        draft.set(it.key, { row: here.row, note: withoutSent(here, it) });
    }
    for (const conversation of answer.conversations) await applyConversation(conversation);
    await draft.save();

    const next = { ...visitor, cursor: answer.cursor };
    if (isAnew && !answer.has_more) {
      delete next.anew;
      const isLeft = (key: NoteKey) => !named.has(textOfKey(key));
      await noteWhole(store, stamps, [...unseen.values()].filter(isLeft));
    }
    await store.set(next);
    await store.set(stamps.row);
    return true;

    async function applyConversation({ messages, ...row }: Row): Promise<void> {
      const id = row.id as string;
      const key: NoteKey = [id, ""];
      withMoments(row);
      if (row.deleted_at !== undefined) {
        await removeConversation(key, row.deleted_at as string);
        return;
      }
      const stamp = row.updated_at as string | undefined;
      settleItem(key, row, stamp);
      // What is in a conversation that is deleted here comes again if the deletion was in vain.
      const here = draft.get(key);
      if (!here.row) return;
      for (const message of (messages ?? []) as Row[]) {
        const inside: NoteKey = [id, message.message_id as string];
        const own = withMoments<Row>({ conversation_id: id, ...message });
        if (own.deleted_at !== undefined) {
          remove(inside, own.deleted_at as string);
          continue;
        }
        const written = (own.updated_at as string | undefined) ?? stamp;
        // A deletion that is still to be sent, of what the conversation was before, takes it.
        if (here.note?.deleted !== undefined && !isLater(written, here.note.deleted)) continue;
        settleItem(inside, own, written);
      }
    }

    function settleItem(key: NoteKey, row: Row, stamp: string | undefined): void {
      const theirs = { key, row, stamp };
      draft.set(key, settle(draft.get(key), theirs, sent.get(textOfKey(key)), isAnew, now));
    }

    async function removeConversation(key: NoteKey, at: string): Promise<void> {
      const isRevived = remove(key, at);
      for (const message of await draft.messagesOf(key[0])) {
        const { row, note } = draft.get(message);
        const stamp = row?.updated_at as string | undefined;
        const isKept = isRevived && stamp !== undefined && isLater(stamp, at);
        draft.set(message, isKept ? { row, note: whole(note ?? newNote(message, stamp)) } : {});
      }
    }

    /** Removes an item, unless a later change has it live again, whole. Tells whether it has. */
    function remove(key: NoteKey, at: string): boolean {
      const { row, note } = draft.get(key);
      const isUnsent = note !== undefined && sent.get(textOfKey(key))?.stamp !== note.stamp;
      if (row && isUnsent && isLater(note.stamp, at)) {
        const { was, ...rest } = note;
        draft.set(key, { row, note: whole(rest) });
        return true;
      }
      // A deletion that is noted stays until it is sent.
      draft.set(key, !row && isUnsent ? { note } : {});
      return false;
    }
  });
  if (isApplied) for (const id of named.keys()) unseen.delete(id);
  return isApplied;
}

/** The keys of the items that an answer names. */
function keysOf(answer: Answer): NoteKey[] {
  return (answer.conversations as Row[]).flatMap((conversation): NoteKey[] => [
    [conversation.id as string, ""],
    ...messageKeys(conversation),
  ]);
}

function keysOfSent(sent: Batch["sent"]): NoteKey[] {
  return [...sent.values()].map(({ key }) => key);
}

/**
 * Puts aside what the server refuses, unless the app has changed it since. Gives the texts of the keys of all that
 * was refused.
 */
async function park(store: Store, draft: Draft, batch: Batch, places: Place[]): Promise<string[]> {
  const refused: string[] = [];
  for (const { path, message } of places) {
    const { items, besides, field } = refusedBy(batch, path);
    refused.push(...[...items, ...besides].map(textOfKey));
    for (const key of items) {
      const { row, note } = draft.get(key);
      if (!note || note.stamp !== batch.sent.get(textOfKey(key))?.stamp) continue;
      const { ready, ...parked } = note;
      draft.set(key, { row, note: parked });
      await store.reject(key, field, message);
    }
  }
  return refused;
}

/** Puts aside what the server refused when it refused the whole body. False if no place names an item of it. */
export function refuse(store: Store, batch: Batch, places: Place[]): Promise<boolean> {
  return store.write(async () => {
    const draft = createDraft(store);
    await draft.load(keysOfSent(batch.sent), () => false);
    const refused = await park(store, draft, batch, places);
    await draft.save();
    return refused.length > 0;
  });
}
