/** The tables that are kept in sync. */
export const KINDS = ["conversations", "messages"] as const;
export type Kind = (typeof KINDS)[number];

/** The key of an item and its note: a conversation's id with an empty text, or the two ids of a message. */
export type NoteKey = [conversationId: string, messageId: string];

/** The key as a text, for a map. */
export const textOfKey = (key: NoteKey): string => JSON.stringify(key);
export const kindOf = (key: NoteKey): Kind => (key[1] === "" ? "conversations" : "messages");
/** The primary key of the row of an item. */
export const rowKey = (key: NoteKey): string | NoteKey => (key[1] === "" ? key[0] : key);
/** The key of the item that has a row with this primary key. */
export const keyOfRow = (key: string | NoteKey): NoteKey =>
  typeof key === "string" ? [key, ""] : key;

/** What has changed in an item and is not sent yet. */
export interface Note {
  conversation_id: string;
  message_id: string;
  /** The moment of the last change; each change of an item has another, so it names the version, too. */
  stamp: string;
  /** The paths that changed, each with the value that the server is thought to have, null for none. */
  fields: Record<string, unknown>;
  /** The whole item is to be sent: it is new, or the server may not have it. */
  whole?: 1;
  /** The `updated_at` that the item had before its first change noted here. */
  was?: string;
  /** The moment of a deletion. What else the note says came after it. */
  deleted?: string;
  /** Absent while the item is not to be sent, because the server refused it. */
  ready?: 1;
  /** How often the changes were stamped anew because another device was faster. */
  again?: number;
}

/** A note that names no changes yet. */
export function newNote([conversation_id, message_id]: NoteKey, stamp: string): Note {
  return { conversation_id, message_id, stamp, fields: {}, ready: 1 };
}

/** The note with the whole item to be sent. */
export const whole = (note: Note): Note => ({ ...note, fields: {}, whole: 1 });

/** Who the visitor is, and how far the local data follows the server. */
export interface VisitorRow {
  key: "visitor";
  /** Counts sign-outs, so that the other tabs notice them. */
  generation: number;
  anonId?: string;
  userId?: string;
  cursor?: string;
  /** The cursor was lost: what a pull from the start does not bring is to be sent whole. */
  anew?: 1;
}

/** Whether two rows are of the same visitor. */
export function isSameVisitor(a: VisitorRow | undefined, b: VisitorRow): boolean {
  return a?.generation === b.generation && a.anonId === b.anonId && a.userId === b.userId;
}

/** What the stamps of this device go by, in milliseconds. */
export interface ClockRow {
  key: "clock";
  /** The last stamp. */
  last: number;
  /** How far the server's clock is ahead of the device's. */
  offset: number;
}

export const NOTES = "sync_notes";
export const STATE = "sync_state";
export const REJECTED = "sync_rejected";

/** The tables that the sync needs for itself, to be spread into `stores()` beside the app's own. */
export const syncTables = {
  [NOTES]: "[conversation_id+message_id], ready",
  [STATE]: "key",
  [REJECTED]: "[conversation_id+message_id]",
} as const;

/** All tables that a transaction of the sync may write. */
export const ALL_TABLES = [...KINDS, NOTES, STATE, REJECTED];
