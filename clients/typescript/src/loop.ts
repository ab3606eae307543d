import { liveQuery } from "dexie";
import type { Api, Page } from "./api.js";
import { asSyncError } from "./errors.js";
import { listenByAsking, listenToStream } from "./listen.js";
import type { StatusRow, Store } from "./store.js";
import type { Turns } from "./turns.js";
import { backoff, createBell } from "./waiting.js";

/** After how long something that is stuck is tried again, in milliseconds. */
const AGAIN = 60_000;
/** After how long it is looked whether something was missed, in milliseconds. */
const LOOK = 15_000;
/** How many turns a wish takes at most while the app keeps changing things. */
const MOST_TURNS = 50;
/** For how long a stream has to hold to count as one that works, in milliseconds. */
const STABLE = 30_000;
/** What tells that the network or the person is back or gone. */
const RETURNS = ["online", "offline", "visibilitychange"];

/** What the tab that leads does: sends what is noted, and listens for what others change. */
export type Loop = ReturnType<typeof createLoop>;

export function createLoop(store: Store, api: Api, turns: Turns, pace: number) {
  const bell = createBell();
  let heard: { base: string; page: Page }[] = [];
  let mustPull = true;
  let postedAt = -Infinity;
  let fullSince = 0;
  let isListening = false;
  let streamFailures = 0;
  let isBuffered = false;

  return { run, work, hurry };

  /** Tries again at once, and pulls. */
  function hurry(): void {
    mustPull = true;
    bell.ring(true);
  }

  /** Goes on until the signal, or until the database is closed. */
  async function run(until: AbortSignal): Promise<void> {
    const end = new AbortController();
    const signal = AbortSignal.any([until, end.signal]);
    // Only pages have these events.
    const target: Partial<EventTarget> = globalThis;
    for (const event of RETURNS) target.addEventListener?.(event, hurry, { signal });
    const pending = liveQuery(() => store.pending()).subscribe(() => {
      bell.ring();
    });
    const wishes = liveQuery(() => store.get("wish")).subscribe(() => {
      bell.ring(true);
    });
    let failures = 0;
    mustPull = true;
    try {
      while (!isOver(signal)) {
        try {
          const left = await work(signal);
          failures = 0;
          void listen(signal);
          await bell.wait(signal, left);
        } catch (error) {
          if (isOver(signal)) return;
          mustPull = true;
          const { reason, details } = asSyncError(error);
          failures = reason ? 0 : failures + 1;
          const pause = Math.max(reason ? AGAIN : backoff(failures), details.retryAfter ?? 0);
          await bell.wait(signal, pause, reason !== "quota");
        }
      }
    } finally {
      end.abort();
      pending.unsubscribe();
      wishes.unsubscribe();
    }
  }

  /**
   * Does what there is to do, and tells the other tabs how it went. Gives how long to wait then, in milliseconds.
   * Throws a SyncError.
   */
  async function work(signal: AbortSignal): Promise<number> {
    const wish = (await store.get("wish"))?.count ?? 0;
    const isWished = wish > ((await store.get("met"))?.count ?? 0);
    try {
      if (isWished || performance.now() - fullSince > AGAIN) turns.full = undefined;
      await takeHeard();
      if (isWished || mustPull) {
        mustPull = false;
        await takeTurns(false, signal);
      }
      const untilPost = () => Math.max(0, postedAt + pace - performance.now());
      let most = isWished ? MOST_TURNS : untilPost() > 0 ? 0 : 1;
      let pending = await store.pending();
      while (pending > 0 && most-- > 0 && !turns.full) {
        postedAt = performance.now();
        await takeTurns(true, signal);
        pending = await store.pending();
      }
      if (turns.full && pending > 0) {
        fullSince = performance.now();
        throw turns.full;
      }
      await tell({ state: "idle", ...(pending === 0 && { syncedAt: store.clock() }) });
      if (isWished) await store.set({ key: "met", count: wish });
      return pending > 0 ? untilPost() : LOOK;
    } catch (error) {
      if (isOver(signal)) throw error;
      const { message, code, details, reason } = asSyncError(error);
      await tell(reason ? { state: "stuck", reason, message } : { state: "offline", message });
      if (isWished) await store.set({ key: "met", count: wish, error: { message, code, details } });
      throw error;
    }
  }

  function isOver(signal: AbortSignal): boolean {
    return signal.aborted || !store.db.isOpen();
  }

  async function takeTurns(send: boolean, signal: AbortSignal): Promise<void> {
    await tell({ state: "syncing" });
    while (await turns.turn(send, signal)) signal.throwIfAborted();
  }

  /** Applies what was heard where it goes on from what is here; what does not is pulled. */
  async function takeHeard(): Promise<void> {
    const pages = heard;
    heard = [];
    for (const { base, page } of pages) {
      const row = await store.get("visitor");
      if (!row || row.cursor === page.cursor) continue;
      const goesOn = row.cursor === base && !row.anew && (await turns.take(row, page));
      mustPull ||= !goesOn || page.has_more;
    }
  }

  async function tell(status: Omit<StatusRow, "key">): Promise<void> {
    const before = await store.get("status");
    const isSame = before?.state === status.state && before.message === status.message;
    if (isSame && status.syncedAt === undefined) return;
    const { syncedAt } = before ?? {};
    await store.set({ key: "status", ...(syncedAt !== undefined && { syncedAt }), ...status });
  }

  /** Listens until the stream ends or fails, if nothing listens yet; then what was missed is pulled. */
  async function listen(signal: AbortSignal): Promise<void> {
    if (isListening) return;
    isListening = true;
    const began = performance.now();
    try {
      const visitor = await store.get("visitor");
      const cursor = visitor?.cursor ?? "";
      const hear = (base: string, page?: Page) => {
        if (page) heard.push({ base, page });
        else mustPull = true;
        bell.ring();
      };
      const listening = { api, visitor: visitor ?? {}, cursor, hear, signal };
      if (isBuffered) await listenByAsking(listening);
      else isBuffered = await listenToStream(listening);
    } catch {
      // The turns meet the same trouble, and tell of it.
    }
    const isStable = signal.aborted || performance.now() - began > STABLE;
    streamFailures = isStable ? 0 : streamFailures + 1;
    setTimeout(
      () => {
        isListening = false;
        mustPull = true;
        bell.ring();
      },
      signal.aborted ? 0 : backoff(streamFailures),
    );
  }
}
