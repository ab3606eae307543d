import type { components } from "./api/schema.js";
import { SyncError, type SyncErrorDetails } from "./errors.js";
import type { StuckReason, SyncOptions, TokenSource, Visitor } from "./types.js";

type Schemas = components["schemas"];
/** A page of changes. */
export type Page = Schemas["Changes"];
/** The answer to a turn; one that only pulls has a page alone. */
export type Answer = Page & Pick<Partial<Schemas["Posted"]>, "rejected">;

/** How long an answer may take, in milliseconds. */
const TIMEOUT = 60_000;
/** From how many characters on a body is compressed. */
const GZIP_FROM = 8_192;

const REASONS: Record<string, StuckReason> = {
  quota_exceeded: "quota",
  visitor_erased: "erased",
  visitor_merged: "merged",
  visitor_merged_elsewhere: "merged",
};
/** Codes that the sync itself knows what to do about, or of what only has to be tried again. */
const HANDLED = [
  "body_incomplete",
  "cursor_expired",
  "invalid_conversations",
  "invalid_cursor",
  "visitor_not_found",
];

/** What to ask. */
export interface Ask {
  method?: string;
  query?: Record<string, string | number | undefined>;
  body?: unknown;
  signal?: AbortSignal | undefined;
  lenient?: boolean;
}

/** Asks the server, with the visitor's proof. */
export class Api {
  /** Gives the user's token. */
  token: TokenSource | undefined;
  readonly #base: string;
  readonly #fetch: typeof fetch;
  readonly #clock: () => number;
  readonly #onDate: (server: number, at: number) => void;

  /** `onDate` hears what the server's clock says, and what `clock` said then. */
  constructor(
    options: SyncOptions,
    clock: () => number,
    onDate: (server: number, at: number) => void,
  ) {
    this.token = options.token;
    this.#base = options.url.replace(/\/+$/, "");
    // Called on its own: a browser's `fetch` refuses to be a method of another object.
    const given = options.fetch ?? fetch;
    this.#fetch = (...args) => given(...args);
    this.#clock = clock;
    this.#onDate = onDate;
  }

  /** Asks and reads the answer as JSON; nothing for an empty one. Throws a SyncError. */
  async json<T>(visitor: Visitor | undefined, path: string, ask: Ask = {}): Promise<T> {
    const controller = new AbortController();
    const abort = () => {
      controller.abort();
    };
    ask.signal?.addEventListener("abort", abort);
    if (ask.signal?.aborted) abort();
    const timer = setTimeout(abort, TIMEOUT);
    try {
      const answer = await this.open(visitor, path, { ...ask, signal: controller.signal });
      return (answer.status === 204 ? undefined : await answer.json()) as T;
    } catch (error) {
      throw error instanceof SyncError ? error : new SyncError(String(error), "network");
    } finally {
      clearTimeout(timer);
      ask.signal?.removeEventListener("abort", abort);
    }
  }

  /** Asks and gives the answer unread. Throws a SyncError unless it tells of success. */
  async open(visitor: Visitor | undefined, path: string, ask: Ask): Promise<Response> {
    let answer = await this.#ask(visitor, path, ask, false);
    if ((answer.status === 401 || answer.status === 403) && this.token && isUser(visitor)) {
      await answer.body?.cancel();
      answer = await this.#ask(visitor, path, ask, true);
    }
    if (!answer.ok) throw await refusal(answer);
    return answer;
  }

  async #ask(
    visitor: Visitor | undefined,
    path: string,
    ask: Ask,
    refresh: boolean,
  ): Promise<Response> {
    const url = new URL(`${this.#base}/api/${path}`);
    const headers = new Headers();
    if (isUser(visitor)) {
      url.searchParams.set("user_id", visitor.userId);
      const token = await this.token?.(refresh);
      if (token) headers.set("Authorization", `Bearer ${token}`);
    } else if (visitor) headers.set("Authorization", `Anon ${visitor.anonId}`);
    for (const [name, value] of Object.entries(ask.query ?? {}))
      if (value !== undefined) url.searchParams.set(name, String(value));
    if (ask.lenient) headers.set("Prefer", "handling=lenient");
    let body: BodyInit | undefined;
    if (ask.body !== undefined) {
      headers.set("Content-Type", "application/json");
      const text = JSON.stringify(ask.body);
      body = text;
      if (text.length > GZIP_FROM && typeof CompressionStream !== "undefined") {
        headers.set("Content-Encoding", "gzip");
        const packed = new Blob([text]).stream().pipeThrough(new CompressionStream("gzip"));
        body = await new Response(packed).arrayBuffer();
      }
    }
    try {
      const answer = await this.#fetch(url, {
        method: ask.method ?? (body === undefined ? "GET" : "POST"),
        headers,
        cache: "no-store",
        ...(body === undefined ? {} : { body }),
        ...(ask.signal ? { signal: ask.signal } : {}),
      });
      const date = Date.parse(answer.headers.get("Date") ?? "");
      // The header has whole seconds: the moment was half a second later on average.
      if (!isNaN(date)) this.#onDate(date + 500, this.#clock());
      return answer;
    } catch (error) {
      throw new SyncError(String(error), "network");
    }
  }
}

function isUser(visitor: Visitor | undefined): visitor is { userId: string } {
  return visitor !== undefined && "userId" in visitor;
}

async function refusal(answer: Response): Promise<SyncError> {
  const { status } = answer;
  const told = (await answer.json().catch(() => ({}))) as Partial<Schemas["Error"]>;
  const code = told.code ?? `http_${status}`;
  const details: SyncErrorDetails = { status, places: told.details ?? [] };
  const again = answer.headers.get("Retry-After");
  if (again) details.retryAfter = /^\d+$/.test(again) ? Number(again) * 1000 : 0;
  const reason = REASONS[code] ?? (status === 401 || status === 403 ? "unauthorized" : undefined);
  if (reason) details.reason = reason;
  else if (status < 500 && ![408, 413, 425, 429].includes(status) && !HANDLED.includes(code))
    details.reason = "refused";
  return new SyncError(told.error ?? `The server answered ${status}`, code, details);
}
