import type { Answer, Api } from "./api.js";
import { apply, refuse } from "./apply.js";
import { type Batch, readBatch } from "./batch.js";
import { SyncError } from "./errors.js";
import type { Store } from "./store.js";
import type { Known, Visitors } from "./visitors.js";

/** How many changed items a page may have: few enough to be applied between two frames. */
export const PAGE = 250;
/** How many items a turn sends at most. */
const MOST = 500;

/** Sends and pulls, one request at a time. */
export class Turns {
  /** The server takes nothing that would make the visitor grow. */
  isFull = false;
  #most = MOST;
  /** What the pull from the start has brought so far. */
  readonly #seen = new Set<string>();
  #isPullingAnew = false;
  #hasRegistered = false;

  constructor(
    private readonly store: Store,
    private readonly api: Api,
    private readonly visitors: Visitors,
  ) {}

  /** Sends what there is to send, unless it is only to pull, and pulls a page. Tells whether there is more. */
  async turn(send: boolean, signal: AbortSignal | undefined): Promise<boolean> {
    const known = await this.visitors.known(signal);
    if (known.row.anew && !this.#isPullingAnew) await this.#startAnew(known);
    const { row } = known;
    const batch =
      send && !row.anew ? await readBatch(this.store, this.#most, this.isFull) : undefined;
    const hasItems = batch !== undefined && batch.conversations.length > 0;
    try {
      const answer = await this.#ask(known, hasItems ? batch : undefined, signal);
      this.#hasRegistered = false;
      if (hasItems) this.#most = Math.min(MOST, this.#most * 2);
      const isApplied = await this.take(known, answer, batch);
      return !isApplied || answer.has_more || row.anew === 1 || (batch?.isPart ?? false);
    } catch (error) {
      if (!(error instanceof SyncError)) throw error;
      await this.#settle(error, known, hasItems ? batch : undefined, signal);
      return true;
    }
  }

  /** Applies a page. False if the visitor is another one by now. */
  async take(known: Known, answer: Answer, batch?: Batch): Promise<boolean> {
    const applying = { answer, batch, visitor: known.row, seen: this.#seen };
    const isApplied = await apply(this.store, applying);
    if (known.row.anew !== 1 || (isApplied && !answer.has_more)) {
      this.#seen.clear();
      this.#isPullingAnew = false;
    }
    return isApplied;
  }

  #ask({ row, visitor }: Known, batch: Batch | undefined, signal?: AbortSignal): Promise<Answer> {
    // A post with an empty `since` is a turn from the start; a pull from there has none.
    const query = { since: row.cursor ?? (batch ? "" : undefined), limit: PAGE };
    return batch
      ? this.api.json(visitor, "sync-conversations/", {
          query,
          body: { conversations: batch.conversations },
          lenient: true,
          signal,
        })
      : this.api.json(visitor, "sync-conversations/changes/", { query, signal });
  }

  /** Does what can be done about a refusal, or throws it on. */
  async #settle(
    error: SyncError,
    known: Known,
    batch: Batch | undefined,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const { code, details } = error;
    if (code === "cursor_expired" || code === "invalid_cursor") {
      if (known.row.cursor === undefined) throw error;
      await this.#startAnew(known);
    } else if (code === "visitor_not_found" && !this.#hasRegistered) {
      this.#hasRegistered = true;
      this.#isPullingAnew = false;
      await this.visitors.registerAgain(known, signal);
    } else if (batch && details.status === 413) {
      const count = batch.sent.size;
      if (count > 1) this.#most = Math.ceil(count / 2);
      else await this.#refuse(error, batch, [{ path: "conversations[0]", message: error.message }]);
    } else if (batch && code === "invalid_conversations") {
      await this.#refuse(error, batch, details.places ?? []);
    } else if (batch && error.reason === "quota" && !this.isFull) {
      // Deletions still pass, and so does a pull.
      this.isFull = true;
    } else throw error;
  }

  async #refuse(
    error: SyncError,
    batch: Batch,
    places: { path: string; message: string }[],
  ): Promise<void> {
    if (await refuse(this.store, batch, places)) return;
    throw new SyncError(error.message, error.code, { ...error.details, reason: "refused" });
  }

  /** Has everything be pulled from the start: the cursor is of another time of the server. */
  async #startAnew(known: Known): Promise<void> {
    const { cursor, ...row } = known.row;
    known.row = { ...row, anew: 1 };
    this.#seen.clear();
    this.#isPullingAnew = true;
    await this.store.write(async () => {
      const now = await this.store.get("visitor");
      if (now?.generation === row.generation && now.cursor === cursor)
        await this.store.set(known.row);
    });
  }
}
