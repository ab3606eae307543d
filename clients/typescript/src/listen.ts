import { createParser } from "eventsource-parser";
import { type Api, type Identity, type Page, textOf } from "./api.js";
import { PAGE } from "./turns.js";

/** How long a stream may be silent, in milliseconds: the server sends a comment every 15 seconds. */
const SILENCE = 20_000;
/** How long one pull waits for a change, in seconds. */
const WAIT = 30;

/** How to listen for what others change. */
export interface Listening {
  api: Api;
  visitor: Identity;
  /** Where to begin. */
  cursor: string;
  /** Hears a page of the changes after the cursor `base`; without a page there is something to pull. */
  hear: (base: string, page?: Page) => void;
  signal: AbortSignal;
}

/**
 * Reads the stream of changes until it ends. True if nothing at all came of it, not even a comment: then a proxy
 * holds it back. Throws a SyncError when the server or the network refuses it.
 */
export async function listenToStream(listening: Listening): Promise<boolean> {
  const { api, visitor, cursor, hear } = listening;
  const silence = new AbortController();
  const signal = AbortSignal.any([listening.signal, silence.signal]);
  const wait = () =>
    setTimeout(() => {
      silence.abort();
    }, SILENCE);
  let timer = wait();
  let base = cursor;
  let isHeldBack = true;
  const parser = createParser({
    onEvent({ event, data }) {
      const page = event === "change" ? (JSON.parse(data) as Page) : undefined;
      hear(base, page);
      if (page) base = page.cursor;
    },
  });
  try {
    const path = `sync-conversations/events/?since=${cursor}&limit=${PAGE}`;
    const answer = await api.open(visitor, path, { signal });
    for await (const text of textOf(answer)) {
      isHeldBack = false;
      clearTimeout(timer);
      timer = wait();
      parser.feed(text);
    }
    return false;
  } catch (error) {
    if (silence.signal.aborted) return isHeldBack;
    throw error;
  } finally {
    clearTimeout(timer);
    silence.abort();
  }
}

/** Asks for changes again and again, where no stream gets through. Throws a SyncError. */
export async function listenByAsking(listening: Listening): Promise<void> {
  const { api, visitor, hear, signal } = listening;
  let since = listening.cursor;
  while (!signal.aborted) {
    const path = `sync-conversations/changes/?since=${since}&limit=${PAGE}&wait=${WAIT}`;
    const page = await api.json<Page>(visitor, path, { signal });
    if (page.cursor !== since || page.conversations.length > 0) hear(since, page);
    since = page.cursor;
  }
}
