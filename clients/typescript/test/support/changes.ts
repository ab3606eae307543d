import type { ChatDatabase } from "./database.js";
import type { Entry } from "./ledger.js";

/** A change that an app makes. */
export interface Change {
  entry: Entry;
  /** Makes it, and tells whether it changed anything. */
  make: (db: ChatDatabase) => Promise<boolean>;
  /** It writes a value, even where there was no item. */
  isPut: boolean;
}

type Item = Record<string, unknown>;

/** A change by chance, in one of the ways in which apps use their tables; `value` is like no other one. */
export function drawChange(random: () => number, device: string, value: string): Change {
  const pick = <T>(items: readonly T[]) => items[Math.floor(random() * items.length)] as T;
  const id = `c${Math.floor(random() * 4)}`;
  const message_id = `m${Math.floor(random() * 4)}`;
  const key: [string, string] = [id, message_id];
  const item = key.join("/");
  const chance = random();
  if (chance < 0.25) {
    const path = pick(["title", "color"]);
    const make = (db: ChatDatabase) =>
      db.transaction("rw", db.conversations, async () => {
        const old = await db.conversations.get(id);
        await db.conversations.put({ ...old, id, [path]: value });
        return true;
      });
    return { entry: { device, item: id, path, value }, make, isPut: true };
  }
  if (chance < 0.4) {
    const path = pick(["img", "mood"]);
    const make = (db: ChatDatabase) =>
      db.transaction("rw", db.messages, async () => {
        const old = await db.messages.get(key);
        await db.messages.bulkPut([{ ...old, conversation_id: id, message_id, [path]: value }]);
        return true;
      });
    return { entry: { device, item, path, value }, make, isPut: true };
  }
  if (chance < 0.6) {
    const path = "output.output_content_text";
    const make = async (db: ChatDatabase) => (await db.messages.update(key, { [path]: value })) > 0;
    return { entry: { device, item, path, value }, make, isPut: false };
  }
  if (chance < 0.75) {
    const part = pick(["request", "response"] as const);
    const isCleared = random() < 0.2;
    const make = async (db: ChatDatabase) => {
      let hasChanged = false;
      await db.messages
        .where(":id")
        .equals(key)
        .modify((row) => {
          const before = row[part] as Item | undefined;
          hasChanged = !isCleared || before?.note !== undefined;
          if (isCleared) Reflect.deleteProperty(row, part);
          else row[part] = { ...before, note: value, at: new Date(0) };
        });
      return hasChanged;
    };
    const entry = { device, item, path: `${part}.note`, value: isCleared ? undefined : value };
    return { entry, make, isPut: false };
  }
  if (chance < 0.85) {
    const make = async (db: ChatDatabase) => {
      let hasChanged = false;
      await db.conversations
        .where(":id")
        .equals(id)
        .modify((row) => {
          hasChanged = row.color !== undefined;
          delete row.color;
        });
      return hasChanged;
    };
    return { entry: { device, item: id, path: "color", value: undefined }, make, isPut: false };
  }
  if (chance < 0.93) {
    const make = (db: ChatDatabase) =>
      db.transaction("rw", db.messages, async () => {
        const isThere = (await db.messages.get(key)) !== undefined;
        await db.messages.delete(key);
        return isThere;
      });
    return { entry: { device, item }, make, isPut: false };
  }
  const make = (db: ChatDatabase) =>
    db.transaction("rw", db.conversations, async () => {
      const isThere = (await db.conversations.get(id)) !== undefined;
      await db.conversations.where(":id").equals(id).delete();
      return isThere;
    });
  return { entry: { device, item: id }, make, isPut: false };
}
