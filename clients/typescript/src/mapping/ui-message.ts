import type { Message } from "../types.js";
import { itemsAt, listAt, textsAt } from "./content.js";
import { isObject, type Base, type MappedMessage, type OutputStatus } from "./message.js";
import { formatOf, Packing, restore } from "./native.js";
import { roleOf, textOf } from "./show.js";

const FORMAT = "ai-sdk/ui-message@1";

/** What is needed of the AI SDK's `UIMessage`; every one of versions 5 and later fits. */
export interface UIMessageLike {
  id: string;
  role: string;
  metadata?: unknown;
  parts: readonly { type: string }[];
}

/**
 * Our message of a `UIMessage`. Its id becomes the `message_id`, unless the base has one.
 *
 * @param status How far an answer is, where the app knows better than the states of its parts do:
 *   `incomplete` after a stop, `failed` after an error.
 * @throws TypeError where neither has an id that the server takes; the AI SDK gives `""` to a message
 *   whose stream has not told one.
 */
export function fromUIMessage(ui: UIMessageLike, base: Base, status?: OutputStatus): MappedMessage {
  const packing = new Packing(FORMAT, ui, base);
  packing.id("/id");
  packing.move("metadata", "/metadata");
  const images = itemsAt(
    ui,
    "/parts",
    (part) => part["type"] === "file" && String(part["mediaType"]).startsWith("image/"),
  );
  if (images[0] !== undefined) packing.move("img", `${images[0]}/url`);
  const texts = textsAt(ui, "/parts");
  if (ui.role !== "assistant") {
    packing.copy({ "request.request_messages_role": ui.role });
    packing.texts("request.request_messages_content", texts);
    return packing.message();
  }
  const reasoning = itemsAt(ui, "/parts", (part) => part["type"] === "reasoning");
  packing.texts(
    "response.reasoning_summary",
    reasoning.map((part) => `${part}/text`),
  );
  const sources = listAt(ui, "/parts").filter(
    (part) => isObject(part) && String(part["type"]).startsWith("source-"),
  );
  packing.copy({
    "output.output_type": "message",
    "output.output_role": ui.role,
    "output.output_status": status ?? (isStreaming(ui) ? "in_progress" : "completed"),
    "output.output_content_type": texts.length > 0 ? "output_text" : undefined,
    "output.output_content_annotations": sources.length > 0 ? sources : undefined,
  });
  packing.texts("output.output_content_text", texts);
  return packing.message();
}

function isStreaming(ui: UIMessageLike): boolean {
  return ui.parts.some(
    (part) => "state" in part && (part.state === "streaming" || part.state === "input-streaming"),
  );
}

/**
 * The `UIMessage` that the message was made from; of a message from elsewhere one with its words
 * alone, which is to be shown, not written back.
 */
// The caller names the type of the app's own messages, as the AI SDK has it done everywhere.
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters
export function toUIMessage<M extends UIMessageLike = UIMessageLike>(message: Message): M {
  if (formatOf(message) === FORMAT) return restore(message) as M;
  const said = roleOf(message);
  const role = said === "user" || said === "assistant" ? said : asRole(said);
  const parts = [{ type: "text", text: textOf(message) }];
  return { id: message.message_id, role, parts } as unknown as M;
}

function asRole(role: string): string {
  return role === "system" || role === "developer" ? "system" : "assistant";
}
