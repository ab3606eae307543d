import { isObject } from "./message.js";

/** What is needed of a chunk of a streamed completion. */
export interface ChatChunkLike {
  id: string;
  choices: readonly { index: number; delta: object; finish_reason: unknown }[];
}

/** What is told again, not continued, when a later chunk has it, too. */
const whole = new Set(["id", "type", "role", "name", "index", "object", "model"]);

/**
 * The completion so far with one chunk more; it changes neither. While a choice is written, its
 * `finish_reason` is null, and so the message made of it is `in_progress`. Strings of a delta that
 * the API does not document (as `reasoning_content`) are continued like its content.
 *
 * ```ts
 * let completion;
 * for await (const chunk of stream) completion = addChatChunk(completion, chunk);
 * ```
 */
export function addChatChunk<C extends object = object>(
  completion: C | undefined,
  chunk: ChatChunkLike,
): C {
  const { choices: deltas, ...about } = chunk;
  const before = (completion ?? { choices: [] }) as { choices: Record<string, unknown>[] };
  const choices = [...before.choices];
  for (const { index, delta, ...end } of deltas) {
    const place = choices.findIndex((choice) => choice["index"] === index);
    const choice = choices[place] ?? {
      index,
      finish_reason: null,
      logprobs: null,
      message: { role: "assistant", content: null, refusal: null },
    };
    const next = { ...merge(choice, end), message: merge(choice["message"], delta) };
    choices.splice(place < 0 ? choices.length : place, 1, next);
  }
  choices.sort((a, b) => Number(a["index"]) - Number(b["index"]));
  const told = Object.entries(about).filter(([, value]: [string, unknown]) => value !== null);
  return { ...before, ...Object.fromEntries(told), object: "chat.completion", choices } as never;
}

/** An object with what a delta adds to it. */
function merge(old: unknown, delta: object): Record<string, unknown> {
  const merged: Record<string, unknown> = isObject(old) ? { ...old } : {};
  for (const [key, value] of Object.entries(delta) as [string, unknown][]) {
    if (value !== null && value !== undefined) merged[key] = add(key, merged[key], value);
    else merged[key] ??= value;
  }
  return merged;
}

function add(key: string, old: unknown, value: unknown): unknown {
  if (key === "tool_calls" && Array.isArray(value)) return addCalls(old, value);
  if (Array.isArray(value)) {
    return [...(Array.isArray(old) ? (old as unknown[]) : []), ...(value as unknown[])];
  }
  if (isObject(value)) return merge(old, value);
  if (typeof value !== "string" || typeof old !== "string") return value;
  return whole.has(key) ? value || old : old + value;
}

/** Calls are continued by their index, which is their place in the finished message. */
function addCalls(old: unknown, deltas: unknown[]): unknown[] {
  const calls = Array.isArray(old) ? [...(old as unknown[])] : [];
  for (const delta of deltas) {
    if (!isObject(delta)) continue;
    const { index, ...call } = delta;
    const place = typeof index === "number" && index < calls.length ? index : calls.length;
    calls[place] = merge(calls[place], call);
  }
  return calls;
}
