import { createParser } from "eventsource-parser";
import type { Api, Page } from "./api.js";
import { PAGE } from "./turns.js";
import type { Visitor } from "./types.js";

/** How long a stream may be silent, in milliseconds: the server sends a comment every 15 seconds. */
const SILENCE = 20_000;
/** How long one pull waits for a change, in seconds. */
const WAIT = 30;

/** Hears a page of the changes after the cursor `base`; without a page there is something to pull. */
export type Hear = (base: string, page?: Page) => void;

/** How to listen for what others change. */
export interface Listening {
  api: Api;
  visitor: Visitor;
  /** Where to begin. */
  cursor: string;
  hear: Hear;
  signal: AbortSignal;
}

/**
 * Reads the stream of changes until it ends. True if nothing at all came of it, not even a comment: then a proxy
 * holds it back. Throws a SyncError when the server or the network refuses it.
 */
export async function listenToStream({
  api,
  visitor,
  cursor,
  hear,
  signal,
}: Listening): Promise<boolean> {
  const controller = new AbortController();
  const abort = () => {
    controller.abort();
  };
  signal.addEventListener("abort", abort);
  if (signal.aborted) abort();
  let timer = setTimeout(abort, SILENCE);
  let base = cursor;
  let hasHeard = false;
  const parser = createParser({
    onEvent({ event, data }) {
      const page = event === "change" ? (JSON.parse(data) as Page) : undefined;
      hear(base, page);
      if (page) base = page.cursor;
    },
  });
  try {
    const query = { since: cursor, limit: PAGE };
    const path = "sync-conversations/events/";
    const answer = await api.open(visitor, path, { query, signal: controller.signal });
    const reader = answer.body?.getReader();
    const decoder = new TextDecoder();
    for (;;) {
      const { done, value } = (await reader?.read()) ?? { done: true, value: undefined };
      if (done) return false;
      hasHeard = true;
      clearTimeout(timer);
      timer = setTimeout(abort, SILENCE);
      parser.feed(decoder.decode(value, { stream: true }));
    }
  } catch (error) {
    if (controller.signal.aborted && !signal.aborted) return !hasHeard;
    throw error;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", abort);
    abort();
  }
}

/** Asks for changes again and again, where no stream gets through. Throws a SyncError. */
export async function listenByAsking({
  api,
  visitor,
  cursor,
  hear,
  signal,
}: Listening): Promise<void> {
  let since = cursor;
  while (!signal.aborted) {
    const query = { since, limit: PAGE, wait: WAIT };
    const page = await api.json<Page>(visitor, "sync-conversations/changes/", { query, signal });
    if (page.cursor !== since || page.conversations.length > 0) hear(since, page);
    since = page.cursor;
  }
}
