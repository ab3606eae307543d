import { readFileSync } from "node:fs";
import fc from "fast-check";
import { expect } from "vitest";
import type { MappedMessage } from "../../src/mapping/index.js";

/** A part of a JSON Schema, as far as the API's document uses it for messages. */
interface Schema {
  $ref?: string;
  anyOf?: Schema[];
  type?: string | string[];
  format?: string;
  pattern?: string;
  properties?: Record<string, Schema>;
}

const api = JSON.parse(
  readFileSync(new URL("../../../../docs/openapi.json", import.meta.url), "utf8"),
) as { components: { schemas: Record<string, Schema> } };

/** The places of a message that are not what the API's document says of a message. */
function faults(value: unknown, schema: Schema | undefined, path: string): string[] {
  if (schema?.$ref !== undefined) {
    return faults(value, api.components.schemas[schema.$ref.split("/").at(-1) ?? ""], path);
  }
  const types = [schema?.type ?? []].flat();
  const isType = types.length === 0 || types.some((type) => is(type, value));
  if (!isType) return [`${path} is no ${types.join(" or ")}`];
  if (schema?.pattern !== undefined && !new RegExp(schema.pattern, "u").test(String(value))) {
    return [`${path} is not as ${schema.pattern}`];
  }
  if (schema?.format === "date-time" && !/^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(String(value))) {
    return [`${path} is no time`];
  }
  return Object.entries(schema?.properties ?? {}).flatMap(([key, inner]) =>
    Object.hasOwn(value as object, key)
      ? faults((value as Record<string, unknown>)[key], inner, `${path}.${key}`)
      : [],
  );
}

function is(type: string, value: unknown): boolean {
  if (type === "integer") return Number.isSafeInteger(value);
  if (type === "string") return typeof value === "string" && isKept(value);
  if (type === "object") return typeof value === "object" && value !== null;
  return typeof value === type;
}

/** Whether a text field keeps the text as it is. */
export function isKept(text: string): boolean {
  return !/\0|\p{Surrogate}/u.test(text);
}

/**
 * What a pull brings of a message that was posted: JSON, without the nulls among its fields. That
 * nothing else changes is what {@link faults} makes sure of.
 */
export function pulled(message: MappedMessage): MappedMessage {
  expect(faults(message, api.components.schemas["Message"], "message")).toEqual([]);
  const json = JSON.parse(JSON.stringify(message)) as Record<string, unknown>;
  return withoutNulls(json) as unknown as MappedMessage;
}

function withoutNulls(fields: Record<string, unknown>): Record<string, unknown> {
  const parts = new Set(["request", "response", "output"]);
  const kept = Object.entries(fields).filter(([, value]) => value !== null);
  return Object.fromEntries(
    kept.map(([key, value]) => [
      key,
      parts.has(key) ? withoutNulls(value as Record<string, unknown>) : value,
    ]),
  );
}

/** The law of every mapping: what was made into our message comes back equal, also after a pull. */
export function expectLossless<T>(
  given: T,
  from: (native: T) => MappedMessage,
  to: (message: MappedMessage) => unknown,
): MappedMessage {
  const native = JSON.parse(JSON.stringify(given)) as T;
  const before = structuredClone(native);
  const message = from(native);
  expect(native).toStrictEqual(before);
  expect(to(message)).toStrictEqual(native);
  expect(to(pulled(message))).toStrictEqual(native);
  return message;
}

/** Any text, also such as no text field holds: U+0000 and halves of emoji are frequent. */
export const anyText = fc.oneof(
  fc.string(),
  fc.string({ unit: "binary" }),
  fc.string({ unit: fc.constantFrom("\0", "\ud83d", "\ude00", "a", "\n") }),
);

/** Any JSON, with keys that stand for something in JavaScript. */
export const anyJson: fc.Arbitrary<unknown> = fc.jsonValue({ stringUnit: "binary" });

/** Fields that a vendor may add tomorrow. */
export const anyExtra = fc.dictionary(
  fc.string({ minLength: 1 }).map((key) => `x_${key}`),
  anyJson,
  { maxKeys: 2 },
);

/** An object with those of its optional fields that chance leaves. */
export function some<T extends object>(fields: { [K in keyof T]: fc.Arbitrary<T[K]> }) {
  return fc.record(fields, { requiredKeys: [] });
}
