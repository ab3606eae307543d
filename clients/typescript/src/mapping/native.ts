import type { Message } from "../types.js";
import { fit, isWords, mend } from "./fields.js";
import { isObject, sameId, valueOf, type Base, type Field, type MappedMessage } from "./message.js";
import { drop, elementOf, get, put } from "./pointer.js";

/**
 * What a message keeps of the object that it was made from, in its unknown field `native`: enough to
 * make the same object again without knowing its format. `docs/mapping.md` states it for clients in
 * any language.
 */
export interface Native {
  /** The shape of the object and the version of its mapping, as `ai-sdk/ui-message@1`. */
  format: string;
  /** Field of ours → JSON Pointers to where its value stood. It stands in the field alone now. */
  moved?: Record<string, string[]>;
  /** Field of ours → JSON Pointers of the texts whose join it is. They stand in `rest`, too. */
  joined?: Record<string, string[]>;
  /** The object without what was moved. */
  rest: unknown;
}

/** What stands between two texts of a message that are shown in one field. */
const BETWEEN = "\n\n";

/** Whether the server takes it for an id: 1 to 128 characters, no control character among them. */
function isId(value: unknown): value is string {
  return typeof value === "string" && /^[^\p{Cc}\p{Surrogate}]{1,128}$/u.test(value);
}

/** Makes our message of a vendor's object: fields are filled one after the other. */
export class Packing {
  readonly #base: Base;
  readonly #native: Native;
  readonly #made: Record<string, unknown> = {};

  constructor(
    format: string,
    private readonly source: unknown,
    base: Base,
  ) {
    this.#base = base;
    this.#native = { format, rest: source };
  }

  /** What stands at the pointer in the vendor's object. */
  get(pointer: string): unknown {
    return get(this.source, pointer);
  }

  /** Fills fields with values that stay in the object, too. What does not fit is left out. */
  copy(values: Partial<Record<Field, unknown>>): void {
    for (const [field, value] of Object.entries(values)) this.#set(field, fit(field, value));
  }

  /**
   * Moves a value into a field. It stays in the object where the field would not keep it as it is
   * (U+0000, an unpaired surrogate) and is not filled where it does not fit. Where the same text
   * stands at several pointers, it leaves all of them.
   */
  move(field: Field, pointer: string, ...others: string[]): void {
    const value = this.get(pointer);
    const fitting = fit(field, value);
    this.#set(field, fitting);
    if (fitting === undefined || fitting !== value) return;
    this.#take(field, [pointer, ...others.filter((other) => this.get(other) === value)]);
  }

  /**
   * Fills a field with the texts at the pointers: a single one is moved; several are joined, and so is
   * one that the field would not keep as it is.
   */
  texts(field: Field, pointers: string[]): void {
    const [first, ...others] = pointers;
    if (first === undefined) return;
    const text = this.get(first);
    if (others.length === 0 && typeof text === "string" && text === mend(text)) {
      this.move(field, first);
      return;
    }
    this.#set(field, joinAt(this.source, pointers));
    (this.#native.joined ??= {})[field] = pointers;
  }

  /**
   * Takes the object's id for the message's where the base has none. Where both are the same, the
   * object's is moved, so that a copy of the message under another id gives an object with that id.
   */
  id(pointer: string): void {
    this.idElse(pointer);
    const id = this.get(pointer);
    if (id === (this.#base.message_id ?? this.#made["message_id"]))
      this.#take("message_id", [pointer]);
  }

  /** Takes the object's id for the message's where the base has none; the object keeps its own. */
  idElse(pointer: string): void {
    const id = this.get(pointer);
    if (this.#base.message_id !== undefined || !isId(id)) return;
    this.#made["message_id"] = sameId(id);
  }

  /**
   * The message.
   *
   * @throws TypeError where neither the base nor the object has an id that the server takes.
   */
  message(): MappedMessage {
    const { parent_id, ...base } = this.#base;
    const message_id = this.#made["message_id"] ?? base.message_id;
    if (typeof message_id !== "string") throw new TypeError("The message needs a message_id");
    const parent = parent_id === undefined ? {} : { parent_id };
    return { ...base, ...parent, ...this.#made, message_id, native: this.#native };
  }

  #take(field: Field, pointers: string[]): void {
    for (const pointer of pointers) this.#native.rest = drop(this.#native.rest, pointer);
    (this.#native.moved ??= {})[field] = pointers;
  }

  #set(field: string, value: unknown): void {
    if (value === undefined) return;
    const [part, name] = field.split(".");
    if (part === undefined) return;
    if (name === undefined) this.#made[part] = value;
    else this.#made[part] = { ...(this.#made[part] as object | undefined), [name]: value };
  }
}

function joinAt(value: unknown, pointers: string[]): string {
  const texts = pointers.map((pointer) => get(value, pointer));
  return texts
    .filter((text): text is string => typeof text === "string" && text !== "")
    .map(mend)
    .join(BETWEEN);
}

/** What the message keeps of the object that it was made from; undefined where it has none. */
export function nativeOf(message: Message): Native | undefined {
  const native = valueOf(message, "native");
  if (!isObject(native) || typeof native["format"] !== "string" || !("rest" in native)) {
    return undefined;
  }
  return native as unknown as Native;
}

/** The format that the message was made from, as `ai-sdk/ui-message@1`; undefined for none. */
export function formatOf(message: Message): string | undefined {
  return nativeOf(message)?.format;
}

/**
 * The object that the message was made from, with the values that our fields have now. It needs no
 * knowledge of the format: whoever knows the convention can restore every one.
 */
export function restore(message: Message): unknown {
  const native = nativeOf(message);
  let rest = native?.rest;
  const gone: string[] = [];
  for (const [field, pointers] of pointersOf(native?.moved)) {
    const value = valueOf(message, field) ?? (isWords(field) ? "" : undefined);
    for (const pointer of pointers) {
      const element = elementOf(pointer);
      if (value !== undefined) rest = put(rest, pointer, value);
      else if (element !== undefined) gone.push(element);
    }
  }
  for (const [field, pointers] of pointersOf(native?.joined)) {
    const value = valueOf(message, field) ?? "";
    const [first, ...others] = pointers;
    if (first === undefined || value === joinAt(rest, pointers)) continue;
    rest = put(rest, first, value);
    for (const pointer of others) gone.push(elementOf(pointer) ?? pointer);
  }
  // From the end, so that the pointers of what stands before stay true.
  gone.sort((a, b) => b.localeCompare(a, "en", { numeric: true }));
  for (const pointer of new Set(gone)) rest = drop(rest, pointer);
  return rest;
}

/** The fields and their pointers; what is none of that kind is as not there. */
function pointersOf(map: unknown): [string, string[]][] {
  if (!isObject(map)) return [];
  return Object.entries(map).map(([field, pointers]) => [
    field,
    Array.isArray(pointers) ? pointers.filter((pointer) => typeof pointer === "string") : [],
  ]);
}
