import type { Api } from "./api.js";
import { SyncError } from "./errors.js";
import { edit } from "./noting.js";
import type { Store } from "./store.js";
import { type Stamps, moment } from "./stamps.js";
import type { Kind, Note, NoteKey, VisitorRow } from "./tables.js";
import type { Rejected, Visitor } from "./types.js";
import type { Row } from "./values.js";

/** Who the visitor is by its row; undefined until the server has told. */
export function visitorOf(row: VisitorRow | undefined): Visitor | undefined {
  if (row?.userId !== undefined) return { userId: row.userId };
  return row?.anonId === undefined ? undefined : { anonId: row.anonId };
}

/** A visitor of whom the server has been told, and who it is. */
export interface Known {
  row: VisitorRow;
  visitor: Visitor;
}

/** Registers visitors, and merges the anonymous one into a user. */
export class Visitors {
  constructor(
    private readonly store: Store,
    private readonly api: Api,
    /** The user that the app says it is; without one the visitor is who it was. */
    public userId: string | undefined,
  ) {}

  /** The visitor, registered or merged if need be. Throws a SyncError. */
  async known(signal: AbortSignal | undefined): Promise<Known> {
    const row = (await this.store.get("visitor")) ?? (await this.#begin());
    if (this.userId !== undefined && row.userId !== this.userId) {
      await this.merge(this.userId, signal);
      return this.known(signal);
    }
    const visitor = visitorOf(row);
    return visitor ? { row, visitor } : this.#registerAnonymous(row, signal);
  }

  /** Registers a visitor that the server does not know: it is new, or the server has lost it. */
  async registerAgain({ row, visitor }: Known, signal: AbortSignal | undefined): Promise<void> {
    if ("userId" in visitor) {
      await this.#register(visitor, { user_id: visitor.userId }, signal);
      await this.#become(row, { userId: visitor.userId });
    } else await this.#registerAnonymous(row, signal);
  }

  /**
   * Makes the anonymous visitor, if there is one, a part of a user, and goes on as the user; what is not sent
   * is kept. May be called again when the answer was lost. Throws a SyncError.
   */
  async merge(userId: string, signal?: AbortSignal): Promise<void> {
    const row = (await this.store.get("visitor")) ?? (await this.#begin());
    if (row.userId === userId) return;
    if (row.userId !== undefined)
      throw new SyncError("What is here is another user's: sign out first", "other_user", {
        reason: "other_user",
      });
    if (row.anonId !== undefined) await this.#mergeAnonymous(userId, row.anonId, signal);
    await this.#become(row, { userId });
  }

  async #mergeAnonymous(userId: string, anonId: string, signal?: AbortSignal): Promise<void> {
    const user = { userId };
    const ask = { body: { anon_id: anonId }, signal };
    const isUnknown = (error: unknown) =>
      error instanceof SyncError && error.code === "visitor_not_found";
    try {
      await this.api.json(user, "visitors/merge/", ask);
    } catch (error) {
      if (!isUnknown(error)) throw error;
      await this.#register(user, { user_id: userId }, signal);
      await this.api.json(user, "visitors/merge/", ask).catch((again: unknown) => {
        // The user is known by now, so the server has lost the anonymous visitor: all is sent anew.
        if (!isUnknown(again)) throw again;
      });
    }
  }

  async #registerAnonymous(row: VisitorRow, signal: AbortSignal | undefined): Promise<Known> {
    const { anon_id } = await this.#register(undefined, {}, signal);
    if (anon_id === undefined) throw new SyncError("The server told no anon_id", "no_anon_id");
    const visitor = { anonId: anon_id };
    return { row: await this.#become(row, visitor), visitor };
  }

  #register(
    visitor: Visitor | undefined,
    body: object,
    signal: AbortSignal | undefined,
  ): Promise<{ anon_id?: string }> {
    return this.api.json(visitor, "visitors/", { body, signal });
  }

  /** Takes the identity, unless the app has signed out meanwhile. What is there may be unknown to the server. */
  #become(was: VisitorRow, identity: Pick<VisitorRow, "anonId" | "userId">): Promise<VisitorRow> {
    return this.store.write(async () => {
      const now = await this.store.get("visitor");
      if (
        now?.generation !== was.generation ||
        now.anonId !== was.anonId ||
        now.userId !== was.userId
      )
        throw new SyncError("The visitor has changed", "not_ready");
      const row: VisitorRow = { key: "visitor", generation: was.generation, ...identity };
      if (was.cursor !== undefined || was.anew) row.anew = 1;
      await this.store.set(row);
      return row;
    });
  }

  /** Notes whole what the app had before there was a sync. */
  #begin(): Promise<VisitorRow> {
    const { store } = this;
    return store.write(async () => {
      const row: VisitorRow = { key: "visitor", generation: 0 };
      await store.set(row);
      const stamps = await store.stamps();
      for (const kind of ["conversations", "messages"] as const) {
        const keys = await store.rows(kind).toCollection().primaryKeys();
        for (let i = 0; i < keys.length; i += 500)
          await this.#adopt(kind, keys.slice(i, i + 500), stamps);
      }
      await store.set(stamps.row);
      return row;
    });
  }

  async #adopt(kind: Kind, keys: (string | NoteKey)[], stamps: Stamps): Promise<void> {
    const noteKeys = keys.map((key): NoteKey => (typeof key === "string" ? [key, ""] : key));
    const [rows, notes] = await Promise.all([
      this.store.rows(kind).bulkGet(keys),
      this.store.notes.bulkGet(noteKeys),
    ]);
    const puts: Row[] = [];
    const noted: Note[] = [];
    const rejected: Rejected[] = [];
    for (const [i, [conversation_id, message_id]] of noteKeys.entries()) {
      const row = rows[i];
      if (!row || notes[i]) continue;
      try {
        const { row: made, note } = edit(kind, stamps, row);
        if (!note) continue;
        // What is older than the sync keeps its place in time.
        const own = moment(row.updated_at);
        if (typeof own === "string" && !isNaN(Date.parse(own))) made.updated_at = note.stamp = own;
        puts.push(made);
        noted.push(note);
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        const item = { table: kind, conversation_id, message_id, path: "", message };
        rejected.push({ ...item, at: this.store.clock() });
        noted.push({ conversation_id, message_id, stamp: stamps.next(), fields: {}, whole: 1 });
      }
    }
    await this.store.rows(kind).bulkPut(puts);
    await this.store.notes.bulkPut(noted);
    await this.store.rejected.bulkPut(rejected);
  }
}
