import { noteKey } from "./noting.js";
import { after, isLater } from "./stamps.js";
import type { Kind, Note } from "./tables.js";
import { type Flat, type Row, difference, equal, flat, setPath } from "./values.js";

/** What a turn sent of an item. */
export interface Sent {
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
export function withoutSent(kind: Kind, note: Note, sent: Sent, row?: Row): Note | undefined {
  if (note.stamp === sent.stamp) return undefined;
  // Deleted since, and perhaps put anew: that is all still to be sent.
  if (!row || isLater(note.deleted, sent.stamp)) return note;
  const local = flat(kind, row);
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
  row: Row;
  /** The stamp that the server has of it. */
  stamp: string | undefined;
}

/** Settles an item that the server has with what is here of it; `anew` while everything is pulled anew. */
export function settle(
  kind: Kind,
  { row, note }: Settled,
  theirs: Theirs,
  sent: Sent | undefined,
  anew: boolean,
  now: () => string,
): Settled {
  const isAnswered = note !== undefined && sent?.stamp === note.stamp;
  if (!row) return note && !isAnswered ? { note } : { row: theirs.row };
  const was = note ? note.was : (row.updated_at as string | undefined);
  if (anew && isLater(was, theirs.stamp)) {
    // The server was set back to before what is here: it is to have that again.
    const [conversation_id, message_id] = noteKey(kind, row);
    const stamp = (row.updated_at as string | undefined) ?? now();
    const bare = note ?? { conversation_id, message_id, stamp, fields: {}, ready: 1 as const };
    const fields = difference(flat(kind, theirs.row), flat(kind, row));
    return { row, note: { ...bare, fields, whole: 1 } };
  }
  if (!note) return { row: theirs.row };
  if (!isAnswered && isLater(note.deleted, theirs.stamp)) return { row, note };
  return overlay(kind, row, note, theirs, sent, now);
}

/**
 * Lays what is noted of an item over what the server has of it. `sent` is what the turn that this is
 * the answer to sent of it.
 *
 * A field that nobody else has changed since keeps the local value, and the item is stamped anew where the
 * server has a newer stamp, so that edits of different fields survive whichever came first. Of one field the
 * newer stamp wins.
 */
function overlay(
  kind: Kind,
  local: Row,
  note: Note,
  theirs: Theirs,
  sent: Sent | undefined,
  now: () => string,
): Settled {
  const { stamp } = theirs;
  const isAnswered = sent?.stamp === note.stamp;
  const isOurs = isLater(note.stamp, stamp);
  const mine = flat(kind, local);
  const have = flat(kind, theirs.row);
  const paths = new Set(Object.keys(note.fields));
  if (note.whole) for (const path of mine.keys()) paths.add(path);

  const row = { ...theirs.row };
  const fields: Row = {};
  for (const path of paths) {
    const value = mine.get(path);
    const there = have.get(path);
    if (equal(value, there)) continue;
    const isUntouched =
      equal(there, note.fields[path]) ||
      (sent?.values.has(path) && equal(there, sent.values.get(path)));
    // The server has judged what was sent; what it does not show has lost, or was mended.
    if (isUntouched || (isOurs && !isAnswered)) fields[path] = there ?? null;
  }
  const left = Object.keys(fields);
  const again = (note.again ?? 0) + (isAnswered ? 1 : 0);
  if (left.length === 0 || again > MOST_AGAIN) return { row };
  for (const path of left) setPath(row, path, mine.get(path));
  const next = isOurs ? (isAnswered ? now() : note.stamp) : later(stamp, now);
  row.updated_at = next;
  const { whole, deleted, was, ...rest } = note;
  const noted: Note = { ...rest, fields, stamp: next };
  if (stamp !== undefined) noted.was = stamp;
  if (again > 0) noted.again = again;
  return { row, note: noted };
}

function later(stamp: string | undefined, now: () => string): string {
  const next = after(stamp);
  return next === undefined ? now() : new Date(next).toISOString();
}
