import type { Conversation } from "@convosync/client";

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
