import type { ChatDatabase, MessageKey } from "./database";
import { stream } from "./model";

/** How often at most an answer that grows is stored, in milliseconds. */
const STORE_EVERY = 60;

const lockName = (key: MessageKey): string => `answering ${key.join(" ")}`;

/**
 * The answers that this page is writing. Each is noted in `answering` while it is written and holds a lock of its
 * own, so that another page of this browser can tell an answer that somebody writes from one whose page was closed.
 */
export class Answers {
  readonly #db: ChatDatabase;
  readonly #pace: number;
  readonly #locks: LockManager | undefined;
  readonly #writing = new Map<string, AbortController>();
  readonly #listeners = new Set<() => void>();
  #version = 0;

  /**
   * @param pace milliseconds between two pieces of an answer
   * @param locks the browser's locks; none where the page comes by plain HTTP from another machine
   */
  constructor(db: ChatDatabase, pace: number, locks?: LockManager) {
    this.#db = db;
    this.#locks = locks;
    this.#pace = pace;
  }

  /** Streams the answer to a question into its message; resolves when it is complete, stopped or deleted. */
  async write(key: MessageKey, question: string): Promise<void> {
    const stop = new AbortController();
    this.#writing.set(key[1], stop);
    this.#changed();
    try {
      const write = async () => {
        await this.#db.answering.put({ conversation_id: key[0], message_id: key[1] });
        await this.#stream(key, question, stop.signal);
        await this.#db.answering.delete(key);
      };
      await (this.#locks ? this.#locks.request(lockName(key), write) : write());
    } finally {
      this.#writing.delete(key[1]);
      this.#changed();
    }
  }

  async #stream(key: MessageKey, question: string, stopped: AbortSignal): Promise<void> {
    let text = "";
    let stored = 0;
    for await (const piece of stream(question, this.#pace, stopped)) {
      text += piece;
      if (Date.now() - stored < STORE_EVERY) continue;
      stored = Date.now();
      const kept = await this.#db.messages.update(key, { "output.output_content_text": text });
      if (kept === 0) return;
    }
    const status = stopped.aborted ? "incomplete" : "completed";
    await this.#db.messages.update(key, {
      "output.output_content_text": text,
      "output.output_status": status,
      "response.status": status,
    });
  }

  /** Stops an answer where it is; without effect on one that this page does not write. */
  stop(messageId: string): void {
    this.#writing.get(messageId)?.abort();
  }

  /** Whether this page is writing that message. */
  isWriting(messageId: string): boolean {
    return this.#writing.has(messageId);
  }

  /** Stops all answers. */
  stopAll(): void {
    for (const stop of this.#writing.values()) stop.abort();
  }

  /** Marks as incomplete what a closed page of this browser has left half-written. */
  async finishAbandoned(): Promise<void> {
    // Without locks no page could tell; then there is no way to know that nobody writes any more.
    if (!this.#locks) return;
    for (const { conversation_id, message_id } of await this.#db.answering.toArray()) {
      const key: MessageKey = [conversation_id, message_id];
      await this.#locks.request(lockName(key), { ifAvailable: true }, async (lock) => {
        if (!lock) return;
        await this.#db.messages.update(key, {
          "output.output_status": "incomplete",
          "response.status": "incomplete",
        });
        await this.#db.answering.delete(key);
      });
    }
  }

  /** Another number after every change of what `isWriting` tells. */
  get version(): number {
    return this.#version;
  }

  /** Calls `listener` whenever an answer begins or ends; returns how to end that. */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  #changed(): void {
    this.#version += 1;
    for (const listener of this.#listeners) listener();
  }
}
