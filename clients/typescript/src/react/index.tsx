import { type Dexie, type Table, liveQuery } from "dexie";
import { type ReactNode, createContext, useContext, useEffect, useMemo, useState } from "react";
import type { Conversation, Message, Rejected, Sync, SyncStatus } from "../index.js";
import { isLater, moment } from "../stamps.js";

interface Shared {
  db: Dexie;
  sync: Sync;
}

const Context = createContext<Shared | undefined>(undefined);

/** What {@link ConvosyncProvider} takes. */
export interface ConvosyncProviderProps extends Shared {
  children?: ReactNode;
}

/** Gives the database and its sync to the hooks of all components inside. It does not start the sync. */
export function ConvosyncProvider({ db, sync, children }: ConvosyncProviderProps): ReactNode {
  const shared = useMemo(() => ({ db, sync }), [db, sync]);
  return <Context.Provider value={shared}>{children}</Context.Provider>;
}

/** The database and the sync that the {@link ConvosyncProvider} was given. */
export function useConvosync(): Shared {
  const shared = useContext(Context);
  if (!shared) throw new Error("There is no <ConvosyncProvider> around this component");
  return shared;
}

/** The result of a query, anew whenever it changes; undefined until it is there. Throws what the query throws. */
function useLive<T>(query: () => Promise<T>, dependencies: readonly unknown[]): T | undefined {
  const [state, setState] = useState<{ of: readonly unknown[]; value?: T; error?: unknown }>();
  useEffect(() => {
    const subscription = liveQuery(query).subscribe({
      next: (value) => {
        setState({ of: dependencies, value });
      },
      error: (error: unknown) => {
        setState({ of: dependencies, error });
      },
    });
    return () => {
      subscription.unsubscribe();
    };
    // The query is made anew by every render; it differs only where the dependencies do.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, dependencies);
  // What was found for other dependencies is not the answer to these.
  if (state?.of.some((value, i) => value !== dependencies[i])) return undefined;
  if (state?.error !== undefined) throw asError(state.error);
  return state?.value;
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

/** Which conversations, and how. */
export interface ConversationsOptions {
  /** The index to sort by; `updated_at` if not given. It must be one of the table. */
  orderBy?: string;
  /** Smallest first; otherwise, and if not given, greatest first. */
  ascending?: boolean;
  /** How many at most; all if not given. */
  limit?: number;
}

/**
 * The conversations, those that changed last first and those without a moment of a change at the end; undefined
 * until they are read.
 */
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- the app's own rows
export function useConversations<T extends Conversation = Conversation>(
  options: ConversationsOptions = {},
): T[] | undefined {
  const { db } = useConvosync();
  const { orderBy = "updated_at", ascending = false, limit = Infinity } = options;
  return useLive(async () => {
    const table = db.table<T>("conversations");
    const sorted = table.orderBy(orderBy);
    const found = await (ascending ? sorted : sorted.reverse()).limit(limit).toArray();
    if (found.length >= limit || found.length === (await table.count())) return found;
    // An index has only the rows that have its field.
    const others = table.filter((row) => row[orderBy as keyof T] === undefined);
    return [...found, ...(await others.limit(limit - found.length).toArray())];
  }, [db, orderBy, ascending, limit]);
}

/**
 * In the order of their moments; by their ids where these are the same, so that all devices show the same. As
 * texts, those with microseconds would stand before those without.
 */
function inOrder<T extends Message>(messages: T[]): T[] {
  return messages
    .map((message) => ({ message, at: moment(message.timestamp) as string }))
    .sort((a, b) => {
      if (isLater(a.at, b.at)) return 1;
      return isLater(b.at, a.at) || a.message.message_id < b.message.message_id ? -1 : 1;
    })
    .map(({ message }) => message);
}

/**
 * The messages of a conversation by the moments of their `timestamp`, oldest first; undefined until they are read.
 * The table needs the index `[conversation_id+timestamp]`.
 */
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- the app's own rows
export function useMessages<T extends Message = Message>(
  conversationId: string | undefined,
): T[] | undefined {
  const { db } = useConvosync();
  return useLive(async () => {
    if (conversationId === undefined) return [];
    const messages: Table<T> = db.table("messages");
    const found = await messages
      .where("[conversation_id+timestamp]")
      .between([conversationId], [conversationId, []])
      .toArray();
    return inOrder(found);
  }, [db, conversationId]);
}

/** How the sync is; what this tab knows of it until it is read. */
export function useSyncStatus(): SyncStatus {
  const { sync } = useConvosync();
  return useLive(() => sync.readStatus(), [sync]) ?? sync.status;
}

/** What the server refuses, with the reasons; undefined until it is read. */
export function useRejected(): Rejected[] | undefined {
  const { sync } = useConvosync();
  return useLive(() => sync.rejected.toArray(), [sync]);
}
