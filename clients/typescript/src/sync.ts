import { type Dexie, type Subscription, type Table, liveQuery } from "dexie";
import { createApi, textOf } from "./api.js";
import { SyncError, passOver } from "./errors.js";
import { leading } from "./lead.js";
import { createLoop } from "./loop.js";
import { noting } from "./noting.js";
import { openStore } from "./store.js";
import { KINDS, type NoteKey } from "./tables.js";
import { createTurns } from "./turns.js";
import type { Rejected, SyncOptions, SyncStatus, TokenSource } from "./types.js";
import { createVisitors, visitorOf } from "./visitors.js";
import { createBell } from "./waiting.js";

/** Who signs in. */
export interface SignIn {
  /** The user, as the server and its tokens name them. */
  userId: string;
  /** Gives the user's token from now on; without it the one of {@link SyncOptions} goes on. */
  token?: TokenSource;
}

/** The sync of a database. {@link convosync} makes it. */
export interface Sync {
  /** What the server refuses, with the reasons. */
  readonly rejected: Table<Rejected, NoteKey>;

  /** How the sync is, as far as this tab has heard; kept up while the sync runs. */
  readonly status: SyncStatus;

  /** Reads how the sync is; `liveQuery(() => sync.readStatus())` tells of every change. */
  readStatus(): Promise<SyncStatus>;

  /** Begins to sync, in this tab or in the one that leads. Does nothing if it has begun. */
  start(): void;

  /** Stops, and resolves when nothing of it runs any more. What is not sent is sent after the next start. */
  stop(): Promise<void>;

  /**
   * Sends and pulls at once, whether it has begun or not. Resolves when everything that was known is sent and
   * pulled.
   *
   * @throws {@link SyncError} if that cannot be done now; it is tried again if the sync has begun.
   */
  now(): Promise<void>;

  /**
   * Goes on as a user. The anonymous visitor, if there is one, becomes a part of the user; what is not sent is
   * kept. May be called again where it failed.
   *
   * @throws {@link SyncError} if the server refuses it or cannot be reached.
   */
  signIn(who: SignIn): Promise<void>;

  /** Stops in all tabs, and forgets the visitor and all local data, sent or not. */
  signOut(): Promise<void>;

  /**
   * Erases the visitor at the server for good, and then all local data.
   *
   * @throws {@link SyncError} if the server refuses it or cannot be reached; then nothing is erased.
   */
  erase(): Promise<void>;

  /**
   * Everything that the server has of the visitor, as lines of JSON; each is a body that the server takes.
   *
   * @throws {@link SyncError} if the server refuses it or cannot be reached.
   */
  export(): AsyncGenerator<string, void, undefined>;
}

const NOTHING: SyncStatus = { state: "idle", pending: 0, rejected: 0 };

/**
 * Syncs the tables `conversations` and `messages` of a Dexie database with a Convosync server. To be called
 * before anything uses the database.
 *
 * @example
 * ```ts
 * const db = new ChatDatabase();
 * const sync = convosync(db, { url: "https://sync.example" });
 * sync.start();
 * ```
 */
export function convosync(db: Dexie, options: SyncOptions): Sync {
  if (db.isOpen()) throw new Error("Call convosync(db) before anything uses the database");
  const clock = options.clock ?? Date.now;
  const store = openStore(db, clock);
  const api = createApi(options, measure);
  const visitors = createVisitors(store, api, options.userId);
  const loop = createLoop(store, api, createTurns(store, api, visitors), options.pace ?? 1_000);
  const { locks } = (globalThis.navigator as Partial<Navigator> | undefined) ?? {};
  const lead = leading(options.locks ?? locks, db.name);
  let running: { stop: AbortController; done: Promise<void>; following: Subscription } | undefined;
  let status = NOTHING;
  db.use(noting(clock));

  const sync: Sync = {
    rejected: store.rejected,

    get status() {
      return status;
    },

    async readStatus() {
      const [told, row, pending, rejected] = await Promise.all([
        store.get("status"),
        store.get("visitor"),
        store.pending(),
        store.rejected.count(),
      ]);
      const { key, ...rest } = told ?? { key: "status", ...NOTHING };
      const visitor = visitorOf(row);
      return { ...rest, pending, rejected, ...(visitor && { visitor }) };
    },

    start() {
      if (running) return;
      const stop = new AbortController();
      const following = liveQuery(() => sync.readStatus()).subscribe((read) => {
        status = read;
      });
      running = { stop, done: run(stop), following };
    },

    async stop() {
      const done = running?.done;
      if (running) end(running.stop);
      await done;
    },

    async now() {
      const count = await store.tell(async () => {
        const wished = ((await store.get("wish"))?.count ?? 0) + 1;
        await store.set({ key: "wish", count: wished });
        return wished;
      });
      const end = new AbortController();
      const bell = createBell();
      const following = liveQuery(() => store.get("met")).subscribe(() => {
        bell.ring();
      });
      // No tab may be leading.
      if (!running) lead(loop.work, { signal: end.signal }).catch(() => undefined);
      try {
        for (;;) {
          const met = await store.get("met");
          if (met?.error && met.count >= count)
            throw new SyncError(met.error.message, met.error.code, met.error.details);
          if (met && met.count >= count) return;
          // A tab that was frozen may have missed what another one told.
          await bell.wait(end.signal, 1_000);
        }
      } finally {
        end.abort();
        following.unsubscribe();
      }
    },

    async signIn({ userId, token }) {
      if (token) api.token = token;
      await alone(async (signal) => {
        await visitors.merge(userId, signal);
        visitors.userId = userId;
      });
      if (running) loop.hurry();
    },

    async signOut() {
      await sync.stop();
      await alone(forget);
    },

    async erase() {
      await sync.stop();
      await alone(async (signal) => {
        const row = await store.get("visitor");
        if (row && visitorOf(row))
          await api
            .json(row, "visitors/", { method: "DELETE", signal })
            .catch(passOver("visitor_erased", "visitor_not_found"));
        await forget();
      });
    },

    async *export() {
      const row = await store.get("visitor");
      if (!row || !visitorOf(row)) return;
      const { signal } = new AbortController();
      let rest = "";
      for await (const text of textOf(await api.open(row, "visitors/export/", { signal }))) {
        const lines = (rest + text).split("\n");
        rest = lines.pop() ?? "";
        yield* lines;
      }
      if (rest) yield rest;
    },
  };
  return sync;

  async function generationHere(): Promise<number> {
    return (await store.get("visitor"))?.generation ?? 0;
  }

  /** Has the run end that `stop` stops; the next `start()` begins another. */
  function end(stop: AbortController): void {
    stop.abort();
    if (running?.stop !== stop) return;
    running.following.unsubscribe();
    running = undefined;
  }

  async function run(stop: AbortController): Promise<void> {
    const { signal } = stop;
    try {
      const generation = await generationHere();
      while (!signal.aborted && db.isOpen())
        await lead(
          async (lost) => {
            // Another tab has signed out.
            if ((await generationHere()) !== generation) end(stop);
            await loop.run(AbortSignal.any([signal, lost]));
          },
          { signal },
        ).catch(() => undefined);
    } catch (error) {
      if (db.isOpen()) throw error;
    }
  }

  /** Does something while no tab syncs, and goes on after it. */
  async function alone(work: (lost: AbortSignal) => Promise<void>): Promise<void> {
    const wasRunning = running;
    await sync.stop();
    try {
      await lead(work, { steal: true });
    } finally {
      if (wasRunning) sync.start();
    }
  }

  /** Leaves of all that is local only the count of sign-outs, by which other tabs notice this one. */
  async function forget(): Promise<void> {
    visitors.userId = undefined;
    await store.write(async () => {
      const generation = (await generationHere()) + 1;
      const tables = [...KINDS.map(store.rows), store.notes, store.rejected];
      await Promise.all(tables.map((table) => table.clear()));
      await store.set({ key: "visitor", generation });
      await store.set({ key: "status", state: "idle" });
    });
    status = NOTHING;
  }

  /** Takes note of the server's clock. */
  function measure(server: number): void {
    const at = clock();
    const measured = store.tell(async () => {
      const stamps = await store.stamps();
      if (stamps.measure(server, at)) await store.set(stamps.row);
    });
    // Where it cannot be stored, the next answer tells it again.
    measured.catch(() => undefined);
  }
}
