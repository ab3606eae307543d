import { moment } from "./stamps.js";
import type { Kind } from "./tables.js";

export type Row = Record<string, unknown>;
/** The fields of an item by their paths; those of a part are `part\0field`, and `part` tells that it is there. */
export type Flat = Map<string, unknown>;

// No name can have U+0000, so a path is never ambiguous.
const SEPARATOR = "\0";
const PARTS = ["request", "response", "output"];
/** What is not noted of an item: its ids and its stamp. */
const NOT_NOTED: Record<Kind, string[]> = {
  conversations: ["id", "updated_at"],
  messages: ["conversation_id", "message_id", "updated_at"],
};
const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i;

const isObject = (value: unknown): value is Row =>
  Object.prototype.toString.call(value) === "[object Object]";

/** Whether two JSON values are equal; null and undefined are. */
export function equal(a: unknown, b: unknown): boolean {
  if (a === b || (a ?? b ?? null) === null) return true;
  if (Array.isArray(a)) {
    return Array.isArray(b) && a.length === b.length && a.every((item, i) => equal(item, b[i]));
  }
  if (!isObject(a) || !isObject(b)) return false;
  const keys = Object.keys(a);
  return (
    keys.length === Object.keys(b).length &&
    keys.every((key) => Object.hasOwn(b, key) && equal(a[key], b[key]))
  );
}

/** A copy as JSON has it, dates as texts. Throws a TypeError for what JSON cannot hold. */
function json(value: unknown, path: string): unknown {
  if (value instanceof Date && !isNaN(value.getTime())) return value.toISOString();
  if (Array.isArray(value)) return value.map((item, i) => json(item, `${path}[${i}]`) ?? null);
  if (isObject(value)) {
    const copy: Row = {};
    for (const key of Object.keys(value)) {
      const item = json(value[key], `${path}.${key}`);
      if (item !== undefined) copy[key] = item;
    }
    return copy;
  }
  if (
    value === null ||
    ["undefined", "string", "boolean"].includes(typeof value) ||
    Number.isFinite(value)
  )
    return value;
  throw new TypeError(`${path} cannot be synced: only JSON values and dates can`);
}

/** Brings the moments of an item, in place, to their usual form. */
export function withMoments<T extends Row>(row: T): T {
  const moments: [unknown, string[]][] = [
    [row, ["created_at", "updated_at", "deleted_at", "timestamp"]],
    [row.response, ["created_at"]],
  ];
  for (const [of, names] of moments)
    if (isObject(of)) for (const name of names) if (of[name] != null) of[name] = moment(of[name]);
  return row;
}

function withoutNulls(row: Row): void {
  for (const key of Object.keys(row)) if (row[key] == null) Reflect.deleteProperty(row, key);
}

/**
 * A copy of what the app writes, in the form in which it would come back from the server: dates as texts,
 * without nulls, and with the parts of `old`, since a part once there stays.
 *
 * Throws a TypeError for a value that cannot be synced.
 */
export function toRow(kind: Kind, value: unknown, old?: Row): Row {
  const row = json(value, kind) as Row;
  const isMessage = kind === "messages";
  for (const name of isMessage ? ["conversation_id", "message_id"] : ["id"]) {
    const id = row[name];
    if (typeof id === "string" && UUID.test(id) && id !== id.toLowerCase())
      throw new TypeError(`${kind}.${name}: a UUID has to be in lower case`);
  }
  if (row.deleted_at != null || (!isMessage && row.messages != null))
    throw new TypeError(`${kind}: delete the row, and keep messages in their own table`);
  withoutNulls(row);
  for (const part of isMessage ? PARTS : []) {
    if (old?.[part] !== undefined) row[part] ??= {};
    if (isObject(row[part])) withoutNulls(row[part]);
  }
  return withMoments(row);
}

/** The fields of an item that can be noted. */
export function flat(kind: Kind, row: Row): Flat {
  const fields: Flat = new Map();
  for (const [name, value] of Object.entries(row)) {
    if (NOT_NOTED[kind].includes(name)) continue;
    if (kind === "messages" && PARTS.includes(name) && isObject(value)) {
      fields.set(name, {});
      for (const [field, inner] of Object.entries(value))
        fields.set(name + SEPARATOR + field, inner);
    } else fields.set(name, value);
  }
  return fields;
}

/** Sets a field of an item by its path; undefined takes it away. */
export function setPath(row: Row, path: string, value: unknown): void {
  const [name = "", field] = path.split(SEPARATOR);
  let of = row;
  if (field !== undefined) {
    // A copy: the row may share its parts with another one.
    of = isObject(row[name]) ? { ...row[name] } : {};
    row[name] = of;
  }
  const last = field ?? name;
  if (value === undefined) Reflect.deleteProperty(of, last);
  // That a part is there is a field, too; its own fields have paths of their own.
  else if (!(PARTS.includes(last) && isObject(of[last]) && equal(value, {}))) of[last] = value;
}

/** What differs between two states of an item: the paths with the value before, null for none. */
export function difference(before: Flat, now: Flat): Row {
  const changed: Row = {};
  for (const path of new Set([...before.keys(), ...now.keys()]))
    if (!equal(before.get(path), now.get(path))) changed[path] = before.get(path) ?? null;
  return changed;
}
