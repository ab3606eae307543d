import type { Conversation } from "@convosync/client";
import { liveQuery } from "dexie";
import { useEffect, useMemo, useState } from "react";
import type { ChatDatabase } from "./database";

/** A conversation and when something was last said in it, in milliseconds of Unix time. */
export interface Active {
  conversation: Conversation;
  at: number;
}

/** How long to wait at least between two looks at what was said last, in milliseconds. */
const LOOK_EVERY = 1000;

/** How many conversations are looked at in one go; more would keep the page from answering. */
const AT_ONCE = 20;

/**
 * The conversations, the last active one first. A conversation's own `updated_at` is not touched by its messages, so
 * that a new message on one device and a new title on another never compete; what was said last is looked up instead.
 */
export function useActive(
  db: ChatDatabase,
  conversations: Conversation[] | undefined,
): Active[] | undefined {
  const last = useLastSaid(db);
  return useMemo(
    () =>
      conversations
        ?.map((conversation) => ({
          conversation,
          at: last.get(conversation.id) ?? (Date.parse(conversation.created_at ?? "") || 0),
        }))
        .sort((a, b) => b.at - a.at || (a.conversation.id < b.conversation.id ? -1 : 1)),
    [conversations, last],
  );
}

function useLastSaid(db: ChatDatabase): ReadonlyMap<string, number> {
  const [last, setLast] = useState<ReadonlyMap<string, number>>(new Map());
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let stopped = false;
    const look = async () => {
      timer = undefined;
      const found = await lastSaid(db);
      if (!stopped) setLast(found);
    };
    // Counts change with what is added or deleted, not with every piece of an answer that is being written.
    const subscription = liveQuery(() => db.messages.count()).subscribe(() => {
      timer ??= setTimeout(() => void look().catch(() => undefined), LOOK_EVERY);
    });
    void look().catch(() => undefined);
    return () => {
      stopped = true;
      subscription.unsubscribe();
      clearTimeout(timer);
    };
  }, [db]);
  return last;
}

async function lastSaid(db: ChatDatabase): Promise<Map<string, number>> {
  const last = new Map<string, number>();
  const ids = await db.conversations.toCollection().primaryKeys();
  for (let from = 0; from < ids.length; from += AT_ONCE) {
    await db.transaction("r", db.messages, () =>
      Promise.all(
        ids.slice(from, from + AT_ONCE).map(async (id) => {
          const [key] = await db.messages
            .where("[conversation_id+timestamp]")
            .between([id, ""], [id, "\uffff"])
            .reverse()
            .limit(1)
            .keys();
          const at = Date.parse((key as [string, string] | undefined)?.[1] ?? "");
          if (at) last.set(id, at);
        }),
      ),
    );
  }
  return last;
}

/** What was active, under the headings of the side bar, in the order given. */
export function byPeriod(active: Active[], now: Date): [period: string, members: Active[]][] {
  const midnight = new Date(now.getFullYear(), now.getMonth(), now.getDate()).getTime();
  const periods = new Map<string, Active[]>();
  for (const one of active) {
    const period = periodOf((midnight - one.at) / 86_400_000);
    const members = periods.get(period);
    if (members) members.push(one);
    else periods.set(period, [one]);
  }
  return [...periods];
}

function periodOf(daysBeforeToday: number): string {
  if (daysBeforeToday <= 0) return "Today";
  if (daysBeforeToday <= 1) return "Yesterday";
  return daysBeforeToday <= 7 ? "The last seven days" : "Earlier";
}
