import type {
  DBCore,
  DBCoreAddRequest,
  DBCoreDeleteRangeRequest,
  DBCoreDeleteRequest,
  DBCoreKeyRange,
  DBCoreMutateRequest,
  DBCoreMutateResponse,
  DBCorePutRequest,
  DBCoreTransaction,
  Middleware,
} from "dexie";
import { type Stamps, createStamps, isLater } from "./stamps.js";
import {
  type ClockRow,
  KINDS,
  type Kind,
  NOTES,
  type Note,
  type NoteKey,
  REJECTED,
  STATE,
  newNote,
  rowKey,
  textOfKey,
} from "./tables.js";
import { type Row, difference, flat, toRow } from "./values.js";

/** The transactions in which the sync itself writes: what comes from the server is not noted. */
const unnoted = new WeakSet();

/** Has what a transaction writes from now on not be noted. */
export function doNotNote(trans: { idbtrans: IDBTransaction }): void {
  unnoted.add(trans.idbtrans);
}

/** The key of an item. */
function noteKey(kind: Kind, row: Row): NoteKey {
  return kind === "messages"
    ? [row.conversation_id as string, row.message_id as string]
    : [row.id as string, ""];
}

/** A change of an item: the row as it is to be stored, and what is noted of it. */
export interface Edit {
  row: Row;
  note?: Note | undefined;
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
  const stamp = set !== undefined && isLater(set, next) ? set : next;
  row.updated_at = stamp;
  if (!old) row[began] ??= stamp;
  const noted = note ?? newNote(noteKey(kind, row), stamp);
  if (!note && was !== undefined) noted.was = was;
  // Of what goes whole the server is thought to have nothing.
  if (noted.whole) for (const path of Object.keys(fields)) fields[path] = null;
  const changed: Note = { ...noted, stamp, fields: { ...fields, ...noted.fields }, ready: 1 };
  if (!old) changed.whole = 1;
  return { row, note: changed };
}

/** A Dexie middleware that notes every change of conversations and messages in the transaction of the change. */
export function noting(clock: () => number): Middleware<DBCore> {
  return {
    stack: "dbcore",
    name: "convosync",
    // Beneath the hooks of the app, which may change what is written.
    level: 1,
    create: (core) => ({
      ...core,
      transaction(tables, mode, options) {
        const isNoted = mode === "readwrite" && KINDS.some((kind) => tables.includes(kind));
        const all = isNoted ? new Set([...tables, "messages", NOTES, STATE, REJECTED]) : tables;
        return core.transaction([...all], mode, options);
      },
      table(name) {
        const kind = KINDS.find((kind) => kind === name);
        return kind ? notingTable(core, kind, clock) : core.table(name);
      },
    }),
  };
}

function notingTable(core: DBCore, kind: Kind, clock: () => number) {
  const table = core.table(kind);
  return {
    ...table,
    mutate(request: DBCoreMutateRequest) {
      const { trans } = request;
      const stores = (trans as { objectStoreNames?: DOMStringList }).objectStoreNames;
      // An upgrade to the version that adds these tables: the first start notes what was there before.
      if (unnoted.has(trans) || !stores?.contains(NOTES) || !stores.contains(STATE))
        return table.mutate(request);
      return "values" in request ? put(request) : remove(request);
    },
  };

  async function put(request: DBCoreAddRequest | DBCorePutRequest): Promise<DBCoreMutateResponse> {
    const { trans, type } = request;
    const keys = request.values.map((value) => noteKey(kind, value as Row));
    if (keys.flat().some((id) => typeof id !== "string"))
      throw new TypeError(`${kind}: every id has to be a text`);
    const [olds, notes, stamps] = await Promise.all([
      table.getMany({ trans, keys: keys.map(rowKey) }) as Promise<(Row | undefined)[]>,
      core.table(NOTES).getMany({ trans, keys }) as Promise<(Note | undefined)[]>,
      readStamps(trans),
    ]);
    // The same key may come twice in one request: the second change is one of the first one's row.
    const latest = new Map<string, Partial<Edit>>();
    const edits = request.values.map((value, i) => {
      const id = textOfKey(keys[i] as NoteKey);
      const { row, note } = latest.get(id) ?? { row: olds[i], note: notes[i] };
      const change = edit(kind, stamps, value as Row, row, note);
      if (type === "put" || !row) latest.set(id, { note, ...change });
      return change;
    });
    const response = await table.mutate({ type, trans, values: edits.map(({ row }) => row) });
    const written = edits.filter((_, i) => !(i in response.failures));
    await note(
      trans,
      stamps,
      written.flatMap((change) => change.note ?? []),
    );
    return response;
  }

  async function remove(
    request: DBCoreDeleteRequest | DBCoreDeleteRangeRequest,
  ): Promise<DBCoreMutateResponse> {
    const { trans } = request;
    const { primaryKey } = table.schema;
    const [found, stamps] = await Promise.all([
      request.type === "delete"
        ? table.getMany({ trans, keys: request.keys })
        : table
            .query({ trans, values: true, query: { index: primaryKey, range: request.range } })
            .then(({ result }) => result as unknown[]),
      readStamps(trans),
    ]);
    const rows = (found as (Row | undefined)[]).filter((row) => row !== undefined);
    const response = await table.mutate(request);
    if (kind === "conversations") {
      for (const { id } of rows) {
        const range = { lower: [id], upper: [id, []] } as DBCoreKeyRange;
        for (const name of ["messages", NOTES, REJECTED])
          await core.table(name).mutate({ type: "deleteRange", trans, range });
      }
    }
    const notes = rows.map((row): Note => {
      const stamp = stamps.next(row.updated_at as string | undefined);
      return { ...newNote(noteKey(kind, row), stamp), deleted: stamp };
    });
    await note(trans, stamps, notes);
    return response;
  }

  async function readStamps(trans: DBCoreTransaction): Promise<Stamps> {
    const row = (await core.table(STATE).get({ trans, key: "clock" })) as ClockRow | undefined;
    return createStamps(row, clock);
  }

  /** Notes changes; what the server has refused of these items is to be tried again. */
  async function note(trans: DBCoreTransaction, stamps: Stamps, notes: Note[]): Promise<void> {
    if (notes.length === 0) return;
    const keys = notes.map((note) => [note.conversation_id, note.message_id]);
    await Promise.all([
      core.table(NOTES).mutate({ type: "put", trans, values: notes }),
      core.table(STATE).mutate({ type: "put", trans, values: [stamps.row] }),
      core.table(REJECTED).mutate({ type: "delete", trans, keys }),
    ]);
  }
}
