import { IDBFactory } from "fake-indexeddb";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { SyncError } from "../src/index.js";
import type { Message } from "../src/types.js";
import { contents, tab, type Tab } from "./support/device.js";
import { hasServer, Server } from "./support/server.js";

let server: Server | undefined;
let user = 0;

beforeAll(async () => {
  if (hasServer) server = await Server.start();
});
afterAll(() => server?.end());
beforeEach(() => {
  user++;
});

/** A device of the user of this test. */
const device = (more: object = {}): Tab =>
  tab({ url: server?.url ?? "", userId: `user-${user}`, ...more });
const message = (id: string, more: Partial<Message> = {}): Message => ({
  conversation_id: "c",
  message_id: id,
  ...more,
});
/** Two devices that both have the conversation `c` and its message `m`. */
async function two(): Promise<[Tab, Tab]> {
  const [a, b] = [device(), device()];
  await a.db.conversations.add({ id: "c", title: "Hello", pinned: false });
  await a.db.messages.add(message("m", { vote: true, output: { output_content_text: "Hi" } }));
  await a.sync.now();
  await b.sync.now();
  return [a, b];
}
async function expectSame(a: Tab, b: Tab): Promise<void> {
  for (const it of [a, b, a, b]) await it.sync.now();
  expect(await contents(b.db)).toEqual(await contents(a.db));
  expect(await a.db.sync_notes.count()).toBe(0);
  expect(await b.db.sync_notes.count()).toBe(0);
}

describe.skipIf(!hasServer)("a turn", () => {
  test("brings what one device has to another", async () => {
    const [a, b] = await two();
    expect(await contents(b.db)).toEqual(await contents(a.db));
    expect((await contents(b.db)).messages).toMatchObject([{ message_id: "m", vote: true }]);
    expect(await a.sync.readStatus()).toMatchObject({ state: "idle", pending: 0 });
  });

  test("begins as an anonymous visitor", async () => {
    const a = tab({ url: server?.url ?? "" });
    await a.db.conversations.add({ id: "c" });
    await a.sync.now();
    const { visitor } = await a.sync.readStatus();
    expect(visitor).toEqual({ anonId: expect.stringMatching(/^[\w-]{43}$/) as string });
    const again = tab({ url: server?.url ?? "" }, new IDBFactory());
    await again.sync.now();
    expect((await again.sync.readStatus()).visitor).not.toEqual(visitor);
  });

  test("keeps edits of different fields, whichever device syncs first", async () => {
    for (const order of [
      [0, 1],
      [1, 0],
    ]) {
      user++;
      const devices = await two();
      await devices[0].db.conversations.update("c", { title: "New" });
      await devices[0].db.messages.update(["c", "m"], { "output.output_content_text": "Hi there" });
      await devices[1].db.conversations.update("c", { pinned: true });
      await devices[1].db.messages.update(["c", "m"], { vote: false });
      for (const i of order) await devices[i as 0 | 1].sync.now();
      await expectSame(...devices);
      expect(await devices[0].db.conversations.get("c")).toMatchObject({
        title: "New",
        pinned: true,
      });
      expect(await devices[0].db.messages.get(["c", "m"])).toMatchObject({
        vote: false,
        output: { output_content_text: "Hi there" },
      });
    }
  });

  test("keeps the fields of an item that two devices have made, whichever was made first", async () => {
    const [a, b] = [device(), device()];
    await a.sync.now();
    await a.db.conversations.add({ id: "c", color: "r" });
    await a.db.conversations.update("c", { color: "red" });
    await new Promise((resolve) => setTimeout(resolve, 5));
    await b.db.conversations.add({ id: "c", title: "T" });
    await b.sync.now();
    await expectSame(a, b);
    expect(await b.db.conversations.get("c")).toMatchObject({ title: "T", color: "red" });
  });

  test("lets the later edit of the same field win, whichever device syncs first", async () => {
    for (const order of [
      [0, 1],
      [1, 0],
    ]) {
      user++;
      const devices = await two();
      await devices[0].db.conversations.update("c", { title: "earlier" });
      await new Promise((resolve) => setTimeout(resolve, 5));
      await devices[1].db.conversations.update("c", { title: "later" });
      for (const i of order) await devices[i as 0 | 1].sync.now();
      await expectSame(...devices);
      expect(await devices[0].db.conversations.get("c")).toMatchObject({ title: "later" });
    }
  });

  test("keeps an edit that is made while its request is on the way", async () => {
    const held: (() => void)[] = [];
    let holds = false;
    const a = device({
      fetch: async (url: URL, init: RequestInit) => {
        const answer = await fetch(url, init);
        if (holds && init.method === "POST") await new Promise<void>((go) => held.push(go));
        return answer;
      },
    });
    const b = device();
    await a.db.conversations.add({ id: "c", title: "1", pinned: false });
    await a.sync.now();
    await b.sync.now();
    await a.db.conversations.update("c", { title: "2" });
    holds = true;
    const synced = a.sync.now();
    while (held.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    await a.db.conversations.update("c", { title: "3" });
    await b.sync.now();
    await b.db.conversations.update("c", { pinned: true });
    holds = false;
    await b.sync.now();
    held.forEach((go) => {
      go();
    });
    await synced;
    await expectSame(a, b);
    expect(await b.db.conversations.get("c")).toMatchObject({ title: "3", pinned: true });
  });

  test("clears fields, and deletes messages and conversations", async () => {
    const [a, b] = await two();
    await a.db.messages.add(message("n"));
    await a.db.messages.put({ ...message("m"), output: {} });
    await expectSame(a, b);
    expect(await b.db.messages.get(["c", "m"])).toMatchObject({ output: {} });
    expect(await b.db.messages.get(["c", "m"])).not.toHaveProperty("vote");
    await b.db.messages.delete(["c", "m"]);
    await expectSame(a, b);
    expect((await a.db.messages.toArray()).map((m) => m.message_id)).toEqual(["n"]);
    await a.db.conversations.delete("c");
    await expectSame(a, b);
    expect(await b.db.messages.count()).toBe(0);
    expect(await b.db.conversations.count()).toBe(0);
  });

  test("revives a conversation that was edited later than it was deleted, whole", async () => {
    const [a, b] = await two();
    await a.db.conversations.delete("c");
    await a.sync.now();
    await new Promise((resolve) => setTimeout(resolve, 5));
    await b.db.conversations.update("c", { pinned: true });
    await expectSame(a, b);
    expect(await a.db.conversations.get("c")).toMatchObject({ title: "Hello", pinned: true });
  });

  test("revives a conversation that was edited later in the second in which it was deleted", async () => {
    const a = device();
    await a.sync.now();
    const second = new Date(Math.ceil(Date.now() / 1_000) * 1_000 + 1_000)
      .toISOString()
      .slice(0, 19);
    await a.db.conversations.add({ id: "c", title: "kept", updated_at: `${second}.500Z` });
    const answer = await fetch(`${server?.url}/api/sync-conversations/?user_id=user-${user}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ conversations: [{ id: "c", deleted_at: `${second}Z` }] }),
    });
    expect(answer.status).toBe(200);
    await a.sync.now();
    expect(await a.db.conversations.get("c")).toMatchObject({ title: "kept" });
    expect(await a.db.sync_notes.count()).toBe(0);
  });

  test("lets a later deletion take an edit", async () => {
    const [a, b] = await two();
    await b.db.conversations.update("c", { title: "in vain" });
    await new Promise((resolve) => setTimeout(resolve, 5));
    await a.db.conversations.delete("c");
    await b.sync.now();
    await expectSame(a, b);
    expect(await b.db.conversations.count()).toBe(0);
  });

  test("puts an item in the place of one that was deleted, without what that had", async () => {
    const [a, b] = await two();
    await a.db.conversations.delete("c");
    await a.db.conversations.add({ id: "c", title: "again" });
    await expectSame(a, b);
    expect(await b.db.conversations.get("c")).not.toHaveProperty("pinned");
    expect(await b.db.messages.count()).toBe(0);
  });

  test("sends what the app had before", async () => {
    const indexedDB = new IDBFactory();
    const before = tab({ url: server?.url ?? "" }, indexedDB, "old");
    before.db.use({ stack: "dbcore", name: "convosync", create: () => ({}) });
    await before.db.conversations.add({
      id: "c",
      title: "old",
      updated_at: "2020-01-01T00:00:00Z",
    });
    await before.db.conversations.add({ id: "d", title: "old" });
    before.db.close();
    const options = { url: server?.url ?? "", userId: `user-${user}` };
    const a = tab(options, indexedDB, "old");
    const b = device();
    await a.db.conversations.update("d", { pinned: true });
    await a.sync.now();
    await expectSame(a, b);
    expect(await b.db.conversations.get("c")).toMatchObject({
      title: "old",
      updated_at: "2020-01-01T00:00:00.000Z",
    });
    expect(await b.db.conversations.get("d")).toMatchObject({ title: "old", pinned: true });
  });

  test("sends many items in parts", async () => {
    const [a, b] = [device(), device()];
    await a.db.conversations.add({ id: "c" });
    await a.db.messages.bulkAdd(
      Array.from({ length: 1_200 }, (_, i) => message(`m-${i}`, { doc: "x".repeat(2_000) })),
    );
    await expectSame(a, b);
    expect(await b.db.messages.count()).toBe(1_200);
  });

  test("takes the messages of a conversation that was deleted and made anew, whoever edited it meanwhile", async () => {
    const [a, b] = await two();
    await a.db.conversations.delete("c");
    await a.db.conversations.add({ id: "c", title: "anew" });
    await new Promise((resolve) => setTimeout(resolve, 5));
    await b.db.conversations.update("c", { pinned: true });
    await b.sync.now();
    await expectSame(a, b);
    expect(await b.db.messages.toArray()).toEqual([]);
    expect(await b.db.conversations.get("c")).toMatchObject({ pinned: true });
  });

  test("keeps the last edit of an item that another device has made at the same time", async () => {
    const [a, b] = [device(), device()];
    await a.db.conversations.add({ id: "c", color: "first" });
    await a.db.conversations.update("c", { color: "last" });
    await b.db.conversations.add({ id: "c", title: "theirs" });
    await b.sync.now();
    await expectSame(a, b);
    expect(await b.db.conversations.get("c")).toMatchObject({ color: "last", title: "theirs" });
  });
});

describe.skipIf(!hasServer)("what is refused", () => {
  test("is put aside with the reason, and is tried again after an edit", async () => {
    const [a, b] = [device(), device()];
    await a.db.conversations.bulkAdd([
      { id: "bad", title: 5 as unknown as string },
      { id: "good", title: "x" },
    ]);
    await a.db.messages.bulkAdd([
      { conversation_id: "bad", message_id: "in-bad", vote: true },
      { conversation_id: "good", message_id: "m", vote: "no" as unknown as boolean },
    ]);
    await a.sync.now();
    expect(await a.sync.rejected.toArray()).toMatchObject([
      { table: "conversations", conversation_id: "bad", message_id: "", path: "title" },
      { table: "messages", conversation_id: "good", message_id: "m", path: "vote" },
    ]);
    expect(await a.sync.readStatus()).toMatchObject({ state: "idle", pending: 0, rejected: 2 });
    await b.sync.now();
    expect((await b.db.messages.toArray()).map((m) => m.message_id)).toEqual(["in-bad"]);

    await a.db.conversations.update("bad", { title: "five" });
    await a.db.messages.update(["good", "m"], { vote: false });
    await expectSame(a, b);
    expect(await a.sync.rejected.count()).toBe(0);
    expect(await b.db.messages.count()).toBe(2);
  });

  test("for its id takes the messages with it, and nothing else", async () => {
    const a = device();
    await a.db.conversations.add({ id: "good" });
    await a.db.messages.add({ conversation_id: "x".repeat(200), message_id: "m" });
    await a.sync.now();
    expect(await a.sync.rejected.toArray()).toMatchObject([{ message_id: "m" }]);
    expect(await a.sync.readStatus()).toMatchObject({ state: "idle", pending: 0 });
  });

  test("for its size goes in smaller parts, and one that is too large is put aside", async () => {
    const small = await Server.start({ CONVOSYNC__LIMITS__BODY_BYTES: "30000" });
    const a = tab({ url: small.url, userId: "u" });
    await a.db.conversations.bulkAdd([
      ...Array.from({ length: 20 }, (_, i) => ({ id: `c-${i}`, title: "x".repeat(5_000) })),
      { id: "large", title: "x".repeat(40_000) },
    ]);
    await a.sync.now();
    expect(await a.sync.rejected.toArray()).toMatchObject([{ conversation_id: "large" }]);
    const b = tab({ url: small.url, userId: "u" });
    await b.sync.now();
    expect(await b.db.conversations.count()).toBe(20);
    await small.end();
  });

  test("for the quota leaves it stuck, while deletions pass and others' changes come", async () => {
    const small = await Server.start({ CONVOSYNC__VISITORS__MAX_CONVERSATIONS: "2" });
    const [a, b] = [tab({ url: small.url, userId: "u" }), tab({ url: small.url, userId: "u" })];
    await a.db.conversations.bulkAdd([{ id: "1" }, { id: "2" }]);
    await a.sync.now();
    await b.sync.now();
    await b.db.conversations.update("1", { title: "from b" });
    await b.sync.now();
    await a.db.conversations.add({ id: "3" });
    await expect(a.sync.now()).rejects.toMatchObject({ reason: "quota" });
    expect(await a.sync.readStatus()).toMatchObject({
      state: "stuck",
      reason: "quota",
      pending: 1,
    });
    expect(await a.db.conversations.get("1")).toMatchObject({ title: "from b" });
    await a.db.conversations.delete("2");
    await a.sync.now();
    expect(await a.sync.readStatus()).toMatchObject({ state: "idle", pending: 0 });
    await small.end();
  });
});

describe.skipIf(!hasServer)("a server that was restored", () => {
  let own: Server;
  beforeEach(async () => {
    own = await Server.start();
  });
  afterEach(() => own.end());

  const newDevice = () => tab({ url: own.url, userId: "u" });
  const backUp = () => own.backup("backup.db");
  const restore = async () => {
    await own.stop();
    await own.restore("backup.db");
    await own.start();
  };

  test("gets back what it has lost, and what it has in an older state", async () => {
    const [a, b] = [newDevice(), newDevice()];
    await a.db.conversations.bulkAdd([{ id: "old", title: "1" }, { id: "same" }]);
    await a.sync.now();
    await backUp();
    await a.db.conversations.update("old", { title: "2" });
    await a.db.conversations.add({ id: "new" });
    await a.db.messages.add({ conversation_id: "new", message_id: "m", vote: true });
    await a.sync.now();
    await b.sync.now();
    await restore();
    await b.db.conversations.update("new", { title: "edited" });
    await b.sync.now();
    await expectSame(a, b);
    expect(await a.db.conversations.toArray()).toMatchObject([
      { id: "new", title: "edited" },
      { id: "old", title: "2" },
      { id: "same" },
    ]);
    const c = newDevice();
    await expectSame(a, c);
  });

  test("gets back the edit of a conversation that another device has as it began", async () => {
    const [a, b] = [newDevice(), newDevice()];
    await a.sync.now();
    await backUp();
    await a.db.messages.add(message("m"));
    await a.sync.now();
    await b.sync.now();
    await b.db.conversations.update("c", { title: "edited" });
    await b.sync.now();
    await restore();
    await expectSame(a, b);
    expect(await a.db.conversations.get("c")).toMatchObject({ title: "edited" });
  });

  test("gets back a conversation that nobody has edited, and keeps what another device has made of it", async () => {
    const [a, b] = [newDevice(), newDevice()];
    await a.sync.now();
    await backUp();
    await b.db.conversations.add({ id: "c", title: "mine" });
    await a.db.messages.add(message("m"));
    await a.sync.now();
    for (const syncing of [a, b]) {
      await restore();
      await syncing.sync.now();
    }
    await expectSame(a, b);
    expect(await a.db.conversations.get("c")).toMatchObject({ title: "mine" });
    expect(await b.db.messages.count()).toBe(1);
  });

  test("gets back a conversation without a stamp, and both have it the same", async () => {
    const [a, b] = [newDevice(), newDevice()];
    await a.sync.now();
    await backUp();
    await a.db.messages.add(message("m"));
    await a.sync.now();
    expect(await a.db.conversations.get("c")).not.toHaveProperty("updated_at");
    await restore();
    await expectSame(a, b);
    expect(await b.db.messages.count()).toBe(1);
  });
});

test.each([
  [404, "visitor_not_found"],
  [400, "invalid_cursor"],
  [410, "cursor_expired"],
  [400, "invalid_conversations"],
])("a pull that stays refused is stuck, not offline: %i %s", async (status, code) => {
  const it = tab({
    url: "http://server",
    userId: "ada",
    fetch: (ask) =>
      Promise.resolve(
        (ask as URL).pathname.includes("sync-")
          ? Response.json({ error: "no", code }, { status })
          : Response.json({ user_id: "ada" }),
      ),
  });
  await expect(it.sync.now()).rejects.toMatchObject({ code, reason: "refused" });
  expect(await it.sync.readStatus()).toMatchObject({ state: "stuck", reason: "refused" });
});

test("without a network it is offline, and says so", async () => {
  const a = tab({ url: "http://127.0.0.1:9", userId: "u" });
  await a.db.conversations.add({ id: "c" });
  const failure: unknown = await a.sync.now().catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(SyncError);
  expect(failure).toMatchObject({ code: "network", reason: undefined });
  expect(await a.sync.readStatus()).toMatchObject({ state: "offline", pending: 1 });
});
