import { afterEach, beforeEach, expect, test } from "vitest";
import { Answers } from "../src/answers";
import { ask, deleteConversation, deleteMessage, restore, vote } from "../src/chat";
import { ChatDatabase } from "../src/database";
import { replyTo } from "../src/model";

let db: ChatDatabase;
beforeEach(() => {
  db = new ChatDatabase("test");
});
afterEach(() => db.delete());

test("a question begins a conversation, and its answer is streamed into a message", async () => {
  const key = await ask(db, undefined, "How do I brew tea?");
  expect((await db.conversations.get(key[0]))?.title).toBe("How do I brew tea?");
  expect((await db.messages.get(key))?.output?.output_status).toBe("in_progress");
  await new Answers(db, 0).write(key, "How do I brew tea?");
  const answer = await db.messages.get(key);
  expect(answer?.output?.output_content_text).toBe(replyTo("How do I brew tea?"));
  expect(answer?.output?.output_status).toBe("completed");
  expect(answer?.response?.status).toBe("completed");
});

test("a stopped answer keeps what there is of it", async () => {
  const key = await ask(db, undefined, "tea");
  const answers = new Answers(db, 5);
  const written = answers.write(key, "tea");
  await expect
    .poll(async () => (await db.messages.get(key))?.output?.output_content_text)
    .not.toBe("");
  answers.stop(key[1]);
  await written;
  const output = (await db.messages.get(key))?.output;
  expect(output?.output_status).toBe("incomplete");
  expect(replyTo("tea").startsWith(output?.output_content_text ?? "-")).toBe(true);
  expect(answers.isWriting(key[1])).toBe(false);
});

test("an answer that is deleted while it is written does not come back", async () => {
  const key = await ask(db, undefined, "tea");
  const written = new Answers(db, 1).write(key, "tea");
  await deleteMessage(db, key);
  await written;
  expect(await db.messages.get(key)).toBeUndefined();
  expect(await db.answering.count()).toBe(0);
});

test("a question stands after what it follows, also where another device's clock is ahead", async () => {
  const [id] = await ask(db, undefined, "first");
  const ahead = new Date(Date.now() + 3_600_000).toISOString();
  await db.messages.add({ conversation_id: id, message_id: "ahead", timestamp: ahead, output: {} });
  await ask(db, id, "second");
  const inOrder = await db.messages.orderBy("[conversation_id+timestamp]").toArray();
  expect(inOrder.map((message) => message.request?.request_messages_content ?? "-")).toEqual([
    "first",
    "-",
    "-",
    "second",
    "-",
  ]);
});

test("a deleted conversation is brought back with all its messages", async () => {
  const [id] = await ask(db, undefined, "first");
  await ask(db, id, "second");
  const deleted = await deleteConversation(db, id);
  expect(await db.conversations.count()).toBe(0);
  await restore(db, deleted);
  expect((await db.conversations.get(id))?.title).toBe("first");
  expect(await db.messages.where("conversation_id").equals(id).count()).toBe(4);
});

test("the same vote twice is none", async () => {
  const key = await ask(db, undefined, "tea");
  await vote(db, key, true);
  expect((await db.messages.get(key))?.vote).toBe(true);
  await vote(db, key, false);
  expect((await db.messages.get(key))?.vote).toBe(false);
  await vote(db, key, false);
  expect(await db.messages.get(key)).not.toHaveProperty("vote");
});

/** Locks of a browser as far as answers use them. */
class Locks implements LockManager {
  readonly #held = new Set<string>();

  async request<T>(name: string, ...rest: unknown[]): Promise<T> {
    const act = rest.at(-1) as (lock: Lock | null) => Promise<T>;
    if (this.#held.has(name)) return act(null);
    this.#held.add(name);
    try {
      return await act({ name, mode: "exclusive" });
    } finally {
      this.#held.delete(name);
    }
  }

  query(): Promise<LockManagerSnapshot> {
    return Promise.resolve({ held: [], pending: [] });
  }
}

test("what a closed page left half-written is marked, what another page writes is not", async () => {
  const locks = new Locks();
  const left = await ask(db, undefined, "tea");
  await db.answering.add({ conversation_id: left[0], message_id: left[1] });
  const going = await ask(db, undefined, "tea");
  const other = new Answers(db, 5, locks);
  const written = other.write(going, "tea");
  await expect.poll(() => db.answering.count()).toBe(2);

  await new Answers(db, 5, locks).finishAbandoned();
  expect((await db.messages.get(left))?.output?.output_status).toBe("incomplete");
  expect((await db.messages.get(going))?.output?.output_status).toBe("in_progress");
  other.stopAll();
  await written;
  expect(await db.answering.count()).toBe(0);
});
