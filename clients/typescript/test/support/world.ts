import { IDBFactory } from "fake-indexeddb";
import { contents, tab, type Tab } from "./device.js";
import { Locks } from "./locks.js";
import type { Server } from "./server.js";

/** How a device reaches the server: what share of its requests is cut, and of its answers lost. */
export interface Network {
  cut: number;
  lost: number;
}

/** A device of a person, with one or two tabs, a clock and a network that may be bad. */
export class Device {
  tabs: Tab[] = [];
  network: Network = { cut: 0, lost: 0 };
  /** What it asked and was answered, for a history that fails. */
  readonly log: string[] = [];
  /** How far its clock is off, in milliseconds. */
  skew = 0;
  readonly #indexedDB = new IDBFactory();
  readonly #locks = new Locks();

  constructor(
    readonly name: string,
    private readonly server: Server,
    private readonly userId: string,
    private readonly random: () => number,
  ) {}

  /** Opens a tab; `runs` whether it syncs by itself. */
  open(runs: boolean): Tab {
    const life = new AbortController();
    const opened: Tab = tab(
      {
        url: this.server.url,
        userId: this.userId,
        clock: () => Date.now() + this.skew,
        locks: this.#locks.of(life),
        fetch: (url, init) => this.#fetch(url, init, life.signal),
      },
      this.#indexedDB,
      this.name,
    );
    this.#lives.set(opened, life);
    this.tabs.push(opened);
    if (runs) opened.sync.start();
    return opened;
  }

  /** Ends a tab in the middle of whatever it does. */
  kill(killed: Tab): void {
    this.tabs = this.tabs.filter((other) => other !== killed);
    const life = this.#lives.get(killed);
    life?.abort();
    killed.db.close();
    if (life) this.#locks.kill(life);
  }

  readonly #lives = new Map<Tab, AbortController>();

  async #fetch(
    url: RequestInfo | URL,
    init: RequestInit = {},
    life: AbortSignal,
  ): Promise<Response> {
    const at = new Date().toISOString();
    const body = typeof init.body === "string" ? init.body : "";
    const said = (answer: string) => {
      this.log.push([at, this.name, init.method, (url as URL).search, body, answer].join(" "));
    };
    const cut = () => {
      said("cut");
      throw new TypeError("The connection was cut");
    };
    if (life.aborted || this.random() < this.network.cut) cut();
    const answer = await fetch(url, init);
    if (life.aborted || this.random() < this.network.lost) {
      await answer.body?.cancel();
      cut();
    }
    if (answer.headers.get("Content-Type")?.includes("json")) said(await answer.clone().text());
    return answer;
  }
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

/** What the server has, by a pull from the start, to be compared. */
export async function stateOfServer(server: Server, userId: string): Promise<unknown> {
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
  return { conversations: conversations.sort(byKey), messages: messages.sort(byKey) };
}
