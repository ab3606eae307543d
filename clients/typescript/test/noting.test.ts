import Dexie from "dexie";
import { IDBFactory, IDBKeyRange } from "fake-indexeddb";
import { beforeEach, describe, expect, test } from "vitest";
import { noting } from "../src/noting.js";
import { syncTables } from "../src/tables.js";
import type { Message } from "../src/types.js";
import { type ChatDatabase, database } from "./support/database.js";

const NOW = Date.parse("2026-05-01T12:00:00.000Z");
let now = NOW;
let db: ChatDatabase;

beforeEach(() => {
  now = NOW;
  db = database();
  db.use(noting(() => now));
});

const note = (conversation: string, message = "") => db.sync_notes.get([conversation, message]);
const message = (id: string, more: Partial<Message> = {}): Message => ({
  conversation_id: "c",
  message_id: id,
  timestamp: "2026-05-01T11:00:00.000Z",
  ...more,
});
/** As after a turn: nothing is noted any more. */
const sent = () => db.sync_notes.clear();

describe("a new row", () => {
  test("is noted whole, with its stamp in the row", async () => {
    await db.conversations.add({ id: "c", title: "Hello" });
    expect(await note("c")).toMatchObject({ whole: 1, stamp: "2026-05-01T12:00:00.000Z" });
    expect(await db.conversations.get("c")).toEqual({
      id: "c",
      title: "Hello",
      created_at: "2026-05-01T12:00:00.000Z",
      updated_at: "2026-05-01T12:00:00.000Z",
    });
  });

  test("that is edited again before it is sent is of nothing that the server has", async () => {
    await db.conversations.add({ id: "c", title: "1", pinned: true });
    await db.conversations.put({ id: "c", title: "2" });
    expect(await note("c")).toMatchObject({ whole: 1, fields: { title: null, pinned: null } });
  });

  test("that fails to be added is not noted", async () => {
    await db.conversations.add({ id: "c", title: "Hello" });
    await sent();
    await expect(db.conversations.add({ id: "c", title: "Again" })).rejects.toThrow();
    expect(await note("c")).toBeUndefined();
  });

  test("of a bulk that fails in part is noted", async () => {
    await db.messages.add(message("a"));
    await sent();
    await db.transaction("rw", db.messages, () =>
      db.messages.bulkAdd([message("a"), message("b")]).catch(() => undefined),
    );
    expect(await note("c", "a")).toBeUndefined();
    expect(await note("c", "b")).toMatchObject({ whole: 1 });
  });
});

describe("an edit", () => {
  beforeEach(async () => {
    await db.conversations.add({ id: "c", title: "Hello", pinned: true });
    await db.messages.add(message("m", { vote: true, output: { output_content_text: "Hi" } }));
    await sent();
  });

  test("notes the fields that changed, with what they were", async () => {
    await db.conversations.update("c", { title: "Good-bye" });
    expect(await note("c")).toMatchObject({
      fields: { title: "Hello" },
      was: "2026-05-01T12:00:00.000Z",
    });
    expect((await note("c"))?.whole).toBeUndefined();
  });

  test("keeps what a field was at first when it is edited again", async () => {
    await db.conversations.update("c", { title: "1" });
    await db.conversations.update("c", { title: "2", pinned: false });
    expect((await note("c"))?.fields).toEqual({ title: "Hello", pinned: true });
  });

  test("of a part notes the field of the part", async () => {
    await db.messages.update(["c", "m"], { "output.output_content_text": "Hi there" });
    expect((await note("c", "m"))?.fields).toEqual({ "output\0output_content_text": "Hi" });
  });

  test("that removes a field notes it, and a part stays without its fields", async () => {
    await db.messages.put({ conversation_id: "c", message_id: "m" });
    expect((await note("c", "m"))?.fields).toEqual({
      vote: true,
      "output\0output_content_text": "Hi",
    });
    expect((await db.messages.get(["c", "m"]))?.output).toEqual({});
  });

  test("that changes nothing notes nothing and leaves the stamp", async () => {
    const before = await db.messages.get(["c", "m"]);
    now += 5000;
    await db.messages.put({ ...message("m"), vote: true, output: { output_content_text: "Hi" } });
    await db.messages.update(["c", "m"], { vote: true });
    expect(await db.sync_notes.count()).toBe(0);
    expect(await db.messages.get(["c", "m"])).toEqual(before);
  });

  test("by modify and by bulkPut is noted, also of the same row twice", async () => {
    await db.messages.toCollection().modify({ vote: false });
    expect((await note("c", "m"))?.fields).toEqual({ vote: true });
    await sent();
    await db.conversations.bulkPut([
      { id: "c", title: "1", pinned: true },
      { id: "c", title: "2", pinned: true },
    ]);
    expect((await note("c"))?.fields).toEqual({ title: "Hello" });
    expect((await db.conversations.get("c"))?.updated_at).toBe((await note("c"))?.stamp);
  });

  test("is undone with its transaction", async () => {
    await db
      .transaction("rw", db.conversations, async () => {
        await db.conversations.update("c", { title: "Never" });
        throw new Error("no");
      })
      .catch(() => undefined);
    expect(await note("c")).toBeUndefined();
  });

  test("in a transaction of conversations alone is noted", async () => {
    await db.transaction("rw", db.conversations, () =>
      db.conversations.update("c", { title: "Alone" }),
    );
    expect((await note("c"))?.fields).toEqual({ title: "Hello" });
  });
});

describe("a deletion", () => {
  beforeEach(async () => {
    await db.conversations.bulkAdd([{ id: "c" }, { id: "d" }]);
    await db.messages.bulkAdd([message("1"), message("2"), message("3")]);
    await sent();
  });

  test("of a conversation takes its messages along, which are not noted", async () => {
    await db.messages.update(["c", "1"], { vote: true });
    await db.transaction("rw", db.conversations, () => db.conversations.delete("c"));
    expect(await db.messages.count()).toBe(0);
    expect(await db.sync_notes.toArray()).toMatchObject([{ conversation_id: "c", message_id: "" }]);
    const noted = await note("c");
    expect(noted?.deleted).toBe(noted?.stamp);
  });

  test("by a range, by clear and in modify is noted", async () => {
    await db.messages.where(":id").between(["c", "2"], ["c", "3"]).delete();
    expect((await db.sync_notes.toArray()).map((n) => n.message_id)).toEqual(["2"]);
    await db.messages.toCollection().modify((value: Message, ref: { value?: Message }) => {
      if (value.message_id === "1") delete ref.value;
    });
    expect(await note("c", "1")).toMatchObject({ deleted: expect.any(String) as string });
    await db.conversations.clear();
    expect(await note("d")).toMatchObject({ deleted: expect.any(String) as string });
    expect(await db.messages.count()).toBe(0);
  });

  test("of what is not there notes nothing", async () => {
    await db.messages.delete(["c", "9"]);
    expect(await db.sync_notes.count()).toBe(0);
  });

  test("is older than what is put in its place", async () => {
    await db.conversations.delete("d");
    await db.conversations.add({ id: "d", title: "again" });
    const noted = await note("d");
    expect(noted).toMatchObject({ whole: 1, deleted: expect.any(String) as string });
    expect((noted?.stamp ?? "") > (noted?.deleted ?? "")).toBe(true);
  });
});

describe("a stamp", () => {
  test("is later than the one before when the clock goes back", async () => {
    await db.conversations.add({ id: "a" });
    now -= 3_600_000;
    await db.conversations.add({ id: "b" });
    expect((await note("b"))?.stamp).toBe("2026-05-01T12:00:00.001Z");
  });

  test("is later than that of the row, whose future does not become the device's", async () => {
    await db.conversations.add({ id: "a", updated_at: "2099-01-01T00:00:00Z" });
    await db.conversations.update("a", { title: "x" });
    expect((await note("a"))?.stamp).toBe("2099-01-01T00:00:00.001Z");
    await db.conversations.add({ id: "b" });
    expect((await note("b"))?.stamp.slice(0, 10)).toBe("2026-05-01");
  });

  test("that the app sets counts if it is newer, also with no other change", async () => {
    await db.conversations.add({ id: "a" });
    await sent();
    await db.conversations.update("a", { updated_at: "2020-01-01T00:00:00Z" });
    expect(await note("a")).toBeUndefined();
    await db.conversations.update("a", { updated_at: "2026-05-01T14:00:00+01:00" });
    expect(await note("a")).toMatchObject({ stamp: "2026-05-01T13:00:00.000Z", fields: {} });
  });
});

describe("values", () => {
  test("are stored as they come back: dates as texts, nothing undefined or null", async () => {
    await db.conversations.put({
      id: "a",
      created_at: 1_700_000_000 as unknown as string,
      title: null as unknown as string,
      when: { at: new Date(NOW), none: undefined, list: [undefined, null] },
    });
    expect(await db.conversations.get("a")).toEqual({
      id: "a",
      created_at: "2023-11-14T22:13:20.000Z",
      updated_at: "2026-05-01T12:00:00.000Z",
      when: { at: "2026-05-01T12:00:00.000Z", list: [null, null] },
    });
  });

  test.each([
    ["a blob", new Blob(["x"])],
    ["bytes", new Uint8Array(2)],
    ["a map", new Map()],
    ["no number", NaN],
    ["a big integer", 1n],
  ])("that cannot be synced are refused: %s", async (_, when) => {
    await expect(db.conversations.put({ id: "a", when: [when] })).rejects.toThrow(
      "conversations.when[0] cannot be synced",
    );
    expect(await db.conversations.count()).toBe(0);
  });

  test("that would mean something else at the server are refused", async () => {
    const upper = "6F9619FF-8B86-D011-B42D-00CF4FC964FF";
    await expect(db.conversations.put({ id: upper })).rejects.toThrow("lower case");
    const gone = { id: "a", deleted_at: "2026-05-01T12:00:00Z" };
    await expect(db.conversations.put(gone)).rejects.toThrow("delete the row");
  });
});

test("an upgrade of the app's schema notes what it changes", async () => {
  const indexedDB = new IDBFactory();
  const open = (upgrade: boolean) => {
    const it = new Dexie("app", { indexedDB, IDBKeyRange });
    it.version(1).stores({
      conversations: "id",
      messages: "[conversation_id+message_id]",
      ...syncTables,
    });
    if (upgrade)
      it.version(2)
        .stores({ conversations: "id, name" })
        .upgrade((tx) =>
          tx
            .table("conversations")
            .toCollection()
            .modify((row: { title?: string; name?: string }) => {
              row.name = row.title ?? "";
              delete row.title;
            }),
        );
    it.use(noting(() => NOW));
    return it;
  };
  const first = open(false);
  await first.table("conversations").add({ id: "c", title: "Hello" });
  await first.table("sync_notes").clear();
  first.close();
  const second = open(true);
  expect(await second.table("conversations").get("c")).toMatchObject({ name: "Hello" });
  expect(await second.table("sync_notes").get(["c", ""])).toMatchObject({
    fields: { title: "Hello", name: null },
  });
});
