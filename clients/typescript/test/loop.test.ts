import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { type Page, createApi } from "../src/api.js";
import { listenToStream } from "../src/listen.js";
import { tab, type Tab } from "./support/device.js";
import { hasServer, Server } from "./support/server.js";

let server: Server | undefined;
const tabs: Tab[] = [];

beforeAll(async () => {
  if (hasServer) server = await Server.start();
});
afterAll(() => server?.end());
afterEach(async () => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  await Promise.all(tabs.splice(0).map((it) => it.sync.stop()));
});

function started(userId: string, more: object = {}): Tab {
  const it = tab({ url: server?.url ?? "", userId, ...more });
  tabs.push(it);
  it.sync.start();
  return it;
}

const eventually = (check: () => void | Promise<void>) =>
  vi.waitFor(check, { timeout: 8_000, interval: 20 });

describe.skipIf(!hasServer)("the loop", () => {
  test("brings each change to the other devices as it is made", async () => {
    const [a, b] = [started("live"), started("live")];
    await Promise.all([a.sync.now(), b.sync.now()]);
    await a.db.conversations.add({ id: "c", title: "1" });
    await eventually(async () => {
      expect(await b.db.conversations.get("c")).toMatchObject({ title: "1" });
    });
    await b.db.conversations.update("c", { title: "2" });
    await eventually(async () => {
      expect(await a.db.conversations.get("c")).toMatchObject({ title: "2" });
    });
    expect(a.sync.status).toMatchObject({ visitor: { userId: "live" } });
  });

  test("sends what keeps changing at a pace, and its last state", async () => {
    let posts = 0;
    const spy: typeof fetch = (ask, init) => {
      if (init?.method === "POST" && (ask as URL).pathname.includes("sync-conversations")) posts++;
      return fetch(ask, init);
    };
    const a = started("pace", { pace: 200, fetch: spy });
    await a.sync.now();
    const key: [string, string] = ["c", "m"];
    await a.db.messages.add({ conversation_id: "c", message_id: "m" });
    for (let i = 0; i <= 50; i++) {
      await a.db.messages.update(key, { "output.output_content_text": "word ".repeat(i) });
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    await eventually(async () => {
      expect(await a.db.sync_notes.count()).toBe(0);
    });
    expect(posts).toBeGreaterThan(1);
    expect(posts).toBeLessThan(12);
    const b = tab({ url: server?.url ?? "", userId: "pace" });
    await b.sync.now();
    expect((await b.db.messages.get(key))?.output?.output_content_text).toBe("word ".repeat(50));
  });

  test("asks, and asks again, where a proxy holds the stream back", async () => {
    // The patience with a stream that says nothing is shorter here.
    const later = globalThis.setTimeout;
    const sooner = (run: (...args: never[]) => void, after?: number, ...args: never[]) =>
      later(run, after === 20_000 ? 1_100 : after, ...args);
    vi.spyOn(globalThis, "setTimeout").mockImplementation(sooner);
    let streams = 0;
    let waits = 0;
    const heldBack: typeof fetch = async (ask, init) => {
      const { pathname, searchParams } = ask as URL;
      if (searchParams.has("wait")) waits++;
      const answer = await fetch(ask, init);
      if (!pathname.endsWith("/events/")) return answer;
      streams++;
      const nothing = new ReadableStream({
        start: (body) => {
          init?.signal?.addEventListener("abort", () => {
            body.error(new DOMException("aborted", "AbortError"));
          });
        },
      });
      return new Response(nothing, answer);
    };
    const a = started("behind a proxy");
    const b = started("behind a proxy", { fetch: heldBack });
    await Promise.all([a.sync.now(), b.sync.now()]);
    await eventually(() => {
      expect(waits).toBe(1);
    });
    for (const title of ["1", "2"]) {
      await a.db.conversations.put({ id: "c", title });
      await eventually(async () => {
        expect(await b.db.conversations.get("c")).toMatchObject({ title });
      });
    }
    await b.db.conversations.update("c", { title: "3" });
    await eventually(async () => {
      expect(await a.db.conversations.get("c")).toMatchObject({ title: "3" });
    });
    expect(streams).toBe(1);
    expect(waits).toBeGreaterThan(2);
    await eventually(async () => {
      expect(await b.sync.readStatus()).toMatchObject({ state: "idle", pending: 0 });
    });
  });

  test("goes on by itself when the server is back", async () => {
    const own = await Server.start();
    const a = started("back", { url: own.url });
    await a.sync.now();
    await own.stop();
    await a.db.conversations.add({ id: "c" });
    await eventually(async () => {
      expect(await a.sync.readStatus()).toMatchObject({ state: "offline", pending: 1 });
    });
    await own.start();
    await eventually(async () => {
      expect(await a.sync.readStatus()).toMatchObject({ state: "idle", pending: 0 });
    });
    await a.sync.stop();
    await own.end();
  });
});

describe("a stream", () => {
  const api = (answer: typeof fetch) =>
    createApi({ url: "http://server", fetch: answer }, () => undefined);
  const page = (cursor: string): Page => ({ conversations: [], cursor, has_more: false });
  const heard: [string, Page | undefined][] = [];
  const listening = (answer: typeof fetch) => ({
    api: api(answer),
    visitor: { anonId: "a" },
    cursor: "0",
    signal: new AbortController().signal,
    hear: (base: string, found?: Page) => {
      heard.push([base, found]);
    },
  });

  test("gives each page with the cursor that it goes on from", async () => {
    const text =
      `event: change\nid: 1\ndata: ${JSON.stringify(page("1"))}\n\n: a comment\n\n` +
      `event: change\nid: 2\ndata: ${JSON.stringify(page("2"))}\n\nevent: expired\ndata: {}\n\n`;
    heard.length = 0;
    expect(await listenToStream(listening(() => Promise.resolve(new Response(text))))).toBe(false);
    expect(heard).toEqual([
      ["0", page("1")],
      ["1", page("2")],
      ["2", undefined],
    ]);
  });

  test("that a proxy holds back is told from one that has ended", async () => {
    vi.useFakeTimers();
    const holdsBack: typeof fetch = (_, init) =>
      new Promise((_resolve, reject) => {
        init?.signal?.addEventListener("abort", () => {
          reject(new DOMException("aborted", "AbortError"));
        });
      });
    const listened = listenToStream(listening(holdsBack));
    await vi.advanceTimersByTimeAsync(20_000);
    expect(await listened).toBe(true);
  });
});
