import type { Message } from "../types.js";
import { copyUsage, itemsAt, moveImage, textsAt } from "./content.js";
import type { Base, MappedMessage, OutputStatus } from "./message.js";
import { formatOf, Packing, restore } from "./native.js";
import { roleOf, textOf } from "./show.js";

const FORMAT = "langchain/message@1";

/** LangChain's name for who speaks → ours. */
const roles: Record<string, string> = {
  human: "user",
  ai: "assistant",
  system: "system",
  developer: "developer",
  tool: "tool",
  function: "tool",
  HumanMessage: "user",
  AIMessage: "assistant",
  SystemMessage: "system",
  ToolMessage: "tool",
  FunctionMessage: "tool",
};

/**
 * Our message of a serialised message of LangChain, in any of its shapes: stored
 * (`{type, data}`, of `mapChatMessagesToStoredMessages` and Python's `messages_to_dict`), serialised
 * (`{lc, type: "constructor", id, kwargs}`, of `JSON.stringify`), or flat (`{type, content, …}`, of
 * LangGraph's API). A message that lives is to be serialised first.
 *
 * @param status How far an answer of the model is; `completed` if not given.
 * @throws TypeError where neither the base nor the message has an id.
 */
export function fromLangChainMessage(
  stored: object,
  base: Base,
  status: OutputStatus = "completed",
): MappedMessage {
  const packing = new Packing(FORMAT, stored, base);
  const at = ["/data", "/kwargs"].find((key) => packing.get(key) !== undefined) ?? "";
  const got = (key: string) => packing.get(`${at}/${key}`);
  packing.idElse(`${at}/id`);
  moveImage(packing, `${at}/content`);
  const role = roleIn(packing, at);
  const texts = textsAt(stored, `${at}/content`);
  if (role !== "assistant") {
    packing.copy({ "request.request_messages_role": role });
    packing.texts("request.request_messages_content", texts);
    return packing.message();
  }
  packing.copy({
    "response.response_id": got("response_metadata/id"),
    "response.model": got("response_metadata/model_name") ?? got("response_metadata/model"),
    "output.output_type": "message",
    "output.output_role": role,
    "output.output_status": status,
    "output.output_content_type": texts.length > 0 ? "output_text" : undefined,
  });
  copyUsage(
    packing,
    got("usage_metadata/input_tokens"),
    got("usage_metadata/output_tokens"),
    got("usage_metadata/total_tokens"),
  );
  packing.texts("output.output_content_text", texts);
  packing.texts("response.reasoning_summary", reasoningAt(stored, at));
  return packing.message();
}

function roleIn(packing: Packing, at: string): string {
  const id = packing.get("/id");
  const type =
    at === "/kwargs" && Array.isArray(id) ? (id.at(-1) as unknown) : packing.get("/type");
  const name = String(type).replace(/MessageChunk$/, "Message");
  const role = roles[name] ?? packing.get(`${at}/role`);
  return typeof role === "string" ? role : "user";
}

/** The pointers of what the model discloses of its reasoning. */
function reasoningAt(stored: object, at: string): string[] {
  return ["reasoning", "thinking"].flatMap((key) =>
    itemsAt(stored, `${at}/content`, (block) => typeof block[key] === "string").map(
      (block) => `${block}/${key}`,
    ),
  );
}

/**
 * The serialised message that ours was made from, in the shape that it had; of one from elsewhere a
 * stored one with its words alone.
 */
// The caller names the shape.
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters
export function toLangChainMessage<S extends object = object>(message: Message): S {
  if (formatOf(message) === FORMAT) return restore(message) as S;
  const names: Record<string, string> = { user: "human", assistant: "ai", system: "system" };
  const role = roleOf(message);
  const data = { content: textOf(message), id: message.message_id };
  const type = names[role];
  if (type !== undefined) return { type, data } as unknown as S;
  return { type: "generic", data: { ...data, role } } as unknown as S;
}
