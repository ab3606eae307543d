import type { Message } from "../types.js";
import { askedAt, copyUsage, itemsAt, moveImage, refusalsAt, textsAt } from "./content.js";
import type { Base, MappedMessage, OutputStatus } from "./message.js";
import { formatOf, Packing, restore } from "./native.js";
import { roleOf, textOf } from "./show.js";

const ITEM = "openai/response-item@1";
const RESPONSE = "openai/response@1";

/** A call of OpenAI's Responses: what was sent, where it is to be kept, and what came. */
export interface ResponseCall<Request extends object = object, Response extends object = object> {
  /** The body of the request. Leave the items of earlier turns out: they are messages themselves. */
  request?: Request;
  response: Response;
}

/**
 * Our message of a single item of Responses, of its input or its output: a message, reasoning, the
 * call of a tool or what it gave.
 *
 * @param status How far it is where the item does not say; `completed` if not given.
 * @throws TypeError where neither the base nor the item has an id.
 */
export function fromResponseItem(
  item: object,
  base: Base,
  status: OutputStatus = "completed",
): MappedMessage {
  const packing = new Packing(ITEM, item, base);
  packing.idElse("/id");
  const role = packing.get("/role");
  const type = packing.get("/type");
  moveImage(packing, "/content");
  if (typeof role === "string" && role !== "assistant") {
    packing.copy({ "request.request_messages_role": role });
    packing.texts("request.request_messages_content", textsAt(item, "/content"));
  } else if (typeof type === "string" && type.endsWith("_output")) {
    packing.copy({ "request.request_messages_role": "tool" });
    packing.texts("request.request_messages_content", textsAt(item, "/output"));
  } else {
    const texts = type === "reasoning" ? [] : saidBy(item, "");
    packing.copy({
      "output.output_type": type ?? "message",
      "output.output_id": packing.get("/id"),
      "output.output_role": "assistant",
      "output.output_status": packing.get("/status") ?? status,
      "output.output_content_type": contentType(texts),
      "output.output_content_annotations": packing.get("/content/0/annotations"),
    });
    packing.texts("output.output_content_text", texts);
    if (type === "reasoning") packing.texts("response.reasoning_summary", textsIn(item, ""));
  }
  return packing.message();
}

/** The pointers of the words of an output message at the pointer: its texts, else its refusals. */
function saidBy(value: unknown, at: string): string[] {
  const texts = textsAt(value, `${at}/content`);
  return texts.length > 0 ? texts : refusalsAt(value, `${at}/content`);
}

/** The pointers of what a reasoning item discloses. */
function textsIn(value: unknown, at: string): string[] {
  return itemsAt(value, `${at}/summary`, ({ text }) => typeof text === "string").map(
    (summary) => `${summary}/text`,
  );
}

function contentType(texts: string[]): string | undefined {
  if (texts.length === 0) return undefined;
  return texts.every((text) => text.endsWith("/refusal")) ? "refusal" : "output_text";
}

/** The item that the message was made from; of a message from elsewhere its role and its words. */
// The caller names the type, of items of the input or the output.
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters
export function toResponseItem<I extends object = object>(message: Message): I {
  if (formatOf(message) === ITEM) return restore(message) as I;
  const role = roleOf(message) === "tool" ? "assistant" : roleOf(message);
  return { type: "message", role, content: textOf(message) } as unknown as I;
}

/**
 * Our message of a call of Responses, a whole turn: the request where it is given, and the response
 * with all its items.
 *
 * @throws TypeError where neither the base nor the response has an id.
 */
export function fromResponse(call: ResponseCall, base: Base): MappedMessage {
  const packing = new Packing(RESPONSE, call, base);
  packing.idElse("/response/id");
  const asked = (key: string) => packing.get(`/request/${key}`);
  const got = (key: string) => packing.get(`/response/${key}`);
  packing.copy({
    "request.request_model": asked("model"),
    "request.request_temperature": asked("temperature"),
    "request.request_top_p": asked("top_p"),
    "request.request_stream": asked("stream"),
    "request.request_max_tokens": asked("max_output_tokens"),
    "response.response_id": got("id"),
    "response.object": got("object"),
    "response.model": got("model"),
    "response.created_at": got("created_at"),
    "response.status": got("status"),
    "response.error": got("error"),
    "response.incomplete_details": got("incomplete_details"),
    "response.max_output_tokens": got("max_output_tokens"),
    "response.parallel_tool_calls": got("parallel_tool_calls"),
    "response.previous_response_id": got("previous_response_id"),
    "response.reasoning_effort": got("reasoning/effort"),
    "response.store": got("store"),
    "response.temperature": got("temperature"),
    "response.top_p": got("top_p"),
    "response.text_format_type": got("text/format/type"),
    "response.tool_choice": got("tool_choice"),
    "response.truncation": got("truncation"),
    "response.user": got("user"),
    "response.metadata": got("metadata"),
  });
  packing.move("response.instructions", "/response/instructions", "/request/instructions");
  packing.move("response.tools", "/response/tools");
  packing.move("request.request_input", "/request/input");
  askedAt(packing, "/request/input");
  copyUsage(
    packing,
    got("usage/input_tokens"),
    got("usage/output_tokens"),
    got("usage/total_tokens"),
  );
  output(packing);
  return packing.message();
}

function output(packing: Packing): void {
  const call = { response: packing.get("/response") };
  const messages = itemsAt(call, "/response/output", ({ type }) => type === "message");
  const reasoning = itemsAt(call, "/response/output", ({ type }) => type === "reasoning");
  const texts = messages.flatMap((message) => saidBy(call, message));
  const annotations = messages.flatMap((message) =>
    itemsAt(call, `${message}/content`, ({ annotations }) => Array.isArray(annotations)).flatMap(
      (part) => packing.get(`${part}/annotations`),
    ),
  );
  packing.copy({
    "output.output_type": "message",
    "output.output_id": messages[0] && packing.get(`${messages[0]}/id`),
    "output.output_role": "assistant",
    "output.output_status": packing.get("/response/status"),
    "output.output_content_type": contentType(texts),
    "output.output_content_annotations": annotations.length > 0 ? annotations : undefined,
  });
  // The SDK adds `output_text` to a response: of a single text the same once more.
  if (texts.length === 1 && texts[0] !== undefined) {
    packing.move("output.output_content_text", texts[0], "/response/output_text");
  } else packing.texts("output.output_content_text", texts);
  packing.texts(
    "response.reasoning_summary",
    reasoning.flatMap((item) => textsIn(call, item)),
  );
}

/** The call that the message was made from; undefined for a message that was not made from one. */
// The caller names the type of the call.
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters
export function toResponse<C extends ResponseCall = ResponseCall>(message: Message): C | undefined {
  return formatOf(message) === RESPONSE ? (restore(message) as C) : undefined;
}
