import { isObject, type OutputStatus } from "./message.js";
import type { Packing } from "./native.js";
import { get } from "./pointer.js";

/** What the vendors' contents have in common: a text, or a list of parts of which some are texts. */

const textTypes = new Set(["text", "input_text", "output_text"]);

/** The list at the pointer; empty where there is none. */
export function listAt(value: unknown, pointer: string): unknown[] {
  const list = get(value, pointer);
  return Array.isArray(list) ? list : [];
}

/** The pointers of those items of the list at the pointer that pass the test. */
export function itemsAt(
  value: unknown,
  pointer: string,
  test: (item: Record<string, unknown>) => boolean,
): string[] {
  return listAt(value, pointer).flatMap((item, index) =>
    isObject(item) && test(item) ? [`${pointer}/${String(index)}`] : [],
  );
}

/** The pointers of the texts of the content at the pointer. */
export function textsAt(value: unknown, pointer: string): string[] {
  if (typeof get(value, pointer) === "string") return [pointer];
  return itemsAt(
    value,
    pointer,
    (part) => textTypes.has(String(part["type"])) && typeof part["text"] === "string",
  ).map((part) => `${part}/text`);
}

/** The pointers of the refusals among the parts of the content at the pointer. */
export function refusalsAt(value: unknown, pointer: string): string[] {
  return itemsAt(value, pointer, (part) => typeof part["refusal"] === "string").map(
    (part) => `${part}/refusal`,
  );
}

/** Moves the URL of the first image of the content at the pointer to `img`. */
export function moveImage(packing: Packing, pointer: string): void {
  const parts = packing.get(pointer);
  for (const part of itemsAt({ parts }, "/parts", ({ type }) => /image/.test(String(type)))) {
    const at = pointer + part.slice("/parts".length);
    const url = ["/image_url/url", "/image_url", "/source/url", "/url"].find(
      (key) => typeof packing.get(at + key) === "string",
    );
    if (url !== undefined) {
      packing.move("img", at + url);
      return;
    }
  }
}

/**
 * Fills what was asked from the list of messages at the pointer: the last message, the system's, and
 * the user's where it is not the last.
 */
export function askedAt(packing: Packing, pointer: string): void {
  const messages = packing.get(pointer);
  const last = listAt({ messages }, "/messages").length - 1;
  const find = (...roles: string[]) =>
    itemsAt({ messages }, "/messages", ({ role }) => roles.includes(String(role)))
      .map((found) => pointer + found.slice("/messages".length))
      .filter((found) => found !== `${pointer}/${String(last)}`);
  const texts = (at: string) => textsAt(packing.get(at), "/content").map((text) => at + text);
  if (last < 0) return;
  const lastAt = `${pointer}/${String(last)}`;
  packing.copy({ "request.request_messages_role": packing.get(`${lastAt}/role`) });
  packing.texts("request.request_messages_content", texts(lastAt));
  moveImage(packing, `${lastAt}/content`);
  const system = find("system", "developer")[0];
  if (system !== undefined) {
    packing.copy({ "request.request_messages_system_role": packing.get(`${system}/role`) });
    packing.texts("request.request_messages_system_content", texts(system));
  }
  const user = find("user").at(-1);
  if (user !== undefined && packing.get(`${lastAt}/role`) !== "user") {
    packing.copy({ "request.request_messages_user_role": "user" });
    packing.texts("request.request_messages_user_content", texts(user));
  }
}

/** Fills the usage that is told as input, output and total, under whatever names. */
export function copyUsage(packing: Packing, input: unknown, output: unknown, total?: unknown) {
  const sum = typeof input === "number" && typeof output === "number" ? input + output : undefined;
  packing.copy({
    "response.usage_input_tokens": input,
    "response.usage_output_tokens": output,
    "response.usage_total_tokens": total ?? sum,
  });
}

/** The vendors' reasons to stop before the end. */
const cuts = new Set<unknown>([
  "length",
  "content_filter",
  "max_tokens",
  "model_context_window_exceeded",
  "refusal",
]);

/** How far an answer is whose model stopped for that reason; null while it still writes. */
export function statusOf(reason: unknown): OutputStatus {
  if (reason === null) return "in_progress";
  return cuts.has(reason) ? "incomplete" : "completed";
}
