import { useLiveQuery } from "dexie-react-hooks";
import type { Conversation } from "@convosync/client";
import type { ChatDatabase } from "./database";

/** A conversation and when something was last said in it, in milliseconds of Unix time. */
export interface Active {
  conversation: Conversation;
  at: number;
}

/**
 * The conversations, the last active one first. A conversation's own `updated_at` is not touched by its messages, so
 * that a new message on one device and a new title on another never compete; what was said last is looked up instead.
 */
export function useActive(
  db: ChatDatabase,
  conversations: Conversation[] | undefined,
): Active[] | undefined {
  const ids = conversations?.map((conversation) => conversation.id).join("\n");
  // Only keys of the index are read: a streaming answer, which does not change them, does not run this again.
  const last = useLiveQuery(() => lastSaid(db, ids ? ids.split("\n") : []), [db, ids]);
  if (!conversations) return undefined;
  return conversations
    .map((conversation) => ({
      conversation,
      at: Date.parse(last?.get(conversation.id) ?? conversation.created_at ?? "") || 0,
    }))
    .sort((a, b) => b.at - a.at || (a.conversation.id < b.conversation.id ? -1 : 1));
}

async function lastSaid(db: ChatDatabase, ids: string[]): Promise<Map<string, string>> {
  const last = new Map<string, string>();
  await db.transaction("r", db.messages, () =>
    Promise.all(
      ids.map(async (id) => {
        const [key] = await db.messages
          .where("[conversation_id+timestamp]")
          .between([id, ""], [id, "\uffff"])
          .reverse()
          .limit(1)
          .keys();
        const timestamp = (key as [string, string] | undefined)?.[1];
        if (timestamp !== undefined) last.set(id, timestamp);
      }),
    ),
  );
  return last;
}

/** The heading under which the side bar lists what was active then. */
export function periodOf(at: number, now: Date): string {
  const midnight = new Date(now.getFullYear(), now.getMonth(), now.getDate());
  const days = (midnight.getTime() - at) / 86_400_000;
  if (days <= 0) return "Today";
  if (days <= 1) return "Yesterday";
  return days <= 7 ? "The last seven days" : "Earlier";
}

/** What was active, by the period that it falls into, in the order given. */
export function byPeriod(active: Active[], now: Date): [period: string, members: Active[]][] {
  const periods = new Map<string, Active[]>();
  for (const one of active) {
    const period = periodOf(one.at, now);
    const members = periods.get(period);
    if (members) members.push(one);
    else periods.set(period, [one]);
  }
  return [...periods];
}
