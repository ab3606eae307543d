import type {
  DBCore,
  DBCoreKeyRange,
  DBCoreMutateRequest,
  DBCoreMutateResponse,
  DBCoreTable,
  DBCoreTransaction,
  Middleware,
} from "dexie";
import { Stamps, isLater } from "./stamps.js";
import {
  type ClockRow,
  type Kind,
  type Note,
  NOTES,
  type NoteKey,
  REJECTED,
  STATE,
} from "./tables.js";
import { type Row, difference, flat, toRow } from "./values.js";

const SYNCED: readonly string[] = ["conversations", "messages"];

/** The transactions in which the sync itself writes: what comes from the server is not noted. */
const unnoted = new WeakSet();

/** Has what a transaction writes from now on not be noted. */
export function doNotNote(trans: { idbtrans: IDBTransaction }): void {
  unnoted.add(trans.idbtrans);
}

/** The key of the note of an item. */
export function noteKey(kind: Kind, row: Row): NoteKey {
  return kind === "messages"
    ? [row.conversation_id as string, row.message_id as string]
    : [row.id as string, ""];
}

/** A change of an item: the row as it is to be stored, and what is noted of it. */
export interface Edit {
  row: Row;
  note?: Note;
}

/** What happens as the app puts `value` where the row `old` was, of which `note` is noted already. */
export function edit(kind: Kind, stamps: Stamps, value: Row, old?: Row, note?: Note): Edit {
  const row = toRow(kind, value, old);
  const began = kind === "messages" ? "timestamp" : "created_at";
  if (old?.[began] !== undefined) row[began] ??= old[began];
  const fields = old ? difference(flat(kind, old), flat(kind, row)) : {};
  const was = old?.updated_at as string | undefined;
  const set = row.updated_at as string | undefined;
  if (old && Object.keys(fields).length === 0 && !isLater(set, was)) {
    if (was !== undefined) row.updated_at = was;
    return { row };
  }
  const next = stamps.next(was ?? note?.deleted);
  const stamp = isLater(set, next) ? (set as string) : next;
  row.updated_at = stamp;
  if (!old) row[began] ??= stamp;
  const [conversation_id, message_id] = noteKey(kind, row);
  const noted: Note = {
    ...(note ?? { conversation_id, message_id, fields: {}, ...(was === undefined ? {} : { was }) }),
    stamp,
    fields: { ...fields, ...note?.fields },
    ready: 1,
  };
  if (!old) noted.whole = 1;
  return { row, note: noted };
}

/** What is noted as the app deletes the row `old`. */
export function deletion(kind: Kind, stamps: Stamps, old: Row): Note {
  const [conversation_id, message_id] = noteKey(kind, old);
  const stamp = stamps.next(old.updated_at as string | undefined);
  return { conversation_id, message_id, stamp, deleted: stamp, fields: {}, ready: 1 };
}

/** A Dexie middleware that notes every change of conversations and messages in the transaction of the change. */
export function noting(clock: () => number): Middleware<DBCore> {
  return {
    stack: "dbcore",
    name: "convosync",
    // Beneath the hooks of the app, which may change what is written.
    level: 1,
    create: (down) => ({
      ...down,
      transaction(tables, mode, options) {
        const all =
          mode === "readwrite" && tables.some((table) => SYNCED.includes(table))
            ? [...new Set([...tables, "messages", NOTES, STATE, REJECTED])]
            : tables;
        return down.transaction(all, mode, options);
      },
      table(name) {
        const table = down.table(name);
        if (!SYNCED.includes(name)) return table;
        const noter = new Noter(down, table, name as Kind, clock);
        return { ...table, mutate: (request) => noter.mutate(request) };
      },
    }),
  };
}

class Noter {
  constructor(
    private readonly core: DBCore,
    private readonly table: DBCoreTable,
    private readonly kind: Kind,
    private readonly clock: () => number,
  ) {}

  async mutate(request: DBCoreMutateRequest): Promise<DBCoreMutateResponse> {
    const trans = request.trans;
    const stores = (trans as unknown as IDBTransaction).objectStoreNames as
      DOMStringList | undefined;
    // An upgrade to the version that adds these tables: the first start notes what was there before.
    if (unnoted.has(trans) || !stores?.contains(NOTES) || !stores.contains(STATE))
      return this.table.mutate(request);
    return request.type === "add" || request.type === "put"
      ? this.#put(request)
      : this.#delete(request);
  }

  async #put(
    request: Extract<DBCoreMutateRequest, { type: "add" | "put" }>,
  ): Promise<DBCoreMutateResponse> {
    const { trans, type } = request;
    const { extractKey } = this.table.schema.primaryKey;
    const keys = request.values.map((value) => extractKey?.(value) as unknown);
    const noteKeys = request.values.map((value) => noteKey(this.kind, value as Row));
    const valid = noteKeys.every((key) => key.every((id) => typeof id === "string"));
    if (!valid) throw new TypeError(`${this.kind}: every id has to be a text`);
    const [olds, notes, stamps] = await Promise.all([
      this.table.getMany({ trans, keys }) as Promise<(Row | undefined)[]>,
      this.#of(NOTES).getMany({ trans, keys: noteKeys }) as Promise<(Note | undefined)[]>,
      this.#stamps(trans),
    ]);
    // The same key may come twice in one request: the second change is one of the first one's row.
    const latest = new Map<string, Edit>();
    const edits = request.values.map((value, i) => {
      const id = JSON.stringify(noteKeys[i]);
      const earlier = latest.get(id);
      const old = earlier?.row ?? olds[i];
      const change = edit(this.kind, stamps, value as Row, old, earlier?.note ?? notes[i]);
      if (type === "put" || !old) latest.set(id, { ...earlier, ...change });
      return change;
    });
    const values = edits.map(({ row }) => row);
    const response = await this.table.mutate({ type, trans, values });
    const written = edits.flatMap(({ note }, i) =>
      note && !(i in response.failures) ? [note] : [],
    );
    if (written.length > 0) {
      const unique = new Map(
        written.map((n) => [JSON.stringify([n.conversation_id, n.message_id]), n]),
      );
      await this.#note(trans, stamps, [...unique.values()]);
    }
    return response;
  }

  async #delete(
    request: Extract<DBCoreMutateRequest, { type: "delete" | "deleteRange" }>,
  ): Promise<DBCoreMutateResponse> {
    const { trans } = request;
    const [found, stamps] = await Promise.all([
      request.type === "delete"
        ? this.table.getMany({ trans, keys: request.keys })
        : this.table
            .query({
              trans,
              values: true,
              query: { index: this.table.schema.primaryKey, range: request.range },
            })
            .then(({ result }) => result as unknown[]),
      this.#stamps(trans),
    ]);
    const rows = (found as (Row | undefined)[]).filter((row) => row !== undefined);
    const response = await this.table.mutate(request);
    if (rows.length === 0) return response;
    if (this.kind === "conversations") {
      for (const row of rows) {
        const range = { lower: [row.id], upper: [row.id, []] } as DBCoreKeyRange;
        for (const name of ["messages", NOTES, REJECTED])
          await this.#of(name).mutate({ type: "deleteRange", trans, range });
      }
    }
    const notes = rows.map((row) => deletion(this.kind, stamps, row));
    await this.#note(trans, stamps, notes);
    return response;
  }

  #of(name: string): DBCoreTable {
    return this.core.table(name);
  }

  async #stamps(trans: DBCoreTransaction): Promise<Stamps> {
    const row = (await this.#of(STATE).get({ trans, key: "clock" })) as ClockRow | undefined;
    return new Stamps(row ?? { key: "clock", last: 0, offset: 0 }, this.clock);
  }

  async #note(trans: DBCoreTransaction, stamps: Stamps, notes: Note[]): Promise<void> {
    const keys = notes.map((note) => [note.conversation_id, note.message_id]);
    await Promise.all([
      this.#of(NOTES).mutate({ type: "put", trans, values: notes }),
      this.#of(STATE).mutate({ type: "put", trans, values: [stamps.row] }),
      this.#of(REJECTED).mutate({ type: "delete", trans, keys }),
    ]);
  }
}
