import type { ChatDatabase } from "./database.js";

/** A change that an app made, of the field at `path` of an item, or the deletion of the item. */
export interface Entry {
  device: string;
  /** A conversation's id, with a message's after a slash. */
  item: string;
  /** Where nothing is said, the item was deleted. */
  path?: string;
  /** Nothing if the field was taken away. */
  value?: string | undefined;
  /** The clock of the device was further ahead than the server takes at its word. */
  isAhead?: boolean;
}

/** What is known of how the edits came to be where they are. */
export interface Circumstances {
  /**
   * The server was put back to a backup: a change that it has lost may then lose against a newer one of the same
   * item, and a deletion may be undone.
   */
  isRestored: boolean;
  /** Whether an answer to a post of an item was lost, so that the device did not know what the server had. */
  isDoubtful: (device: string, item: string) => boolean;
}

interface Numbered extends Entry {
  at: number;
}

/** What the apps of all devices have changed, in order, and so what must be there in the end. */
export class Ledger {
  readonly #entries: Numbered[] = [];

  write(entry: Entry): void {
    this.#entries.push({ ...entry, at: this.#entries.length });
  }

  /** The number of fields that several devices have written. */
  get contested(): number {
    return this.#fields().filter(({ entries }) => devicesOf(entries).size > 1).length;
  }

  /**
   * Tells what is not as it must be: what only one device has written is as it left it, and of the others
   * everything was written by somebody.
   */
  async differences(db: ChatDatabase, circumstances: Circumstances): Promise<string[]> {
    const differences: string[] = [];
    for (const { item, path, entries } of this.#fields()) {
      const found = await valueOf(db, item, path);
      const allowed = this.#allowed(item, entries, circumstances);
      if (!allowed.has(found))
        differences.push(
          `${item} ${path} is ${String(found)} instead of ${[...allowed].map(String).join(" or ")}`,
        );
    }
    if (circumstances.isRestored) return differences;
    for (const item of new Set(this.#entries.map((entry) => entry.item)))
      if (this.#isGone(item) && (await rowOf(db, item))) differences.push(`${item} is not gone`);
    return differences;
  }

  /** Whether it is certain that an item must not be there. */
  #isGone(item: string): boolean {
    const { ofItem, around, deletions } = this.#of(item);
    const deleted = deletions.at(-1)?.at;
    return (
      deleted !== undefined &&
      devicesOf([...ofItem, ...around]).size === 1 &&
      ofItem.every(({ at }) => at <= deleted)
    );
  }

  #of(item: string): { ofItem: Numbered[]; around: Numbered[]; deletions: Numbered[] } {
    const conversation = item.split("/")[0] ?? "";
    const ofItem = this.#entries.filter((entry) => entry.item === item);
    const around = this.#entries.filter(
      (entry) => entry.item === conversation && item !== conversation,
    );
    const deletions = [...ofItem, ...around]
      .filter(({ path }) => path === undefined)
      .sort((a, b) => a.at - b.at);
    return { ofItem, around, deletions };
  }

  #fields(): { item: string; path: string; entries: Numbered[] }[] {
    const fields = new Map<string, { item: string; path: string; entries: Numbered[] }>();
    for (const entry of this.#entries) {
      const { item, path } = entry;
      if (path === undefined) continue;
      const key = `${item} ${path}`;
      const field = fields.get(key) ?? { item, path, entries: [] };
      field.entries.push(entry);
      fields.set(key, field);
    }
    return [...fields.values()];
  }

  /** The values that a field may have in the end. */
  #allowed(
    item: string,
    entries: Numbered[],
    { isRestored, isDoubtful }: Circumstances,
  ): Set<string | undefined> {
    const written = new Set(entries.map(({ value }) => value));
    const { ofItem, around, deletions } = this.#of(item);
    const last = entries.at(-1);
    if (deletions.length === 0) {
      const writers = devicesOf(isRestored ? ofItem : entries);
      // An edit of what another device edits, too, counts as older where the one before it may have arrived.
      const isContested = devicesOf(ofItem).size > 1 && isDoubtful(last?.device ?? "", item);
      if (writers.size === 1 && !isContested) return new Set([last?.value]);
      if (isRestored) written.add(undefined);
      return written;
    }
    const deleted = deletions.at(-1)?.at ?? 0;
    const isOwn = devicesOf([...ofItem, ...around]).size === 1;
    // The server takes a deletion and what comes after it in one post for of one moment, the same that it is then.
    const isTimely = deletions.every(({ isAhead }) => !isAhead);
    // A message does not bring back its conversation, so what was written after its end is not certain.
    const isCertain =
      isOwn &&
      isTimely &&
      !isRestored &&
      (around.every(({ path }) => path !== undefined) || ofItem.every(({ at }) => at < deleted));
    if (isCertain) return new Set([last && last.at > deleted ? last.value : undefined]);
    return written.add(undefined);
  }
}

function devicesOf(entries: Entry[]): Set<string> {
  return new Set(entries.map(({ device }) => device));
}

/** The value at a path of an item, nothing if there is none. */
export async function valueOf(
  db: ChatDatabase,
  item: string,
  path: string,
): Promise<string | undefined> {
  let value = await rowOf(db, item);
  for (const name of path.split("."))
    value = (value as Record<string, unknown> | undefined)?.[name];
  return value as string | undefined;
}

function rowOf(db: ChatDatabase, item: string): Promise<unknown> {
  const [conversation = "", message] = item.split("/");
  return message === undefined
    ? db.conversations.get(conversation)
    : db.messages.get([conversation, message]);
}
