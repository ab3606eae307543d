import type { components } from "./api/schema.js";
import { SyncError, type SyncErrorDetails, asSyncError } from "./errors.js";
import type { StuckReason, SyncOptions } from "./types.js";

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

/** Whom a request is for; nobody where a visitor is to be made. */
export interface Identity {
  anonId?: string;
  userId?: string;
}

/** What to ask; what has a body is a POST. */
export interface Ask {
  method?: string;
  body?: unknown;
  signal: AbortSignal;
}

/** Asks the server, with the visitor's proof. */
export type Api = ReturnType<typeof createApi>;

/** `onDate` hears what the server's clock says at each answer. */
export function createApi(options: SyncOptions, onDate: (server: number) => void) {
  const base = options.url.replace(/\/+$/, "");
  const askFor = options.fetch ?? fetch;

  const api = {
    /** Gives the user's token. */
    token: options.token,

    /** Asks and reads the answer as JSON; null for an empty one. Throws a SyncError. */
    async json<T>(of: Identity, path: string, ask: Ask): Promise<T> {
      const signal = AbortSignal.any([ask.signal, AbortSignal.timeout(TIMEOUT)]);
      const answer = await api.open(of, path, { ...ask, signal });
      return answer
        .text()
        .then((text) => JSON.parse(text || "null") as T)
        .catch(notReached);
    },

    /** Asks and gives the answer unread. Throws a SyncError unless it tells of success. */
    async open(of: Identity, path: string, ask: Ask): Promise<Response> {
      const isRefused = ({ status }: Response) => status === 401 || status === 403;
      let answer = await request(of, path, ask, false).catch(notReached);
      if (isRefused(answer) && api.token && of.userId !== undefined)
        answer = await request(of, path, ask, true).catch(notReached);
      if (!answer.ok) throw await refusal(answer);
      return answer;
    },
  };
  return api;

  async function request(
    { userId, anonId }: Identity,
    path: string,
    { method, body, signal }: Ask,
    refresh: boolean,
  ): Promise<Response> {
    const url = new URL(`${base}/api/${path}`);
    const headers = new Headers();
    const init: RequestInit = { headers, signal, cache: "no-store" };
    if (userId !== undefined) {
      url.searchParams.set("user_id", userId);
      const token = await api.token?.(refresh);
      if (token) headers.set("Authorization", `Bearer ${token}`);
    } else if (anonId !== undefined) headers.set("Authorization", `Anon ${anonId}`);
    if (method) init.method = method;
    if (body) {
      init.method = "POST";
      headers.set("Content-Type", "application/json");
      headers.set("Prefer", "handling=lenient");
      const text = JSON.stringify(body);
      init.body = text;
      if (text.length > GZIP_FROM) {
        headers.set("Content-Encoding", "gzip");
        const packed = new Blob([text]).stream().pipeThrough(new CompressionStream("gzip"));
        init.body = await new Response(packed).arrayBuffer();
      }
    }
    const answer = await askFor(url, init);
    const date = Date.parse(answer.headers.get("Date") ?? "");
    // The header has whole seconds: the moment was half a second later on average.
    if (date) onDate(date + 500);
    return answer;
  }
}

function notReached(error: unknown): never {
  throw asSyncError(error, "network");
}

async function refusal(answer: Response): Promise<SyncError> {
  const { status } = answer;
  const told = (await answer.json().catch(() => ({}))) as Partial<Schemas["Error"]>;
  const code = told.code ?? `http_${status}`;
  const details: SyncErrorDetails = { status, places: told.details ?? [] };
  const again = answer.headers.get("Retry-After");
  if (again) details.retryAfter = Number(again) * 1000 || 0;
  const reason = REASONS[code] ?? (status === 401 || status === 403 ? "unauthorized" : undefined);
  // These are only to be tried again, or in smaller parts.
  const passes =
    status >= 500 || [408, 413, 425, 429].includes(status) || code === "body_incomplete";
  if (reason) details.reason = reason;
  else if (!passes) details.reason = "refused";
  return new SyncError(told.error ?? `The server answered ${status}`, code, details);
}

/** The text of an answer, as it comes. */
export async function* textOf(answer: Response): AsyncGenerator<string, void, undefined> {
  const body = answer.body as ReadableStream<Uint8Array<ArrayBuffer>>;
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}
