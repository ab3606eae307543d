import { createHmac } from "node:crypto";
import { IDBFactory } from "fake-indexeddb";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { contents, tab, type Tab } from "./support/device.js";
import { Locks } from "./support/locks.js";
import { hasServer, Server } from "./support/server.js";

const SECRET = "a secret of at least thirty-two bytes";
let open: Server | undefined;
let protectedServer: Server | undefined;
let user = "";
let count = 0;

beforeAll(async () => {
  if (!hasServer) return;
  open = await Server.start();
  protectedServer = await Server.start({
    CONVOSYNC__AUTH__MODE: "protected",
    CONVOSYNC__AUTH__JWT__SECRET: SECRET,
  });
});
afterAll(() => Promise.all([open?.end(), protectedServer?.end()]));
beforeEach(() => {
  user = `user-${++count}`;
});

const url = () => open?.url ?? "";

function tokenOf(userId: string): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const now = Math.floor(Date.now() / 1000);
  const text = `${part({ alg: "HS256", typ: "JWT" })}.${part({ sub: userId, iat: now, exp: now + 600 })}`;
  return `${text}.${createHmac("sha256", SECRET).update(text).digest("base64url")}`;
}

async function anonymous(server: string, more: object = {}): Promise<Tab> {
  const it = tab({ url: server, ...more });
  await it.db.conversations.add({ id: "mine", title: "anonymous" });
  await it.sync.now();
  return it;
}

describe.skipIf(!hasServer)("signing in", () => {
  test("makes the anonymous visitor's a part of the user's, and keeps what is not sent", async () => {
    const other = tab({ url: url(), userId: user });
    await other.db.conversations.add({ id: "theirs" });
    await other.sync.now();
    const it = await anonymous(url());
    await it.db.conversations.update("mine", { pinned: true });
    await it.sync.signIn({ userId: user });
    await it.sync.now();
    expect((await it.sync.readStatus()).visitor).toEqual({ userId: user });
    await other.sync.now();
    expect(await contents(other.db)).toEqual(await contents(it.db));
    expect(await other.db.conversations.toArray()).toMatchObject([
      { id: "mine", title: "anonymous", pinned: true },
      { id: "theirs" },
    ]);
  });

  test("goes on where the answer was lost", async () => {
    let loses = true;
    const it = await anonymous(url(), {
      fetch: async (...ask: Parameters<typeof fetch>) => {
        const answer = await fetch(...ask);
        if (loses && answer.ok && (ask[0] as URL).pathname.includes("merge")) {
          loses = false;
          throw new TypeError("lost");
        }
        return answer;
      },
    });
    await expect(it.sync.signIn({ userId: user })).rejects.toMatchObject({ code: "network" });
    await it.sync.signIn({ userId: user });
    await it.sync.now();
    expect(await it.db.conversations.count()).toBe(1);
    expect(await it.sync.readStatus()).toMatchObject({ state: "idle", visitor: { userId: user } });
  });

  test("before the first contact needs no merge", async () => {
    const it = tab({ url: url() });
    await it.db.conversations.add({ id: "mine" });
    await it.sync.signIn({ userId: user });
    await it.sync.now();
    const other = tab({ url: url(), userId: user });
    await other.sync.now();
    expect(await other.db.conversations.count()).toBe(1);
  });

  test("before the first contact needs no network", async () => {
    let isThere = false;
    const it = tab({
      url: url(),
      fetch: (...ask) => (isThere ? fetch(...ask) : Promise.reject(new TypeError("no network"))),
    });
    await it.db.conversations.add({ id: "mine" });
    await expect(it.sync.now()).rejects.toMatchObject({ code: "network" });
    await it.sync.signIn({ userId: user });
    expect(await it.sync.readStatus()).toMatchObject({ visitor: { userId: user }, pending: 1 });
    isThere = true;
    await it.sync.now();
    expect(await it.sync.readStatus()).toMatchObject({ state: "idle", pending: 0 });
  });

  test("as somebody else is refused until the user has signed out", async () => {
    const it = tab({ url: url(), userId: user });
    await it.db.conversations.add({ id: "mine" });
    await it.sync.now();
    await expect(it.sync.signIn({ userId: "else" })).rejects.toMatchObject({
      reason: "other_user",
    });
    await it.sync.signOut();
    expect(await contents(it.db)).toEqual({ conversations: [], messages: [] });
    await it.sync.signIn({ userId: "else" });
    await it.sync.now();
    expect(await it.db.conversations.count()).toBe(0);
    expect((await it.sync.readStatus()).visitor).toEqual({ userId: "else" });
  });

  test("with a token; one that is not taken is asked for anew, once", async () => {
    const it = await anonymous(protectedServer?.url ?? "");
    const asked: boolean[] = [];
    let last = "stale";
    const token = (refresh: boolean) => {
      asked.push(refresh);
      if (refresh) last = tokenOf(user);
      return last;
    };
    await it.sync.signIn({ userId: user, token });
    // For its registration and for the merge.
    expect(asked).toEqual([false, true, false]);
    await it.sync.now();
    expect(await it.sync.readStatus()).toMatchObject({ state: "idle", pending: 0 });
  });

  test("without a good token is stuck until there is one", async () => {
    let token = "bad";
    const options = { url: protectedServer?.url ?? "", userId: user, token: () => token };
    const it = tab(options);
    await it.db.conversations.add({ id: "mine" });
    await expect(it.sync.now()).rejects.toMatchObject({ reason: "unauthorized" });
    expect(await it.sync.readStatus()).toMatchObject({ state: "stuck", reason: "unauthorized" });
    token = tokenOf(user);
    await it.sync.now();
    expect(await it.sync.readStatus()).toMatchObject({ state: "idle", pending: 0 });
  });
});

describe.skipIf(!hasServer)("a visitor", () => {
  test("can be exported and erased", async () => {
    const it = await anonymous(url());
    const lines: string[] = [];
    for await (const line of it.sync.export()) lines.push(line);
    expect(lines.map((line) => JSON.parse(line) as unknown)).toMatchObject([
      { conversations: [{ id: "mine", title: "anonymous" }] },
    ]);
    const { visitor } = await it.sync.readStatus();
    await it.sync.erase();
    expect(await it.db.conversations.count()).toBe(0);
    const anonId = (visitor as { anonId: string }).anonId;
    const answer = await fetch(`${url()}/api/sync-conversations/?anon_id=${anonId}`);
    expect(answer.status).toBe(410);
  });

  test("that another device erased is stuck", async () => {
    const [a, b] = [tab({ url: url(), userId: user }), tab({ url: url(), userId: user })];
    await a.db.conversations.add({ id: "mine" });
    await a.sync.now();
    await b.sync.now();
    await a.sync.erase();
    await expect(b.sync.now()).rejects.toMatchObject({ reason: "erased" });
    expect(await b.sync.readStatus()).toMatchObject({ state: "stuck", reason: "erased" });
  });

  test.each(["cut", "lost"])("is registered later where the registration was %s", async (how) => {
    let isGood = false;
    const bad: typeof fetch = async (ask, init) => {
      const isRegistration = (ask as URL).pathname.endsWith("/visitors/");
      if (isGood || !isRegistration) return fetch(ask, init);
      if (how === "lost") await (await fetch(ask, init)).body?.cancel();
      throw new TypeError("The connection was cut");
    };
    const it = tab({ url: url(), userId: user, fetch: bad });
    await it.db.conversations.add({ id: "c" });
    await expect(it.sync.now()).rejects.toMatchObject({ code: "network" });
    isGood = true;
    await it.sync.now();
    expect(await it.sync.readStatus()).toMatchObject({ state: "idle", pending: 0 });
  });

  test("that the server loses again and again is registered when it keeps it", async () => {
    let losses = 0;
    let isGood = false;
    const losing: typeof fetch = async (ask, init) => {
      if (isGood || (ask as URL).pathname.endsWith("/visitors/")) return fetch(ask, init);
      losses++;
      const told = { error: "Visitor not found", code: "visitor_not_found" };
      return Response.json(told, { status: 404 });
    };
    const it = tab({ url: url(), userId: user, fetch: losing });
    await expect(it.sync.now()).rejects.toMatchObject({ code: "visitor_not_found" });
    expect(losses).toBe(2);
    await expect(it.sync.now()).rejects.toMatchObject({ code: "visitor_not_found" });
    expect(losses).toBe(4);
    isGood = true;
    await it.sync.now();
  });

  test("that the server has lost is registered again, with all that is here", async () => {
    const server = await Server.start();
    const it = await anonymous(server.url);
    await server.stop();
    await server.lose();
    await server.start();
    await it.db.conversations.update("mine", { pinned: true });
    await it.sync.now();
    const lines: string[] = [];
    for await (const line of it.sync.export()) lines.push(line);
    expect(lines.join()).toContain("anonymous");
    await server.end();
  });
});

describe.skipIf(!hasServer)("two tabs of a device", () => {
  test("have one that leads, which the other one asks; when it ends the other one leads", async () => {
    const [device, locks] = [new IDBFactory(), new Locks()];
    const tabs = [{}, {}].map((key) => {
      const posts: string[] = [];
      const spy: typeof fetch = (ask, init) => {
        posts.push(init?.method ?? "GET");
        return fetch(ask, init);
      };
      const options = { url: url(), userId: user, locks: locks.of(key), fetch: spy };
      return { key, posts, ...tab(options, device, `tabs-${user}`) };
    });
    const [first, second] = tabs as [(typeof tabs)[0], (typeof tabs)[0]];
    first.sync.start();
    await first.sync.now();
    second.sync.start();
    await second.db.conversations.add({ id: "c" });
    await second.sync.now();
    expect(second.posts).toEqual([]);
    expect(await second.sync.readStatus()).toMatchObject({ state: "idle", pending: 0 });

    first.db.close();
    locks.kill(first.key);
    await second.db.conversations.update("c", { title: "by the second" });
    await second.sync.now();
    expect(second.posts).toContain("POST");
    await second.sync.stop();
    expect(locks.leads(second.key)).toBe(false);
  });

  test("both stop when one signs out", async () => {
    const [device, locks] = [new IDBFactory(), new Locks()];
    const open = (key: object) => tab({ url: url(), locks: locks.of(key) }, device, `out-${user}`);
    const [first, second] = [open({}), open({})];
    first.sync.start();
    await first.sync.now();
    second.sync.start();
    await second.sync.signOut();
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect((await first.sync.readStatus()).visitor).toBeUndefined();
    // It may begin again, as somebody new.
    first.sync.start();
    await first.sync.now();
    expect(await first.sync.readStatus()).toMatchObject({ state: "idle", visitor: {} });
    await first.sync.stop();
  });
});
