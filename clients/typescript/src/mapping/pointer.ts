import { isObject } from "./message.js";

/** JSON Pointers (RFC 6901) into plain JSON values; nothing here changes the value it is given. */

function keysOf(pointer: string): string[] {
  return pointer
    .split("/")
    .slice(1)
    .map((key) => key.replaceAll("~1", "/").replaceAll("~0", "~"));
}

/** What stands at the pointer; undefined where there is nothing. */
export function get(value: unknown, pointer: string): unknown {
  for (const key of keysOf(pointer)) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Record<string, unknown>)[key];
  }
  return value;
}

/** A copy with another value at the pointer; the same value where its parent does not exist. */
export function put(value: unknown, pointer: string, to: unknown): unknown {
  return edit(value, keysOf(pointer), (parent, key) => {
    if (!Array.isArray(parent)) return { ...parent, [key]: to };
    return parent.map((item: unknown, index) => (String(index) === key ? to : item));
  });
}

/** A copy without what stands at the pointer; elements of arrays move up. */
export function drop(value: unknown, pointer: string): unknown {
  return edit(value, keysOf(pointer), (parent, key) => {
    if (Array.isArray(parent)) return parent.filter((_, index) => String(index) !== key);
    return Object.fromEntries(Object.entries(parent).filter(([name]) => name !== key));
  });
}

/** The pointer of the innermost array element that holds what the pointer names, if any. */
export function elementOf(pointer: string): string | undefined {
  return /^.*\/\d+(?=\/|$)/.exec(pointer)?.[0];
}

type Parent = Record<string, unknown> | unknown[];

function edit(
  value: unknown,
  keys: string[],
  change: (parent: Parent, key: string) => unknown,
): unknown {
  const [key, ...more] = keys;
  if (key === undefined || !(isObject(value) || Array.isArray(value))) return value;
  if (more.length === 0) return change(value, key);
  if (!Object.hasOwn(value, key)) return value;
  const inner = edit((value as Record<string, unknown>)[key], more, change);
  if (!Array.isArray(value)) return { ...value, [key]: inner };
  return value.map((item: unknown, index) => (String(index) === key ? inner : item));
}
