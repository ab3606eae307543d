import type { Message } from "../types.js";
import { isObject, valueOf } from "./message.js";

/** Who says what. */
export interface Said {
  /** `user`, `assistant`, `system`, `tool`, or what the app's vendor calls it. */
  role: string;
  /** The words; empty for a message of tool calls or files alone. */
  text: string;
  /** The path of the field that has the words, such as `output.output_content_text`, for whoever edits them. */
  field: string;
}

type Asked = [role: string, field: string, unnamed: string];
// Where a message that says nothing would have its words.
const unsaid: Asked = ["request.request_messages_role", "request.request_messages_content", "user"];
const asked: Asked[] = [
  unsaid,
  ["request.request_messages_user_role", "request.request_messages_user_content", "user"],
  ["", "request.request_input", "user"],
  ["request.request_messages_system_role", "request.request_messages_system_content", "system"],
  ["", "request.request_system_prompt", "system"],
];

/**
 * What is said in a message, in order, whoever made it: what was asked and what was answered. A
 * message of a single speaker gives one; one that holds a whole turn gives two.
 */
export function saidIn(message: Message): Said[] {
  const said: Said[] = [];
  const found = asked.find(([, text]) => typeof valueOf(message, text) === "string");
  const [role, field, unnamed] = found ?? unsaid;
  // A request that only tells the settings of an answer says nothing.
  if (isObject(message.request) && (found !== undefined || !isObject(message.output))) {
    said.push(side(message, role, unnamed, field));
  }
  if (isObject(message.output)) {
    said.push(side(message, "output.output_role", "assistant", "output.output_content_text"));
  }
  return said;
}

/** The words of a message: of the answer where it has one, else of what was asked; else empty. */
export function textOf(message: Message): string {
  return saidIn(message).at(-1)?.text ?? "";
}

/** Who says what {@link textOf} gives: `assistant`, `user`, `system`, `tool`; else `user`. */
export function roleOf(message: Message): string {
  return saidIn(message).at(-1)?.role ?? "user";
}

function side(message: Message, role: string, unnamed: string, field: string): Said {
  return { role: words(message, role, unnamed), text: words(message, field, ""), field };
}

function words(message: Message, field: string, otherwise: string): string {
  const value = valueOf(message, field);
  return typeof value === "string" ? value : otherwise;
}
