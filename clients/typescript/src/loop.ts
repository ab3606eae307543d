import { liveQuery } from "dexie";
import type { Api, Page } from "./api.js";
import { SyncError } from "./errors.js";
import { type Listening, listenByAsking, listenToStream } from "./listen.js";
import type { StatusRow, Store } from "./store.js";
import type { Turns } from "./turns.js";
import { visitorOf } from "./visitors.js";
import { Bell, backoff } from "./waiting.js";

/** After how long something that is stuck is tried again, in milliseconds. */
const AGAIN = 60_000;
/** After how long it is looked whether something was missed, in milliseconds. */
const LOOK = 15_000;
/** How many turns a wish takes at most while the app keeps changing things. */
const MOST_TURNS = 50;
/** For how long a stream has to hold to count as one that works, in milliseconds. */
const STABLE = 30_000;

/** What the tab that leads does: sends what is noted, and listens for what others change. */
export class Loop {
  readonly #bell = new Bell();
  #heard: { base: string; page: Page | undefined }[] = [];
  #mustPull = true;
  #postedAt = -Infinity;
  #fullSince = 0;
  #stream: { stop: AbortController } | undefined;
  #streamFailures = 0;
  #isBuffered = false;

  constructor(
    private readonly store: Store,
    private readonly api: Api,
    private readonly turns: Turns,
    private readonly pace: number,
  ) {}

  /** Goes on until the signal, or until the app signs out. */
  async run(signal: AbortSignal, generation: number): Promise<void> {
    const subscriptions = [
      liveQuery(() => this.store.pending()).subscribe(() => {
        this.#bell.ring();
      }),
      liveQuery(() => this.store.get("wish")).subscribe(() => {
        this.#bell.ring(true);
      }),
    ];
    const forget = onReturn(() => {
      this.hurry();
    });
    let failures = 0;
    this.#mustPull = true;
    try {
      while (!signal.aborted) {
        try {
          if (((await this.store.get("visitor"))?.generation ?? 0) !== generation) return;
          const left = await this.work(signal);
          failures = 0;
          await this.#listen(signal);
          await this.#bell.wait(signal, left ?? LOOK);
        } catch (error) {
          if (isOver(signal) || !this.store.db.isOpen()) return;
          this.#stopStream();
          this.#mustPull = true;
          const failure = asSyncError(error);
          failures = failure.reason ? 0 : failures + 1;
          const pause = failure.reason ? AGAIN : backoff(failures);
          const isFull = failure.reason === "quota";
          await this.#bell.wait(signal, Math.max(pause, failure.details.retryAfter ?? 0), !isFull);
        }
      }
    } finally {
      this.#stopStream();
      forget();
      for (const subscription of subscriptions) subscription.unsubscribe();
    }
  }

  /** Tries again at once, and pulls: the network or the person is back. */
  hurry(): void {
    this.#mustPull = true;
    this.#bell.ring(true);
  }

  /**
   * Does what there is to do, and tells the other tabs how it went. Gives the time until there is more to send,
   * in milliseconds, if that is known. Throws a SyncError.
   */
  async work(signal: AbortSignal | undefined): Promise<number | undefined> {
    const wish = (await this.store.get("wish"))?.count ?? 0;
    const isWished = wish > ((await this.store.get("met"))?.count ?? 0);
    try {
      if (isWished || performance.now() - this.#fullSince > AGAIN) this.turns.isFull = false;
      await this.#takeHeard();
      if (isWished || this.#mustPull) {
        this.#mustPull = false;
        await this.#turns(false, signal);
      }
      const wait = this.#postedAt + this.pace - performance.now();
      for (let i = 0; i < MOST_TURNS; i++) {
        if ((await this.store.pending()) === 0) break;
        if (!isWished && (wait > 0 || i > 0)) break;
        this.#postedAt = performance.now();
        await this.#turns(true, signal);
        if (this.turns.isFull) break;
      }
      const pending = await this.store.pending();
      if (this.turns.isFull && pending > 0) {
        this.#fullSince = performance.now();
        const reason = "quota";
        throw new SyncError("The visitor has all that it may have", "quota_exceeded", { reason });
      }
      await this.#tell({ state: "idle", syncedAt: this.store.clock() }, pending === 0);
      if (isWished) await this.store.set({ key: "met", count: wish });
      return pending > 0 ? Math.max(0, this.#postedAt + this.pace - performance.now()) : undefined;
    } catch (error) {
      if (signal?.aborted || !this.store.db.isOpen()) throw error;
      const { message, code, details, reason } = asSyncError(error);
      await this.#tell(
        reason ? { state: "stuck", reason, message } : { state: "offline", message },
        false,
      );
      const failure = { message, code, details };
      if (isWished) await this.store.set({ key: "met", count: wish, error: failure });
      throw error;
    }
  }

  async #turns(send: boolean, signal: AbortSignal | undefined): Promise<void> {
    await this.#tell({ state: "syncing" }, false);
    while (await this.turns.turn(send, signal)) signal?.throwIfAborted();
  }

  /** Applies what was heard where it goes on from what is here; what does not is pulled. */
  async #takeHeard(): Promise<void> {
    const heard = this.#heard;
    this.#heard = [];
    for (const { base, page } of heard) {
      const row = await this.store.get("visitor");
      const visitor = visitorOf(row);
      if (page && page.cursor === row?.cursor) continue;
      if (page && row && visitor && base === row.cursor && !row.anew) {
        await this.turns.take({ row, visitor }, page);
        this.#mustPull ||= page.has_more;
      } else this.#mustPull = true;
    }
  }

  async #tell(status: Omit<StatusRow, "key">, isSynced: boolean): Promise<void> {
    const before = await this.store.get("status");
    const { syncedAt = before?.syncedAt, ...rest } = status;
    const at = isSynced ? syncedAt : before?.syncedAt;
    const isSame = before?.state === rest.state && before.message === rest.message;
    if (isSame && !isSynced) return;
    await this.store.set({ key: "status", ...rest, ...(at === undefined ? {} : { syncedAt: at }) });
  }

  async #listen(signal: AbortSignal): Promise<void> {
    const row = await this.store.get("visitor");
    const visitor = visitorOf(row);
    if (this.#stream || signal.aborted || !visitor || row?.cursor === undefined) return;
    const stop = new AbortController();
    const stream = { stop };
    this.#stream = stream;
    const listening: Listening = {
      api: this.api,
      visitor,
      cursor: row.cursor,
      signal: stop.signal,
      hear: (base, page) => {
        this.#heard.push({ base, page });
        this.#bell.ring();
      },
    };
    const began = performance.now();
    const end = (failed: boolean) => {
      if (this.#stream !== stream) return;
      if (performance.now() - began > STABLE) this.#streamFailures = 0;
      this.#streamFailures += failed ? 1 : 0;
      const pause = failed ? backoff(this.#streamFailures) : 0;
      setTimeout(() => {
        if (this.#stream === stream) this.#stream = undefined;
        if (!stop.signal.aborted) this.#heard.push({ base: "", page: undefined });
        this.#bell.ring();
      }, pause);
    };
    const work = this.#isBuffered ? listenByAsking(listening) : listenToStream(listening);
    work.then(
      (isBuffered) => {
        this.#isBuffered ||= isBuffered === true;
        end(performance.now() - began < 1_000);
      },
      () => {
        end(true);
      },
    );
  }

  #stopStream(): void {
    this.#stream?.stop.abort();
    this.#stream = undefined;
    this.#heard = [];
  }
}

// A function, as the compiler takes a signal for one that never changes.
const isOver = (signal: AbortSignal) => signal.aborted;

/** The error as a SyncError: what is no fault of the server's or the network's is one of the database. */
export function asSyncError(error: unknown): SyncError {
  return error instanceof SyncError ? error : new SyncError(String(error), "database");
}

/** Calls back when the network or the person is back, or the network gone. Gives what ends that. */
function onReturn(call: () => void): () => void {
  const events = ["online", "offline"];
  const page = typeof document === "undefined" ? undefined : document;
  const seen = () => {
    if (page?.visibilityState === "visible") call();
  };
  const target = typeof globalThis.addEventListener === "function" ? globalThis : undefined;
  for (const event of events) target?.addEventListener(event, call);
  page?.addEventListener("visibilitychange", seen);
  return () => {
    for (const event of events) target?.removeEventListener(event, call);
    page?.removeEventListener("visibilitychange", seen);
  };
}
