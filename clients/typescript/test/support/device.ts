import { convosync } from "../../src/index.js";
import type { Sync } from "../../src/sync.js";
import type { SyncOptions } from "../../src/types.js";
import { type ChatDatabase, database } from "./database.js";

/** A tab of an app with its database and its sync. */
export interface Tab {
  db: ChatDatabase;
  sync: Sync;
}

/** A tab of the given device, or of a new one. */
export function tab(options: SyncOptions, indexedDB?: IDBFactory, name?: string): Tab {
  const db = database(indexedDB, name);
  return { db, sync: convosync(db, { pace: 5, ...options }) };
}

type Stored = Record<string, unknown>;

/** All conversations and messages of a tab in the order of their keys. */
export async function contents(
  db: ChatDatabase,
): Promise<{ conversations: Stored[]; messages: Stored[] }> {
  return {
    conversations: (await db.conversations.toArray()) as unknown as Stored[],
    messages: (await db.messages.toArray()) as unknown as Stored[],
  };
}
