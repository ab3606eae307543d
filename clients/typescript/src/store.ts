import type { Dexie, Table } from "dexie";
import { doNotNote } from "./noting.js";
import { Stamps } from "./stamps.js";
import {
  ALL_TABLES,
  type ClockRow,
  type Kind,
  type Note,
  NOTES,
  type NoteKey,
  REJECTED,
  STATE,
  type VisitorRow,
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
export class Store {
  readonly notes: Table<Note, NoteKey>;
  readonly rejected: Table<Rejected, NoteKey>;
  readonly #state: Table<StateRow, string>;

  constructor(
    readonly db: Dexie,
    readonly clock: () => number,
  ) {
    const missing = ALL_TABLES.find((name) => !db.tables.some((table) => table.name === name));
    if (missing !== undefined)
      throw new Error(`The database has no table ${missing}: spread syncTables into its stores()`);
    const keys = { conversations: "id", messages: "conversation_id,message_id" };
    for (const [name, path] of Object.entries(keys))
      if (String(db.table(name).schema.primKey.keyPath) !== path)
        throw new Error(`The primary key of the table ${name} has to be ${path.replace(",", "+")}`);
    this.notes = db.table(NOTES);
    this.rejected = db.table(REJECTED);
    this.#state = db.table(STATE);
  }

  rows(kind: Kind): Table<Row, string | NoteKey> {
    return this.db.table(kind);
  }

  /** Writes what is not a change of the app's. */
  write<T>(work: () => Promise<T>): Promise<T> {
    return this.db.transaction("rw", ALL_TABLES, async (trans) => {
      doNotNote(trans);
      return work();
    });
  }

  /** Writes what the tabs tell each other. */
  tell<T>(work: () => Promise<T>): Promise<T> {
    return this.db.transaction("rw", STATE, work);
  }

  get<K extends StateRow["key"]>(key: K): Promise<Extract<StateRow, { key: K }> | undefined> {
    return this.#state.get(key) as Promise<Extract<StateRow, { key: K }> | undefined>;
  }

  async set(row: StateRow): Promise<void> {
    await this.#state.put(row);
  }

  /** The stamps of the device; keep what was made with `set(stamps.row)` in the same transaction. */
  async stamps(): Promise<Stamps> {
    return new Stamps(
      (await this.get("clock")) ?? { key: "clock", last: 0, offset: 0 },
      this.clock,
    );
  }

  /** How many items have changes to send. */
  pending(): Promise<number> {
    return this.notes.where("ready").equals(1).count();
  }
}
