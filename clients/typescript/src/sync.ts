import { type Dexie, type Subscription, type Table, liveQuery } from "dexie";
import { Api } from "./api.js";
import { SyncError } from "./errors.js";
import { lead } from "./lead.js";
import { Loop, asSyncError } from "./loop.js";
import { noting } from "./noting.js";
import { type MetRow, Store } from "./store.js";
import type { NoteKey } from "./tables.js";
import { Turns } from "./turns.js";
import type { Rejected, SyncOptions, SyncStatus, TokenSource } from "./types.js";
import { Visitors, visitorOf } from "./visitors.js";

/** Who signs in. */
export interface SignIn {
  /** The user, as the server and its tokens name them. */
  userId: string;
  /** Gives the user's token from now on; without it the one of {@link SyncOptions} goes on. */
  token?: TokenSource;
}

/** The sync of a database. {@link convosync} makes it. */
export class Sync {
  /** What the server refuses, with the reasons. */
  readonly rejected: Table<Rejected, NoteKey>;
  readonly #store: Store;
  readonly #api: Api;
  readonly #visitors: Visitors;
  readonly #loop: Loop;
  readonly #locks: LockManager | undefined;
  #running: { stop: AbortController; done: Promise<void> } | undefined;
  #status: SyncStatus = { state: "idle", pending: 0, rejected: 0 };
  #following: Subscription | undefined;

  constructor(db: Dexie, options: SyncOptions) {
    if (db.isOpen()) throw new Error("Call convosync(db) before anything uses the database");
    const clock = options.clock ?? Date.now;
    this.#store = new Store(db, clock);
    this.#api = new Api(options, clock, (server, at) => {
      this.#measure(server, at);
    });
    this.#visitors = new Visitors(this.#store, this.#api, options.userId);
    const turns = new Turns(this.#store, this.#api, this.#visitors);
    this.#loop = new Loop(this.#store, this.#api, turns, options.pace ?? 1_000);
    this.#locks = options.locks ?? (globalThis.navigator as Navigator | undefined)?.locks;
    this.rejected = this.#store.rejected;
    db.use(noting(clock));
  }

  /** Begins to sync, in this tab or in the one that leads. Does nothing if it has begun. */
  start(): void {
    if (this.#running) return;
    const stop = new AbortController();
    this.#running = { stop, done: this.#run(stop) };
    this.#following = liveQuery(() => this.readStatus()).subscribe((status) => {
      this.#status = status;
    });
  }

  /** Stops, and resolves when nothing of it runs any more. What is not sent is sent after the next start. */
  async stop(): Promise<void> {
    const running = this.#running;
    this.#running = undefined;
    this.#following?.unsubscribe();
    running?.stop.abort();
    await running?.done;
  }

  /**
   * Sends and pulls at once, whether it has begun or not. Resolves when everything that was known is sent and
   * pulled.
   *
   * @throws {@link SyncError} if that cannot be done now; it is tried again if the sync has begun.
   */
  async now(): Promise<void> {
    const store = this.#store;
    const count = await store.tell(async () => {
      const wished = ((await store.get("wish"))?.count ?? 0) + 1;
      await store.set({ key: "wish", count: wished });
      return wished;
    });
    const stop = new AbortController();
    const met = new Promise<MetRow>((resolve, reject) => {
      const following = liveQuery(() => store.get("met")).subscribe({
        next: (row) => {
          if (row && row.count >= count) resolve(row);
        },
        error: reject,
      });
      // A tab that was frozen may have missed what another one told.
      const asking = setInterval(() => {
        void store.get("met").then((row) => {
          if (row && row.count >= count) resolve(row);
        }, reject);
      }, 1_000);
      stop.signal.addEventListener("abort", () => {
        clearInterval(asking);
        following.unsubscribe();
      });
    });
    if (!this.#running) void this.#once(stop.signal);
    try {
      const { error } = await met;
      if (error) throw new SyncError(error.message, error.code, error.details);
    } finally {
      stop.abort();
    }
  }

  /** How the sync is, as far as this tab has heard; kept up while the sync runs. */
  get status(): SyncStatus {
    return this.#status;
  }

  /** Reads how the sync is; `liveQuery(() => sync.readStatus())` tells of every change. */
  async readStatus(): Promise<SyncStatus> {
    const [status, row, pending, rejected] = await Promise.all([
      this.#store.get("status"),
      this.#store.get("visitor"),
      this.#store.pending(),
      this.rejected.count(),
    ]);
    const visitor = visitorOf(row);
    const { key, ...told } = status ?? { key: "status", state: "idle" as const };
    return { ...told, pending, rejected, ...(visitor ? { visitor } : {}) };
  }

  /**
   * Goes on as a user. The anonymous visitor, if there is one, becomes a part of the user; what is not sent is
   * kept. May be called again where it failed.
   *
   * @throws {@link SyncError} if the server refuses it or cannot be reached.
   */
  async signIn({ userId, token }: SignIn): Promise<void> {
    if (token) this.#api.token = token;
    await this.#alone(async () => {
      await this.#visitors.merge(userId);
      this.#visitors.userId = userId;
    });
    if (this.#running) this.#loop.hurry();
  }

  /** Stops in all tabs, and forgets the visitor and all local data, sent or not. */
  async signOut(): Promise<void> {
    await this.stop();
    await this.#alone(() => this.#forget());
  }

  /**
   * Erases the visitor at the server for good, and then all local data.
   *
   * @throws {@link SyncError} if the server refuses it or cannot be reached; then nothing is erased.
   */
  async erase(): Promise<void> {
    await this.stop();
    await this.#alone(async () => {
      const visitor = visitorOf(await this.#store.get("visitor"));
      if (visitor)
        await this.#api.json(visitor, "visitors/", { method: "DELETE" }).catch((error: unknown) => {
          const { code } = asSyncError(error);
          if (code !== "visitor_erased" && code !== "visitor_not_found") throw error;
        });
      await this.#forget();
    });
  }

  /**
   * Everything that the server has of the visitor, as lines of JSON; each is a body that the server takes.
   *
   * @throws {@link SyncError} if the server refuses it or cannot be reached.
   */
  async *export(): AsyncGenerator<string, void, undefined> {
    const visitor = visitorOf(await this.#store.get("visitor"));
    if (!visitor) return;
    const answer = await this.#api.open(visitor, "visitors/export/", {});
    const reader = answer.body?.getReader();
    const decoder = new TextDecoder();
    let rest = "";
    try {
      for (;;) {
        const { done, value } = (await reader?.read()) ?? { done: true, value: undefined };
        rest += decoder.decode(value, { stream: !done });
        const lines = rest.split("\n");
        rest = lines.pop() ?? "";
        yield* lines;
        if (done) break;
      }
      if (rest) yield rest;
    } finally {
      await reader?.cancel().catch(() => undefined);
    }
  }

  async #run(stop: AbortController): Promise<void> {
    const { db } = this.#store;
    try {
      const generation = (await this.#store.get("visitor"))?.generation ?? 0;
      while (!stop.signal.aborted) {
        await lead(
          this.#locks,
          db.name,
          (lost) => this.#loop.run(either(stop.signal, lost), generation),
          { signal: stop.signal },
        ).catch(() => undefined);
        if (!db.isOpen()) return;
        if (((await this.#store.get("visitor"))?.generation ?? 0) !== generation) return;
      }
    } catch (error) {
      if (db.isOpen()) throw error;
    }
  }

  /** Meets a wish where no tab may be leading. */
  async #once(signal: AbortSignal): Promise<void> {
    await lead(this.#locks, this.#store.db.name, (lost) => this.#loop.work(lost), { signal }).catch(
      () => undefined,
    );
  }

  /** Does something while no tab syncs, and goes on after it. */
  async #alone(work: () => Promise<void>): Promise<void> {
    const wasRunning = this.#running !== undefined;
    await this.stop();
    try {
      await lead(this.#locks, this.#store.db.name, work, { steal: true });
    } finally {
      if (wasRunning) this.start();
    }
  }

  /** Leaves of all that is local only the count of sign-outs, by which other tabs notice this one. */
  async #forget(): Promise<void> {
    const store = this.#store;
    this.#visitors.userId = undefined;
    await store.write(async () => {
      const generation = ((await store.get("visitor"))?.generation ?? 0) + 1;
      await Promise.all([
        store.rows("conversations").clear(),
        store.rows("messages").clear(),
        store.notes.clear(),
        store.rejected.clear(),
      ]);
      await store.set({ key: "visitor", generation });
      await store.set({ key: "status", state: "idle" });
    });
    this.#status = { state: "idle", pending: 0, rejected: 0 };
  }

  #measure(server: number, at: number): void {
    const store = this.#store;
    const measure = async () => {
      const stamps = await store.stamps();
      return stamps.measure(server, at) ? store.set(stamps.row) : undefined;
    };
    // Where it cannot be stored, the next answer tells it again.
    void store.tell(measure).catch(() => undefined);
  }
}

/** A signal that is aborted with either of two. */
function either(a: AbortSignal, b: AbortSignal): AbortSignal {
  const both = new AbortController();
  for (const signal of [a, b]) {
    if (signal.aborted) both.abort();
    signal.addEventListener("abort", () => {
      both.abort();
    });
  }
  return both.signal;
}

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
  return new Sync(db, options);
}
