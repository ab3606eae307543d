import type { components } from "./api/schema.js";

type Schemas = components["schemas"];
/** A type without its index signature, so that a misspelt field does not compile. */
type Known<T> = { [K in keyof T as string extends K ? never : K]: T[K] };

/**
 * A conversation as the table `conversations` holds it: the fields of the API without `messages`.
 * An app adds its own fields by extending this interface; the server keeps and returns them.
 *
 * Moments are RFC 3339 texts in UTC. `updated_at` is set by every change, `created_at` by the first one
 * unless the app sets it.
 */
export interface Conversation extends Omit<Known<Schemas["Conversation"]>, "messages"> {}

/**
 * A message as the table `messages` holds it: the fields of the API and the conversation that it is in.
 * `timestamp` is set when the message is added unless the app sets it.
 */
export interface Message extends Known<Schemas["Message"]> {
  /** The `id` of the conversation that the message is in. */
  conversation_id: string;
}

/** What was asked of the model. */
export type MessageRequest = Schemas["MessageRequest"];
/** What the model's service answered about itself. */
export type MessageResponse = Schemas["MessageResponse"];
/** What the model said. */
export type MessageOutput = Schemas["MessageOutput"];

/** Whose conversations these are. An `anonId` is a secret: whoever knows it is that visitor. */
export type Visitor = { anonId: string } | { userId: string };

/**
 * Why nothing more is sent until somebody does something:
 * - `unauthorized`: the server takes no proof that it was given; `now()` or a new token tries again.
 * - `other_user`: the local data is another user's; `signOut()` first.
 * - `erased`: the visitor was erased.
 * - `merged`: the anonymous visitor was merged into a user; `signIn()` goes on as that user.
 * - `quota`: the visitor has all that it may have; what others change is still pulled.
 * - `refused`: the server refuses the requests as such; `message` tells why.
 */
export type StuckReason = "unauthorized" | "other_user" | "erased" | "merged" | "quota" | "refused";

/** How the sync is. */
export interface SyncStatus {
  /** `offline` also while the server cannot serve; it is tried again by itself. */
  state: "idle" | "syncing" | "offline" | "stuck";
  /** Why it is `stuck`. */
  reason?: StuckReason;
  /** What is wrong, for people. */
  message?: string;
  /** How many conversations and messages have changes that are not sent. */
  pending: number;
  /** How many conversations and messages the server refuses. */
  rejected: number;
  /** Whose conversations these are; absent until the first contact with the server. */
  visitor?: Visitor;
  /** When everything was last sent and pulled, in milliseconds of Unix time. */
  syncedAt?: number;
}

/** A conversation or message that the server refuses. It is tried again when it is edited. */
export interface Rejected {
  /** The table of the item. */
  table: "conversations" | "messages";
  /** The conversation, or the one that the message is in. */
  conversation_id: string;
  /** The message; empty for a conversation. */
  message_id: string;
  /** The faulty field within the item, such as `vote`; empty where it is the item as a whole. */
  path: string;
  /** What is wrong with it, for people. */
  message: string;
  /** When it was refused, in milliseconds of Unix time. */
  at: number;
}

/** Gives the token of the user. `refresh` is true if the last one was not taken. */
export type TokenSource = (refresh: boolean) => string | undefined | Promise<string | undefined>;

/** How to sync. */
export interface SyncOptions {
  /** The URL of the server, such as `https://sync.example`. */
  url: string;
  /** The user whose conversations these are. Without it the visitor is who it was, at first anonymous. */
  userId?: string;
  /** Gives the user's token, where the server asks for one. */
  token?: TokenSource;
  /** How long to wait between two posts of what keeps changing, in milliseconds; 1000 if not given. */
  pace?: number;
  /** Used instead of the global `fetch`. */
  fetch?: typeof fetch;
  /** Used instead of `navigator.locks`, which decide which tab leads. */
  locks?: LockManager;
  /** Used instead of `Date.now`. */
  clock?: () => number;
}
