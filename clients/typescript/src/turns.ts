import type { Answer, Api } from "./api.js";
import { apply, refuse } from "./apply.js";
import { type Batch, readBatch } from "./batch.js";
import { SyncError } from "./errors.js";
import type { Store } from "./store.js";
import { type NoteKey, type VisitorRow, isSameVisitor, textOfKey } from "./tables.js";
import type { Visitors } from "./visitors.js";

/** How many changed items a page may have: few enough to be applied between two frames. */
export const PAGE = 250;
/** How many items a turn sends at most. */
const MOST = 500;

/** Sends and pulls, one request at a time. */
export type Turns = ReturnType<typeof createTurns>;

export function createTurns(store: Store, api: Api, visitors: Visitors) {
  let most = MOST;
  /** Since the last answer to a turn: a server that forgets at once is not to be asked on and on. */
  let hasRegistered = false;
  /** What is here and has not come by a pull from the start that has reached the cursor `reached`. */
  let unseen: Map<string, NoteKey> | undefined;
  let reached: string | undefined;

  const turns = {
    /** Set while the server takes nothing that would make the visitor grow. */
    full: undefined as SyncError | undefined,

    /** Sends what there is to send, unless it is only to pull, and pulls a page. Tells whether there is more. */
    async turn(send: boolean, signal: AbortSignal): Promise<boolean> {
      const row = await visitors.known(signal);
      if (row.anew && !(unseen && row.cursor === reached)) {
        await startAnew(row);
        return true;
      }
      const read =
        send && !row.anew ? await readBatch(store, most, turns.full !== undefined) : undefined;
      const batch = read?.sent.size ? read : undefined;
      try {
        const answer = await ask(row, batch, signal);
        hasRegistered = false;
        if (batch) most = Math.min(MOST, most * 2);
        const isApplied = await turns.take(row, answer, batch);
        return !isApplied || answer.has_more || row.anew === 1 || batch?.isPart === true;
      } catch (error) {
        await settle(error, row, batch, signal);
        return true;
      }
    },

    /** Applies a page for the visitor that was asked for. False if it is not for what is here now. */
    async take(row: VisitorRow, answer: Answer, batch?: Batch): Promise<boolean> {
      const isApplied = await apply(store, row, answer, batch, unseen);
      if (isApplied) reached = answer.cursor;
      if (isApplied && !answer.has_more) unseen = undefined;
      return isApplied;
    },
  };
  return turns;

  function ask(row: VisitorRow, batch: Batch | undefined, signal: AbortSignal): Promise<Answer> {
    // A post with an empty `since` is a turn from the start; a pull from there has none.
    const since = batch || row.cursor !== undefined ? `&since=${row.cursor ?? ""}` : "";
    const path = batch ? "sync-conversations/" : "sync-conversations/changes/";
    const body = batch && { conversations: batch.conversations };
    return api.json(row, `${path}?limit=${PAGE}${since}`, { body, signal });
  }

  /** Does what can be done about a refusal, or throws it on. */
  async function settle(
    error: unknown,
    row: VisitorRow,
    batch: Batch | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    if (!(error instanceof SyncError)) throw error;
    const { code, details, message } = error;
    const isTooLarge = details.status === 413;
    if ((code === "cursor_expired" || code === "invalid_cursor") && row.cursor !== undefined) {
      await startAnew(row);
    } else if (code === "visitor_not_found" && !hasRegistered) {
      await visitors.register(row, signal);
      hasRegistered = true;
    } else if (batch && isTooLarge && batch.sent.size > 1) {
      most = Math.ceil(batch.sent.size / 2);
    } else if (batch && (isTooLarge || code === "invalid_conversations")) {
      const whole = [{ path: "conversations[0]", message }];
      if (!(await refuse(store, batch, isTooLarge ? whole : (details.places ?? [])))) throw error;
    } else if (batch && error.reason === "quota" && !turns.full) {
      // Deletions still pass, and so does a pull.
      turns.full = error;
    } else {
      hasRegistered = false;
      throw error;
    }
  }

  /** Has everything be pulled from the start: the cursor is of another time of the server. */
  async function startAnew({ cursor, ...row }: VisitorRow): Promise<void> {
    reached = undefined;
    unseen = await store.write(async () => {
      const now = await store.get("visitor");
      if (!isSameVisitor(now, row) || now?.cursor !== cursor) return undefined;
      await store.set({ ...row, anew: 1 });
      return new Map((await store.keys()).map((key) => [textOfKey(key), key]));
    });
  }
}
