import type { Message, Conversation } from "@convosync/client";

/** Something said in a message, and the path of the field that has it. A message has a question, an answer, or both. */
export interface Said {
  by: "person" | "model";
  text: string;
  path: string;
}

// Of the fields that apps use for what a person has asked, the most telling one counts.
const QUESTION_FIELDS = [
  "request_messages_content",
  "request_messages_user_content",
  "request_input",
] as const;

/** What is said in a message, in the order of speaking. */
export function saidIn(message: Message): Said[] {
  const said: Said[] = [];
  const { request, output } = message;
  const field = QUESTION_FIELDS.find((name) => request?.[name]);
  if (field) said.push({ by: "person", text: request?.[field] ?? "", path: `request.${field}` });
  if (output) {
    const text = output.output_content_text ?? "";
    said.push({ by: "model", text, path: "output.output_content_text" });
  }
  return said;
}

/** A conversation's title as it is shown. */
export const titleOf = (conversation: Conversation): string =>
  conversation.title?.trim() || "Untitled conversation";

/** A title for a conversation that begins with this question: its first line, cut between words. */
export function titleFor(question: string): string {
  const line = question.trim().split("\n", 1)[0] ?? "";
  if (line.length <= 60) return line;
  const cut = line.slice(0, 60);
  return `${cut.slice(0, cut.lastIndexOf(" ") > 30 ? cut.lastIndexOf(" ") : 59)}…`;
}

/** `1 conversation`, `2 conversations`. */
export const counted = (count: number, noun: string): string =>
  `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
