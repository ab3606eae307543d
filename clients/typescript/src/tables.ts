/** The key of a note: a conversation's id with an empty text, or the two ids of a message. */
export type NoteKey = [conversationId: string, messageId: string];
/** The tables that are kept in sync. */
export type Kind = "conversations" | "messages";

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
export const ALL_TABLES = ["conversations", "messages", NOTES, STATE, REJECTED];
