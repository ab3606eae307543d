import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Chat } from "./support/database.js";
import type { Tab } from "./support/device.js";
import { hasServer, Server } from "./support/server.js";
import { Device, stateOf, stateOfServer } from "./support/world.js";

const COUNT = Number(process.env.CONVOSYNC_CLIENT_HISTORIES ?? 20);
const SEED = Number(process.env.CONVOSYNC_CLIENT_SEED ?? Date.now() % 1e9);
const STEPS = 40;
const HOUR = 3_600_000;

/** A generator of numbers from 0 to 1, the same for the same seed (mulberry32). */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** Who has written each field, and what was written last; what was deleted counts no more. */
class Ledger {
  readonly fields = new Map<string, { devices: Set<string>; value: unknown }>();
  readonly deleted = new Set<string>();

  write(device: string, item: string, path: string, value: unknown): void {
    const key = `${item} ${path}`;
    const entry = this.fields.get(key) ?? { devices: new Set<string>(), value };
    entry.devices.add(device);
    entry.value = value;
    this.fields.set(key, entry);
  }
}

class History {
  readonly #random: () => number;
  readonly #devices: Device[];
  readonly #ledger = new Ledger();
  readonly #running: Promise<unknown>[] = [];
  readonly #user: string;
  #backups = 0;
  #isRestored = false;
  #count = 0;

  constructor(
    private readonly server: Server,
    private readonly seed: number,
  ) {
    this.#random = generator(seed);
    this.#user = `user-${seed}`;
    this.#devices = ["a", "b", "c"].map(
      (name) =>
        new Device(`${name}-${seed}`, server, this.#user, generator(seed + name.charCodeAt(0))),
    );
  }

  /** Fails with all that was said between the devices and the server. */
  async run(): Promise<void> {
    try {
      await this.#run();
    } catch (error) {
      const happened = this.#devices.flatMap((device) => device.log).sort();
      throw new Error(`${String(error)}\n${happened.join("\n")}`, { cause: error });
    }
  }

  async #run(): Promise<void> {
    const [a, b, c] = this.#devices as [Device, Device, Device];
    a.open(true);
    a.open(true);
    b.open(this.#random() < 0.5);
    c.open(false);
    for (let i = 0; i < STEPS; i++) await this.#step();
    await Promise.all(this.#running);
    await this.#settle();
    await this.#check();
    for (const device of this.#devices) for (const it of [...device.tabs]) device.kill(it);
  }

  #pick<T>(items: readonly T[]): T {
    return items[Math.floor(this.#random() * items.length)] as T;
  }

  async #step(): Promise<void> {
    const device = this.#pick(this.#devices);
    const it = this.#pick(device.tabs);
    const chance = this.#random();
    if (chance < 0.6) await this.#edit(device.name, it);
    else if (chance < 0.8) {
      const synced = it.sync.now().catch(() => undefined);
      const life = new Promise((resolve) => setTimeout(resolve, 3_000));
      if (this.#random() < 0.5) await Promise.race([synced, life]);
      else this.#running.push(Promise.race([synced, life]));
    } else if (chance < 0.88)
      device.network = this.#pick([
        { cut: 0, lost: 0 },
        { cut: 0.5, lost: 0 },
        { cut: 0, lost: 0.5 },
        { cut: 1, lost: 0 },
      ]);
    else if (chance < 0.92)
      device.skew = this.#pick([0, 2 * HOUR, -72 * HOUR, 9000 * HOUR, 90_000]);
    else if (chance < 0.96) {
      const runs = it === device.tabs[0];
      device.kill(it);
      device.open(runs);
    } else await this.#trouble();
  }

  async #trouble(): Promise<void> {
    const chance = this.#random();
    if (chance < 0.4) await this.server.backup(`${this.seed}-${++this.#backups}.db`);
    else {
      await this.server.stop();
      if (chance > 0.7 && this.#backups > 0) {
        await this.server.restore(`${this.seed}-${this.#backups}.db`);
        this.#isRestored = true;
      }
      await this.server.start();
    }
  }

  async #edit(device: string, { db }: Tab): Promise<void> {
    const id = `c${Math.floor(this.#random() * 4)}`;
    const message_id = `m${Math.floor(this.#random() * 4)}`;
    const key: [string, string] = [id, message_id];
    const value = `${device}-${++this.#count}`;
    const wrote = (item: string, path: string) => {
      this.#ledger.write(device, item, path, value);
    };
    const chance = this.#random();
    if (chance < 0.25) {
      const field = this.#pick(["title", "color"]);
      await db.transaction("rw", db.conversations, async () => {
        const old = await db.conversations.get(id);
        await db.conversations.put({ ...old, id, [field]: value });
      });
      wrote(id, field);
    } else if (chance < 0.4) {
      const field = this.#pick(["img", "mood"]);
      await db.transaction("rw", db.messages, async () => {
        const old = await db.messages.get(key);
        await db.messages.bulkPut([{ ...old, conversation_id: id, message_id, [field]: value }]);
      });
      wrote(key.join("/"), field);
    } else if (chance < 0.6) {
      const changed = await db.messages.update(key, { "output.output_content_text": value });
      if (changed) wrote(key.join("/"), "output.output_content_text");
    } else if (chance < 0.75) {
      const part = this.#pick(["request", "response"] as const);
      await db.messages
        .where(":id")
        .equals(key)
        .modify((row) => {
          if (this.#random() < 0.2) Reflect.deleteProperty(row, part);
          else row[part] = { ...row[part], note: value, at: new Date(0) };
        });
      this.#ledger.write(device, key.join("/"), `${part}.note`, undefined);
      this.#ledger.write("", key.join("/"), `${part}.note`, undefined);
    } else if (chance < 0.85) {
      const changed = await db.conversations
        .where(":id")
        .equals(id)
        .modify((row: Chat) => {
          delete row.color;
        });
      if (changed) this.#ledger.write(device, id, "color", undefined);
    } else if (chance < 0.93)
      await db.transaction("rw", db.messages, async () => {
        if (await db.messages.get(key)) this.#ledger.deleted.add(key.join("/"));
        await db.messages.delete(key);
      });
    else
      await db.transaction("rw", db.conversations, async () => {
        if (await db.conversations.get(id)) this.#ledger.deleted.add(id);
        await db.conversations.where(":id").equals(id).delete();
      });
  }

  /** With a network that works, everything is sent and pulled until nothing is left. */
  async #settle(): Promise<void> {
    for (const device of this.#devices) device.network = { cut: 0, lost: 0 };
    for (let round = 0; round < 12; round++) {
      for (const device of this.#devices) await (device.tabs[0] as Tab).sync.now();
      const left = await Promise.all(
        this.#devices.map(({ tabs }) => (tabs[0] as Tab).db.sync_notes.count()),
      );
      if (round >= 2 && left.every((count) => count === 0)) return;
    }
    throw new Error("There is always something left to send");
  }

  async #check(): Promise<void> {
    const there = await stateOfServer(this.server, this.#user);
    for (const device of this.#devices)
      for (const it of device.tabs)
        expect(await stateOf(it), `device ${device.name}`).toEqual(there);
    // A restored server may have a newer edit of an item than the one it has lost, and then only that.
    if (this.#isRestored) return;
    const { db } = this.#devices[0]?.tabs[0] as Tab;
    for (const [key, { devices, value }] of this.#ledger.fields) {
      const [item = "", path = ""] = key.split(" ");
      const [conversation = "", message] = item.split("/");
      if (
        devices.size > 1 ||
        this.#ledger.deleted.has(item) ||
        this.#ledger.deleted.has(conversation)
      )
        continue;
      const row: unknown = message
        ? await db.messages.get([conversation, message])
        : await db.conversations.get(conversation);
      const found = path
        .split(".")
        .reduce<unknown>((of, name) => (of as Record<string, unknown> | undefined)?.[name], row);
      expect(found, `${key}, which only ${[...devices].join()} wrote`).toEqual(value);
    }
  }
}

describe.skipIf(!hasServer)(`${COUNT} histories of three devices, seed ${SEED}`, () => {
  let server: Server;
  beforeAll(async () => {
    server = await Server.start();
  });
  afterAll(() => server.end());

  test.each(Array.from({ length: COUNT }, (_, i) => SEED + i))(
    "history %i",
    async (seed) => {
      await new History(server, seed).run();
    },
    60_000,
  );
});
