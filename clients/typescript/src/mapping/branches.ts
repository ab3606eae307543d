import type { Message } from "../types.js";
import { sameId, valueOf } from "./message.js";

/**
 * The messages of one branch of a conversation, from its first to a leaf, in order. Branches are told
 * by the unknown field `parent_id`: the `message_id` of the message that one answers or follows. In a
 * conversation where none has it, all messages are one branch, in the order of their `timestamp`.
 *
 * @param messages The messages of one conversation, in any order.
 * @param leaf The `message_id` of the last one; without it, or where there is no such message, the
 *   newest.
 */
export function branchTo<M extends Message>(messages: readonly M[], leaf?: string): M[] {
  const sorted = [...messages].sort(byTime);
  if (!sorted.some((message) => parentOf(message) !== undefined)) {
    const end = sorted.findIndex((message) => idOf(message) === sameId(leaf ?? ""));
    return end < 0 ? sorted : sorted.slice(0, end + 1);
  }
  const byId = new Map(sorted.map((message) => [idOf(message), message]));
  const branch = new Set<M>();
  let next = byId.get(sameId(leaf ?? "")) ?? sorted.at(-1);
  // A parent that is deleted or not here yet ends the way up; so does a ring, which only a fault makes.
  while (next !== undefined && !branch.has(next)) {
    branch.add(next);
    next = byId.get(parentOf(next) ?? "");
  }
  return [...branch].reverse();
}

/**
 * The messages that stand in the same place as this one, in the order of their `timestamp`, itself
 * among them: the answers to one question, or the versions of one question.
 */
export function siblingsOf<M extends Message>(messages: readonly M[], message: M): M[] {
  const isTree = messages.some((other) => parentOf(other) !== undefined);
  if (!isTree) return [message];
  const parent = parentOf(message);
  return messages.filter((other) => parentOf(other) === parent).sort(byTime);
}

function parentOf(message: Message): string | undefined {
  const parent = valueOf(message, "parent_id");
  return typeof parent === "string" ? sameId(parent) : undefined;
}

function idOf(message: Message): string {
  return sameId(message.message_id);
}

/** By time; one whose time nobody has told yet is the newest. Then by id, so that all agree. */
function byTime(a: Message, b: Message): number {
  const time = (message: Message) => Date.parse(message.timestamp ?? "") || Infinity;
  const [first, second] = [time(a), time(b)];
  if (first !== second) return first < second ? -1 : 1;
  return a.message_id < b.message_id ? -1 : 1;
}
