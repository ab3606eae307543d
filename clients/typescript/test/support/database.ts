import Dexie, { type DexieOptions, type Table } from "dexie";
import { IDBFactory, IDBKeyRange } from "fake-indexeddb";
import { type Note, syncTables } from "../../src/tables.js";
import type { Conversation, Message } from "../../src/types.js";

/** A conversation of an app that has fields of its own. */
export interface Chat extends Conversation {
  pinned?: boolean;
  color?: string;
  when?: unknown;
}

export class ChatDatabase extends Dexie {
  conversations!: Table<Chat, string>;
  messages!: Table<Message, [string, string]>;
  sync_notes!: Table<Note, [string, string]>;

  constructor(name: string, options: DexieOptions) {
    super(name, options);
    this.version(1).stores({
      conversations: "id, updated_at",
      messages: "[conversation_id+message_id], [conversation_id+timestamp]",
      ...syncTables,
    });
  }
}

let count = 0;

/** A database of its own; the same factory gives another tab of the same device. */
export function database(
  indexedDB: IDBFactory = new IDBFactory(),
  name = `chats-${String(++count)}`,
): ChatDatabase {
  return new ChatDatabase(name, { indexedDB, IDBKeyRange });
}
