import type { Dexie, Table } from "dexie";
import { doNotNote } from "./noting.js";
import { type Stamps, createStamps } from "./stamps.js";
import {
  ALL_TABLES,
  type ClockRow,
  KINDS,
  type Kind,
  type Note,
  NOTES,
  type NoteKey,
  REJECTED,
  STATE,
  type VisitorRow,
  keyOfRow,
  kindOf,
  rowKey,
  textOfKey,
} from "./tables.js";
import type { Rejected, SyncStatus } from "./types.js";
import type { Row } from "./values.js";

/** What the tabs tell each other about the sync. */
export interface StatusRow extends Pick<SyncStatus, "state" | "reason" | "message" | "syncedAt"> {
  key: "status";
}
/** How many times a tab has asked for a turn. */
export interface WishRow {
  key: "wish";
  count: number;
}
/** How many wishes have been met, and what went wrong with the last one. */
export interface MetRow {
  key: "met";
  count: number;
  error?: { message: string; code: string; details: object };
}
type StateRow = VisitorRow | ClockRow | StatusRow | WishRow | MetRow;

/** The tables, as the sync uses them. */
export type Store = ReturnType<typeof openStore>;

export function openStore(db: Dexie, clock: () => number) {
  const keys = { conversations: "id", messages: "conversation_id,message_id" };
  for (const kind of KINDS)
    if (String(db.table(kind).schema.primKey.keyPath) !== keys[kind])
      throw new Error(`The primary key of the table ${kind} has to be ${keys[kind]}`);
  const notes = db.table<Note, NoteKey>(NOTES);
  const rejected = db.table<Rejected, NoteKey>(REJECTED);
  const state = db.table<StateRow, string>(STATE);

  const store = {
    db,
    clock,
    notes,
    rejected,

    rows: (kind: Kind): Table<Row, string | NoteKey> => db.table(kind),

    /** The keys of all items. */
    async keys(): Promise<NoteKey[]> {
      const keys = KINDS.map((kind) => store.rows(kind).toCollection().primaryKeys());
      return (await Promise.all(keys)).flat().map(keyOfRow);
    },

    /** Puts an item aside that cannot be sent. */
    async reject(key: NoteKey, path: string, message: string): Promise<void> {
      const [conversation_id, message_id] = key;
      const item = { table: kindOf(key), conversation_id, message_id, path, message };
      await rejected.put({ ...item, at: clock() });
    },

    /** Reads the rows of items, by the texts of their keys. */
    async read(keys: NoteKey[]): Promise<Map<string, Row>> {
      const read = new Map<string, Row>();
      const readKind = async (kind: Kind) => {
        const of = keys.filter((key) => kindOf(key) === kind);
        const rows = await store.rows(kind).bulkGet(of.map(rowKey));
        for (const [i, key] of of.entries()) if (rows[i]) read.set(textOfKey(key), rows[i]);
      };
      await Promise.all(KINDS.map(readKind));
      return read;
    },

    /** Writes what is not a change of the app's. */
    write<T>(work: () => Promise<T>): Promise<T> {
      return db.transaction("rw", ALL_TABLES, async (trans) => {
        doNotNote(trans);
        return work();
      });
    },

    /** Writes what the tabs tell each other. */
    tell<T>(work: () => Promise<T>): Promise<T> {
      return db.transaction("rw", state, work);
    },

    get<K extends StateRow["key"]>(key: K): Promise<Extract<StateRow, { key: K }> | undefined> {
      return state.get(key) as Promise<Extract<StateRow, { key: K }> | undefined>;
    },

    async set(row: StateRow): Promise<void> {
      await state.put(row);
    },

    /** The stamps of the device; keep what was made with `set(stamps.row)` in the same transaction. */
    async stamps(): Promise<Stamps> {
      return createStamps(await store.get("clock"), clock);
    },

    /** How many items have changes to send. */
    pending(): Promise<number> {
      return notes.where("ready").equals(1).count();
    },
  };
  return store;
}
