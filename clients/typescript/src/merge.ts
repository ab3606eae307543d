import { after, isLater } from "./stamps.js";
import { type Note, type NoteKey, kindOf, newNote } from "./tables.js";
import { type Flat, type Row, difference, equal, flat, setPath } from "./values.js";

/** What a turn sent of an item. */
export interface Sent {
  key: NoteKey;
  /** The stamp that it was sent with: the version of the note. */
  stamp: string;
  /** The values that were sent by their paths, null for what was cleared. */
  values: Flat;
}

/** What is to be stored of an item, nothing where it is gone. */
export interface Settled {
  row?: Row | undefined;
  note?: Note | undefined;
}

/** How often changes are stamped anew before the server's word is taken. */
const MOST_AGAIN = 5;

/** A note without the changes that were sent; undefined if nothing is left. The server took them. */
export function withoutSent({ row, note }: Settled, sent: Sent): Note | undefined {
  if (note?.stamp === sent.stamp) return undefined;
  // Deleted since, and perhaps put anew: that is all still to be sent.
  if (!note || !row || isLater(note.deleted, sent.stamp)) return note;
  const local = flat(kindOf(sent.key), row);
  const { whole, deleted, again, ...rest } = note;
  const fields = { ...rest.fields };
  for (const [path, value] of sent.values) {
    if (equal(local.get(path), value)) Reflect.deleteProperty(fields, path);
    else fields[path] = value;
  }
  for (const path of whole ? local.keys() : []) if (!sent.values.has(path)) fields[path] = null;
  return { ...rest, fields, was: sent.stamp };
}

/** What a pull or an answer shows of a living item. */
export interface Theirs {
  key: NoteKey;
  row: Row;
  /** The stamp that the server has of it. */
  stamp: string | undefined;
}

/**
 * Settles an item that the server has with what is here of it. `sent` is what the turn that this is the answer to
 * sent of it; `anew` says that everything is pulled anew, and `now` makes stamps.
 *
 * What is noted of the item is laid over what the server has of it: a field that nobody else has changed since
 * keeps the local value, and the item is stamped anew where the server has a newer stamp, so that edits of
 * different fields survive whichever came first. Of one field the newer stamp wins.
 */
export function settle(
  here: Settled,
  { key, row: theirs, stamp }: Theirs,
  sent: Sent | undefined,
  anew: boolean,
  now: () => string,
): Settled {
  const { row: local, note } = here;
  const isAnswered = note !== undefined && sent?.stamp === note.stamp;
  if (!local) return note && !isAnswered ? here : { row: theirs };
  const kind = kindOf(key);
  const mine = flat(kind, local);
  const have = flat(kind, theirs);
  const known = note ? note.was : (local.updated_at as string | undefined);
  if (anew && known !== undefined && isLater(known, stamp)) {
    // The server was set back to before what is here: it is to have that again.
    const fields = difference(have, mine);
    return { row: local, note: { ...(note ?? newNote(key, known)), fields, whole: 1 } };
  }
  if (!note) return { row: theirs };
  // The deletion is still to be sent: only its answer brings back what it took here in vain.
  if (!isAnswered && note.deleted !== undefined) return here;

  const isOurs = isLater(note.stamp, stamp);
  const row = { ...theirs };
  const fields: Row = {};
  for (const path of [...Object.keys(note.fields), ...(note.whole ? mine.keys() : [])]) {
    const there = have.get(path);
    // What is newer here counts although it is alike: an older edit of another value may still arrive there.
    if (equal(mine.get(path), there) && (isAnswered || !isOurs)) continue;
    const isUntouched =
      equal(there, note.fields[path]) ||
      (sent?.values.has(path) && equal(there, sent.values.get(path)));
    // The server has judged what was sent; what it does not show has lost, or was mended.
    if (!isUntouched && (isAnswered || !isOurs)) continue;
    fields[path] = there ?? null;
    setPath(row, path, mine.get(path));
  }
  const again = (note.again ?? 0) + (isAnswered ? 1 : 0);
  if (Object.keys(fields).length === 0) return { row };
  if (again > MOST_AGAIN) return { row: theirs };
  const kept = isAnswered ? now() : note.stamp;
  const next = isOurs ? kept : (after(stamp) ?? now());
  row.updated_at = next;
  const { whole, deleted, was, ...rest } = note;
  const noted: Note = { ...rest, fields, stamp: next };
  if (stamp !== undefined) noted.was = stamp;
  if (again > 0) noted.again = again;
  return { row, note: noted };
}
