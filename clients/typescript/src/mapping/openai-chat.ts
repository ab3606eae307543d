import type { Message } from "../types.js";
import { askedAt, copyUsage, listAt, moveImage, refusalsAt, statusOf, textsAt } from "./content.js";
import type { Base, MappedMessage, OutputStatus } from "./message.js";
import { formatOf, Packing, restore } from "./native.js";
import { roleOf, textOf } from "./show.js";

const MESSAGE = "openai/chat-message@1";
const COMPLETION = "openai/chat-completion@1";

/** What is needed of a message of OpenAI's Chat Completions, sent or received. */
export interface ChatMessageLike {
  role: string;
}

/** A call of Chat Completions: what was sent, where it is to be kept, and what came. */
export interface ChatCompletionCall<
  Request extends object = object,
  Completion extends object = object,
> {
  /** The body of the request. Leave the messages of earlier turns out: they are messages themselves. */
  request?: Request;
  completion: Completion;
}

/**
 * Our message of a single message of Chat Completions.
 *
 * @param status How far an assistant's answer is; `completed` if not given.
 * @throws TypeError where the base has no `message_id`.
 */
export function fromChatMessage(
  chat: ChatMessageLike,
  base: Base,
  status: OutputStatus = "completed",
): MappedMessage {
  const packing = new Packing(MESSAGE, chat, base);
  moveImage(packing, "/content");
  if (chat.role === "assistant") answer(packing, "", status);
  else {
    packing.copy({ "request.request_messages_role": chat.role });
    packing.texts("request.request_messages_content", textsAt(chat, "/content"));
  }
  return packing.message();
}

/** Fills the output from the assistant's message at the pointer. */
function answer(packing: Packing, at: string, status: OutputStatus): void {
  const message = packing.get(at);
  const texts = textsAt(message, "/content");
  const refusals =
    texts.length > 0 ? [] : [...refusalsAt(message, "/content"), ...topRefusal(packing, at)];
  packing.copy({
    "output.output_type": "message",
    "output.output_role": "assistant",
    "output.output_status": status,
    "output.output_content_annotations": packing.get(`${at}/annotations`),
  });
  if (texts.length > 0) packing.copy({ "output.output_content_type": "output_text" });
  else if (refusals.length > 0) packing.copy({ "output.output_content_type": "refusal" });
  packing.texts(
    "output.output_content_text",
    [...texts, ...refusals].map((text) => at + text),
  );
}

function topRefusal(packing: Packing, at: string): string[] {
  return typeof packing.get(`${at}/refusal`) === "string" ? ["/refusal"] : [];
}

/** The message that ours was made from; of one from elsewhere its role and its words. */
// The caller names the type, of messages sent or received.
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters
export function toChatMessage<M extends ChatMessageLike = ChatMessageLike>(message: Message): M {
  if (formatOf(message) === MESSAGE) return restore(message) as M;
  return { role: roleOf(message), content: textOf(message) } as unknown as M;
}

/**
 * Our message of a call, a whole turn: the request where it is given, and the first choice. The
 * other choices are kept and not shown; an app that shows them makes a message of each, with the
 * same `parent_id`.
 *
 * @throws TypeError where the base has no `message_id` and the completion's id is none.
 */
export function fromChatCompletion(call: ChatCompletionCall, base: Base): MappedMessage {
  const packing = new Packing(COMPLETION, call, base);
  packing.idElse("/completion/id");
  const asked = (key: string) => packing.get(`/request/${key}`);
  const got = (key: string) => packing.get(`/completion/${key}`);
  packing.copy({
    "request.request_model": asked("model"),
    "request.request_temperature": asked("temperature"),
    "request.request_top_p": asked("top_p"),
    "request.request_n": asked("n"),
    "request.request_stream": asked("stream"),
    "request.request_stop": asked("stop"),
    "request.request_max_tokens": asked("max_completion_tokens") ?? asked("max_tokens"),
    "response.parallel_tool_calls": asked("parallel_tool_calls"),
    "response.reasoning_effort": asked("reasoning_effort"),
    "response.store": asked("store"),
    "response.text_format_type": asked("response_format/type"),
    "response.tool_choice": asked("tool_choice"),
    "response.user": asked("user"),
    "response.metadata": asked("metadata"),
    "response.response_id": got("id"),
    "response.object": got("object"),
    "response.model": got("model"),
    "response.created_at": got("created"),
  });
  packing.move("response.tools", "/request/tools");
  askedAt(packing, "/request/messages");
  copyUsage(
    packing,
    got("usage/prompt_tokens"),
    got("usage/completion_tokens"),
    got("usage/total_tokens"),
  );
  if (listAt(call, "/completion/choices").length > 0) {
    const status = statusOf(got("choices/0/finish_reason"));
    packing.copy({ "response.status": status });
    if (status === "incomplete") {
      const reason = got("choices/0/finish_reason");
      packing.copy({ "response.incomplete_details": { reason } });
    }
    answer(packing, "/completion/choices/0/message", status);
  }
  return packing.message();
}

/** The call that the message was made from; undefined for a message that was not made from one. */
// The caller names the type of the call.
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters
export function toChatCompletion<C extends ChatCompletionCall = ChatCompletionCall>(
  message: Message,
): C | undefined {
  return formatOf(message) === COMPLETION ? (restore(message) as C) : undefined;
}
