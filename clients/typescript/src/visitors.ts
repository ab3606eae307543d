import type { Api, Identity } from "./api.js";
import { SyncError, passOver } from "./errors.js";
import type { Store } from "./store.js";
import { type VisitorRow, isSameVisitor } from "./tables.js";
import type { Visitor } from "./types.js";
import { noteWhole } from "./whole.js";

/** Who the visitor is by its row; undefined until the server has told. */
export function visitorOf(row: VisitorRow | undefined): Visitor | undefined {
  if (row?.userId !== undefined) return { userId: row.userId };
  return row?.anonId === undefined ? undefined : { anonId: row.anonId };
}

/** Registers visitors, and merges the anonymous one into a user. */
export type Visitors = ReturnType<typeof createVisitors>;

/** `userId` is the user that the app says it is; without one the visitor is who it was. */
export function createVisitors(store: Store, api: Api, userId: string | undefined) {
  const visitors = {
    userId,

    /** The visitor, registered or merged if need be. Throws a SyncError. */
    async known(signal: AbortSignal): Promise<VisitorRow> {
      const { userId } = visitors;
      if (userId !== undefined) return visitors.merge(userId, signal);
      const row = await stored();
      return visitorOf(row) ? row : visitors.register(row, signal);
    },

    /** Registers a visitor that the server does not know: it is new, or the server has lost it. Throws a SyncError. */
    async register(row: VisitorRow, signal: AbortSignal): Promise<VisitorRow> {
      const { userId } = row;
      const body = userId === undefined ? {} : { user_id: userId };
      const of = userId === undefined ? {} : row;
      const made = await api.json<{ anon_id: string }>(of, "visitors/", { body, signal });
      return become(row, userId === undefined ? { anonId: made.anon_id } : { userId });
    },

    /**
     * Makes the anonymous visitor, if there is one, a part of a user, and goes on as the user; what is not sent
     * is kept. May be called again when the answer was lost. Throws a SyncError.
     */
    async merge(userId: string, signal: AbortSignal): Promise<VisitorRow> {
      const row = await stored();
      if (row.userId === userId) return row;
      if (row.userId !== undefined) {
        const reason = "other_user";
        throw new SyncError("Another user's data is here: sign out first", reason, { reason });
      }
      if (row.anonId !== undefined) await mergeAnonymous(row.anonId, userId, signal);
      return become(row, { userId });
    },
  };
  return visitors;

  async function mergeAnonymous(anon_id: string, userId: string, signal: AbortSignal) {
    await api.json({ userId }, "visitors/", { body: { user_id: userId }, signal });
    // The user is known by now; where the server has lost the anonymous visitor, all is sent anew.
    await api
      .json({ userId }, "visitors/merge/", { body: { anon_id }, signal })
      .catch(passOver("visitor_not_found"));
  }

  /** Takes the identity, unless the app has signed out meanwhile. What is there may be unknown to the server. */
  function become(was: VisitorRow, identity: Identity): Promise<VisitorRow> {
    return store.write(async () => {
      if (!isSameVisitor(await store.get("visitor"), was))
        throw new SyncError("The visitor has changed", "not_ready");
      const row: VisitorRow = { key: "visitor", generation: was.generation, ...identity };
      if (was.cursor !== undefined || was.anew) row.anew = 1;
      await store.set(row);
      return row;
    });
  }

  /** The visitor as it is here. At first, what the app had before there was a sync is noted. */
  async function stored(): Promise<VisitorRow> {
    const row = await store.get("visitor");
    return (
      row ??
      store.write(async () => {
        const stamps = await store.stamps();
        const begun: VisitorRow = { key: "visitor", generation: 0 };
        await noteWhole(store, stamps, await store.keys());
        await store.set(begun);
        await store.set(stamps.row);
        return begun;
      })
    );
  }
}
