import { IDBFactory } from "fake-indexeddb";
import type { DBCore, Middleware } from "dexie";
import { contents, tab, type Tab } from "./device.js";
import { Locks } from "./locks.js";
import type { Server } from "./server.js";
import type { Tally } from "./tally.js";

/** How a device reaches the server: what share of its requests is cut, and of its answers lost. */
export interface Network {
  cut: number;
  lost: number;
}

/** What there is of a tab until it is killed. */
interface Life {
  end: AbortController;
  /** Resolves when it is killed. */
  ended: Promise<void>;
  transactions: Set<IDBTransaction>;
  requests: number;
  /** The items of its last post. */
  posted: string[];
}

/** A device of a person, with one or two tabs, a clock and a network that may be bad. */
export class Device {
  tabs: Tab[] = [];
  network: Network = { cut: 0, lost: 0 };
  /** What it asked and was answered, for a history that fails. */
  readonly log: string[] = [];
  /** How far its clock is off, in milliseconds. */
  skew = 0;
  hasPosted = false;
  /** The items of posts of which it never heard whether they arrived. */
  readonly doubtful = new Set<string>();
  readonly #indexedDB = new IDBFactory();
  readonly #locks = new Locks();
  readonly #lives = new Map<Tab, Life>();

  constructor(
    readonly name: string,
    private readonly server: Server,
    private readonly userId: string,
    private readonly random: () => number,
    private readonly tally: Tally,
  ) {}

  /** Keeps for the log what was done here. */
  note(done: string): void {
    this.log.push([new Date().toISOString(), this.name, done].join(" "));
  }

  /** Opens a tab; `runs` whether it syncs by itself. */
  open(runs: boolean): Tab {
    const end = new AbortController();
    const ended = new Promise<void>((resolve) => {
      end.signal.addEventListener("abort", () => {
        resolve();
      });
    });
    const life: Life = { end, ended, transactions: new Set(), requests: 0, posted: [] };
    const opened = tab(
      {
        url: this.server.url,
        userId: this.userId,
        clock: () => Date.now() + this.skew,
        locks: this.#locks.of(life),
        fetch: (url, init) => this.#fetch(url, init, life),
      },
      this.#indexedDB,
      this.name,
    );
    opened.db.use(following(life.transactions));
    this.#lives.set(opened, life);
    this.tabs.push(opened);
    if (runs) opened.sync.start();
    return opened;
  }

  /** Ends a tab in the middle of whatever it does: what it has not committed is as if it never was. */
  kill(killed: Tab): void {
    this.tabs = this.tabs.filter((other) => other !== killed);
    const life = this.#lives.get(killed);
    if (!life) return;
    this.tally.count("killed tabs");
    if (this.#locks.leads(life)) this.tally.count("killed tabs that led");
    if (life.requests > 0) this.tally.count("killed tabs that asked");
    this.tally.count("transactions that a kill broke off", life.transactions.size);
    for (const item of life.posted) this.doubtful.add(item);
    this.close(killed);
  }

  /** Closes a tab that need not go on. */
  close(closed: Tab): void {
    const life = this.#lives.get(closed);
    life?.end.abort();
    for (const transaction of life?.transactions ?? []) abort(transaction);
    closed.db.close();
    if (life) this.#locks.kill(life);
    // A process that ends has no queries left, which would look at all that happens after it.
    void closed.sync.stop().catch(() => undefined);
  }

  /** The work of a tab, or nothing if the tab is killed before it is done. */
  async unlessKilled<T>(of: Tab, work: Promise<T>): Promise<T | undefined> {
    return Promise.race([work, this.#lives.get(of)?.ended.then(() => undefined)]);
  }

  async #fetch(url: RequestInfo | URL, init: RequestInit = {}, life: Life): Promise<Response> {
    const at = new Date().toISOString();
    const { pathname, search } = url as URL;
    const body = typeof init.body === "string" ? init.body : "";
    const isPost = body !== "" && pathname.endsWith("/sync-conversations/");
    const said = (answer: string) => {
      this.log.push([at, this.name, init.method, search, body, answer].join(" "));
    };
    const cut = (how: string) => {
      said(how);
      throw new TypeError("The connection was cut");
    };
    if (life.end.signal.aborted) cut("killed before");
    if (this.random() < this.network.cut) {
      this.tally.count("cut connections");
      cut("cut");
    }
    life.requests++;
    if (isPost) life.posted = itemsOf(body);
    let hasArrived = false;
    try {
      const answer = await fetch(url, init).catch((error: unknown) => {
        // A tab breaks its stream off by itself; of the rest the server cut it.
        if (!init.signal?.aborted) this.tally.count("connections that the server cut");
        said(String(error));
        throw error;
      });
      if (isPost && answer.ok) this.hasPosted = true;
      if (answer.status === 410) this.tally.count("cursors that a restore ended");
      if (life.end.signal.aborted || this.random() < this.network.lost) {
        if (isPost && answer.ok) this.tally.count("lost answers to posts");
        await answer.body?.cancel();
        cut(`lost ${answer.status}`);
      }
      const isJson = answer.headers.get("Content-Type")?.includes("json");
      said(isJson ? await answer.clone().text() : "a stream");
      hasArrived = true;
      return answer;
    } finally {
      life.requests--;
      if (isPost && !hasArrived) for (const item of life.posted) this.doubtful.add(item);
    }
  }
}

/** The conversations and messages of a body. */
function itemsOf(body: string): string[] {
  const { conversations } = JSON.parse(body) as { conversations: Stored[] };
  return conversations.flatMap(({ id, messages }) => [
    id as string,
    ...((messages ?? []) as Stored[]).map((m) => `${id as string}/${m.message_id as string}`),
  ]);
}

function abort(transaction: IDBTransaction): void {
  try {
    transaction.abort();
  } catch (error) {
    // It is committed, and only its event is still to come.
    if ((error as DOMException).name !== "InvalidStateError") throw error;
  }
}

/** A Dexie middleware that keeps the set of the transactions that go on. */
function following(transactions: Set<IDBTransaction>): Middleware<DBCore> {
  return {
    stack: "dbcore",
    name: "following",
    create: (down) => ({
      ...down,
      transaction: (...args) => {
        const begun = down.transaction(...args);
        const transaction = begun as unknown as IDBTransaction;
        transactions.add(transaction);
        for (const end of ["complete", "abort"])
          transaction.addEventListener(end, () => {
            transactions.delete(transaction);
          });
        return begun;
      },
    }),
  };
}

type Stored = Record<string, unknown>;

/** A moment as a text without needless zeros, as other texts are. */
function plain(value: unknown): unknown {
  if (typeof value === "string")
    return /^\d{4}-\d\d-\d\dT/.test(value)
      ? value.replace(/(\.\d*?)0+Z$/, "$1Z").replace(".Z", "Z")
      : value;
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([k, v]) => [k, plain(v)]),
  );
}

const byKey = (a: Stored, b: Stored) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1);

/** What a device has, to be compared. */
export async function stateOf(it: Tab): Promise<unknown> {
  const { conversations, messages } = await contents(it.db);
  return {
    conversations: conversations.map((row) => plain(row) as Stored).sort(byKey),
    messages: messages.map((row) => plain(row) as Stored).sort(byKey),
  };
}

/** What the server has, by a pull from the start, to be compared, and the cursor after it. */
export async function stateOfServer(
  server: Server,
  userId: string,
): Promise<{ state: unknown; cursor: string }> {
  const conversations: Stored[] = [];
  const messages: Stored[] = [];
  let since = "";
  for (let more = true; more;) {
    const query = `user_id=${userId}&limit=1000${since && `&since=${since}`}`;
    const answer = await fetch(`${server.url}/api/sync-conversations/changes/?${query}`);
    const page = (await answer.json()) as {
      conversations: Stored[];
      cursor: string;
      has_more: boolean;
    };
    for (const { messages: inside, ...row } of page.conversations) {
      conversations.push(plain(row) as Stored);
      for (const message of inside as Stored[])
        messages.push(plain({ conversation_id: row.id, ...message }) as Stored);
    }
    since = page.cursor;
    more = page.has_more;
  }
  const state = { conversations: conversations.sort(byKey), messages: messages.sort(byKey) };
  return { state, cursor: since };
}
