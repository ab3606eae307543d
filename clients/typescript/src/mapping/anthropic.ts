import type { Message } from "../types.js";
import { askedAt, copyUsage, itemsAt, listAt, moveImage, statusOf, textsAt } from "./content.js";
import { isObject, type Base, type MappedMessage, type OutputStatus } from "./message.js";
import { formatOf, Packing, restore } from "./native.js";
import { roleOf, textOf } from "./show.js";

const MESSAGE = "anthropic/message@1";
const CALL = "anthropic/call@1";

/** What is needed of a message of Anthropic's Messages API, sent or received. */
export interface AnthropicMessageLike {
  role: string;
  content: unknown;
}

/** A call of the Messages API: what was sent, where it is to be kept, and what came. */
export interface AnthropicCall<
  Request extends object = object,
  Received extends AnthropicMessageLike = AnthropicMessageLike,
> {
  /** The body of the request. Leave the messages of earlier turns out: they are messages themselves. */
  request?: Request;
  message: Received;
}

/**
 * Our message of a single message of the Messages API. One that was received tells its model, its
 * usage and how far it is; `stop_reason` is null while it is streamed.
 *
 * @param status How far an assistant's answer is, where the app knows better than its `stop_reason`.
 * @throws TypeError where neither the base nor the message has an id.
 */
export function fromAnthropicMessage(
  message: AnthropicMessageLike,
  base: Base,
  status?: OutputStatus,
): MappedMessage {
  const packing = new Packing(MESSAGE, message, base);
  packing.idElse("/id");
  moveImage(packing, "/content");
  if (message.role === "assistant") answer(packing, "", status);
  else {
    const texts = textsAt(message, "/content");
    const results = resultsAt(message, "/content");
    const isResult = texts.length === 0 && results.length > 0;
    packing.copy({ "request.request_messages_role": isResult ? "tool" : message.role });
    packing.texts(
      "request.request_messages_content",
      isResult ? results.flatMap((result) => textsAt(message, `${result}/content`)) : texts,
    );
  }
  return packing.message();
}

/** The pointers of what tools gave. */
function resultsAt(value: unknown, pointer: string): string[] {
  return itemsAt(value, pointer, ({ type }) => type === "tool_result");
}

/** Fills response and output from the assistant's message at the pointer. */
function answer(packing: Packing, at: string, status?: OutputStatus): void {
  const got = (key: string) => packing.get(`${at}/${key}`);
  const message = packing.get(at);
  const texts = textsAt(message, "/content");
  const thinking = itemsAt(message, "/content", (block) => typeof block["thinking"] === "string");
  const citations = listAt(message, "/content").flatMap((block) =>
    isObject(block) && Array.isArray(block["citations"]) ? (block["citations"] as unknown[]) : [],
  );
  const reason = got("stop_reason");
  const stopped = statusOf(reason);
  if (got("id") !== undefined) {
    packing.copy({
      "response.response_id": got("id"),
      "response.object": got("type"),
      "response.model": got("model"),
      "response.status": status ?? stopped,
      "response.incomplete_details": stopped === "incomplete" ? { reason } : undefined,
    });
    const input = ["input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens"];
    copyUsage(
      packing,
      input.map((key) => Number(got(`usage/${key}`) ?? 0)).reduce((sum, tokens) => sum + tokens),
      got("usage/output_tokens"),
    );
  }
  packing.copy({
    "output.output_type": "message",
    "output.output_role": "assistant",
    "output.output_status": status ?? stopped,
    "output.output_content_type": texts.length > 0 ? "output_text" : undefined,
    "output.output_content_annotations": citations.length > 0 ? citations : undefined,
  });
  packing.texts(
    "output.output_content_text",
    texts.map((text) => at + text),
  );
  packing.texts(
    "response.reasoning_summary",
    thinking.map((block) => `${at}${block}/thinking`),
  );
}

/** The message that ours was made from; of one from elsewhere its role and its words. */
// The caller names the type, of messages sent or received.
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters
export function toAnthropicMessage<M extends AnthropicMessageLike = AnthropicMessageLike>(
  message: Message,
): M {
  if (formatOf(message) === MESSAGE) return restore(message) as M;
  const role = roleOf(message) === "assistant" ? "assistant" : "user";
  return { role, content: textOf(message) } as unknown as M;
}

/**
 * Our message of a call, a whole turn: the request where it is given, and the message received.
 *
 * @param status How far the answer is, where the app knows better than its `stop_reason`.
 * @throws TypeError where neither the base nor the message received has an id.
 */
export function fromAnthropicCall(
  call: AnthropicCall,
  base: Base,
  status?: OutputStatus,
): MappedMessage {
  const packing = new Packing(CALL, call, base);
  packing.idElse("/message/id");
  const asked = (key: string) => packing.get(`/request/${key}`);
  packing.copy({
    "request.request_model": asked("model"),
    "request.request_temperature": asked("temperature"),
    "request.request_top_p": asked("top_p"),
    "request.top_k": asked("top_k"),
    "request.request_stream": asked("stream"),
    "request.request_stop": asked("stop_sequences"),
    "request.request_max_tokens": asked("max_tokens"),
    "response.tool_choice": asked("tool_choice"),
    "response.user": asked("metadata/user_id"),
  });
  packing.move("response.tools", "/request/tools");
  packing.texts("request.request_system_prompt", textsAt(call, "/request/system"));
  askedAt(packing, "/request/messages");
  answer(packing, "/message", status);
  return packing.message();
}

/** The call that the message was made from; undefined for a message that was not made from one. */
// The caller names the type of the call.
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters
export function toAnthropicCall<C extends AnthropicCall = AnthropicCall>(
  message: Message,
): C | undefined {
  return formatOf(message) === CALL ? (restore(message) as C) : undefined;
}
