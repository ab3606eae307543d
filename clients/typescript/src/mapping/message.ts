import type { components } from "../api/schema.js";
import type { Message } from "../types.js";
import type { Native } from "./native.js";

/** A message with the unknown fields that the mappings add to it; the server keeps them. */
export interface MappedMessage extends Message {
  /** The `message_id` of the message that this one follows or answers, where the app has branches. */
  parent_id?: string;
  /** What it keeps of the object that it was made from. */
  native?: Native;
}

/**
 * Where a message goes, and what the app knows of it beside: the row so far, or at least
 * `conversation_id`. What a mapping does not fill (`vote`, `timestamp`, `parent_id`, fields of the
 * app) stays as it is here. `message_id` may be left out where the format has an id of its own.
 */
export interface Base extends Partial<Omit<MappedMessage, "parent_id">> {
  conversation_id: string;
  /** As {@link MappedMessage.parent_id}; undefined for the first message. */
  parent_id?: string | undefined;
}

/** How far an answer is, in `output.output_status`. */
export type OutputStatus = "in_progress" | "completed" | "incomplete" | "failed" | "cancelled";

/** The keys of an object type that it names, without those that its index signature allows. */
type Named<T> = keyof {
  [K in keyof T as string extends K ? never : number extends K ? never : K]: T[K];
} &
  string;

/** A field of ours that a mapping fills: of the message, or `part.field` of one of its parts. */
export type Field =
  | "message_id"
  | "img"
  | "metadata"
  | `request.${Named<components["schemas"]["MessageRequest"]>}`
  | `response.${Named<components["schemas"]["MessageResponse"]>}`
  | `output.${Named<components["schemas"]["MessageOutput"]>}`;

/** The value of a field; undefined where the message does not have it, or has null. */
export function valueOf(message: object, field: string): unknown {
  let value: unknown = message;
  for (const key of field.split(".")) {
    value = isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;
  }
  return value ?? undefined;
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** An id as it comes back from the server: one in the form of a UUID in lower case. */
export function sameId(id: string): string {
  return UUID.test(id) ? id.toLowerCase() : id;
}

/** Whether a value is a JSON object (and no array). */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
