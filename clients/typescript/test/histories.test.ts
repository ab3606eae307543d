import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { type Change, drawChange } from "./support/changes.js";
import type { Tab } from "./support/device.js";
import { type Entry, Ledger, valueOf } from "./support/ledger.js";
import { hasServer, Server, STORE } from "./support/server.js";
import { Tally } from "./support/tally.js";
import { Device, stateOf, stateOfServer } from "./support/world.js";

const COUNT = Number(process.env.CONVOSYNC_CLIENT_HISTORIES ?? 40);
const SEED = Number(process.env.CONVOSYNC_CLIENT_SEED ?? Date.now() % 1e9);
/** In as many histories everything has to happen. */
const ENOUGH = 20;
const STEPS = 40;
/** How long a history may take, in milliseconds. */
const MOST = 45_000;
const HOUR = 3_600_000;
/** Half of the networks work. */
const NETWORKS = [
  { cut: 0, lost: 0 },
  { cut: 0, lost: 0 },
  { cut: 0, lost: 0 },
  { cut: 0, lost: 0.6 },
  { cut: 0.4, lost: 0.4 },
  { cut: 1, lost: 0 },
];
/** How far in the future the server takes a stamp at its word, in milliseconds. */
const MOST_AHEAD = 300_000;

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

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

class History {
  readonly #random: () => number;
  readonly #devices: Device[];
  readonly #ledger = new Ledger();
  readonly #running: Promise<unknown>[] = [];
  readonly #user: string;
  /** What happens to the server, one after the other. */
  #troubles: Promise<void> = Promise.resolve();
  #backups = 0;
  #isRestored = false;
  #count = 0;
  #doing = "";

  constructor(
    private readonly server: Server,
    private readonly tally: Tally,
    private readonly seed: number,
  ) {
    this.#random = generator(seed);
    this.#user = `user-${seed}`;
    this.#devices = ["a", "b", "c"].map((name) => {
      const random = generator(seed + name.charCodeAt(0));
      return new Device(`${name}-${seed}`, server, this.#user, random, tally);
    });
  }

  /** Fails with all that was said between the devices and the server. */
  async run(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, refuse) => {
      timer = setTimeout(() => {
        refuse(new Error(`It hangs at ${this.#doing}`));
      }, MOST);
    });
    try {
      await Promise.race([this.#run(), late]);
    } catch (error) {
      const happened = this.#devices.flatMap((device) => device.log).sort();
      const said = [String(error), ...happened, ...(await this.#states())].join("\n");
      throw new Error(said, { cause: error });
    } finally {
      clearTimeout(timer);
      for (const device of this.#devices) for (const it of device.tabs) device.close(it);
    }
  }

  async #run(): Promise<void> {
    const [a, b, c] = this.#devices as [Device, Device, Device];
    for (const device of this.#devices) device.network = this.#pick(NETWORKS);
    a.open(true);
    a.open(true);
    b.open(this.#random() < 0.5);
    c.open(false);
    const troubles = this.#plan();
    for (let i = 0; i < STEPS; i++) {
      for (const trouble of troubles.get(i) ?? []) {
        this.#troubles = this.#troubles.then(trouble);
        if (this.#random() < 0.5) await this.#troubles;
      }
      this.#doing = `step ${i}`;
      await this.#step();
    }
    this.#doing = "the last of what began";
    await this.#troubles;
    await Promise.all(this.#running);
    await this.#settle();
    await this.#check();
    if (this.#devices.every((device) => device.hasPosted))
      this.tally.count("histories in which three devices posted");
    this.tally.count("edits of one field by several devices", this.#ledger.contested);
  }

  #pick<T>(items: readonly T[]): T {
    return items[Math.floor(this.#random() * items.length)] as T;
  }

  #between(least: number, most: number): number {
    return least + Math.floor(this.#random() * (most - least));
  }

  /** What is to happen to the server before which steps: to that of every third history a restore. */
  #plan(): Map<number, (() => Promise<void>)[]> {
    const plan = new Map<number, (() => Promise<void>)[]>();
    const add = (step: number, trouble: () => Promise<void>) => {
      plan.set(step, [...(plan.get(step) ?? []), trouble]);
    };
    if (this.seed % 2 === 0) add(this.#between(2, STEPS), () => this.#restart());
    if (this.seed % 3 === 0)
      for (let rounds = this.#pick([1, 1, 2]); rounds > 0; rounds--) {
        const step = this.#between(2, STEPS - 5);
        add(step, () => this.#backUp());
        add(this.#between(step + 3, STEPS), () => this.#restore());
      }
    return plan;
  }

  async #restart(): Promise<void> {
    await this.server.stop(this.#pick(["SIGKILL", "SIGTERM"]));
    await this.server.start();
    this.tally.count("restarts");
  }

  async #backUp(): Promise<void> {
    await this.server.backup(`${this.seed}-${this.#backups}.backup`);
    this.#backups++;
    this.tally.count("backups");
  }

  async #restore(): Promise<void> {
    await this.server.stop();
    await this.server.restore(`${this.seed}-${this.#between(0, this.#backups)}.backup`);
    this.#isRestored = true;
    await this.server.start();
    this.tally.count("restores");
  }

  async #step(): Promise<void> {
    const device = this.#pick(this.#devices);
    const it = this.#pick(device.tabs);
    const chance = this.#random();
    if (chance < 0.6) await this.#edit(device, it);
    else if (chance < 0.8) {
      const synced = device.unlessKilled(
        it,
        it.sync.now().catch(() => undefined),
      );
      if (this.#random() < 0.5) await synced;
      else this.#running.push(synced);
    } else if (chance < 0.88) device.network = this.#pick(NETWORKS);
    else if (chance < 0.92)
      device.skew = this.#pick([0, 2 * HOUR, -72 * HOUR, 9000 * HOUR, 90_000]);
    else await this.#kill(device, it);
  }

  async #edit(device: Device, it: Tab): Promise<void> {
    const change = this.#draw(device);
    if (await change.make(it.db)) this.#happened(change.entry, device, it);
  }

  #draw(device: Device): Change {
    const change = drawChange(this.#random, device.name, `${device.name}-${++this.#count}`);
    return { ...change, entry: { ...change.entry, isAhead: device.skew > MOST_AHEAD } };
  }

  #happened(entry: Entry, device: Device, it: Tab): void {
    this.#ledger.write(entry);
    device.note(JSON.stringify(entry));
    this.tally.count(entry.path === undefined ? "deletions" : "edits");
    if (device.tabs.indexOf(it) > 0) this.tally.count("edits in the second tab");
    if (device.skew !== 0) this.tally.count("edits by a wrong clock");
  }

  /** Ends a tab in the middle of an edit or of a turn, and opens another one. */
  async #kill(device: Device, it: Tab): Promise<void> {
    let change = this.#draw(device);
    while (!change.isPut) change = this.#draw(device);
    const isEditing = this.#random() < 0.4;
    const work = isEditing ? change.make(it.db) : it.sync.now();
    void work.catch(() => undefined);
    if (this.#random() < 0.5) await sleep(this.#between(0, 15));
    else
      for (let turns = this.#between(0, 40); turns > 0; turns--)
        await new Promise((resolve) => setImmediate(resolve));
    device.kill(it);
    const next = device.open(this.#random() < 0.7);
    if (!isEditing) return;
    const { item, path = "", value } = change.entry;
    if ((await valueOf(next.db, item, path)) === value) this.#ledger.write(change.entry);
  }

  /** With a network that works, everything is sent and pulled until nothing is left. */
  async #settle(): Promise<void> {
    for (const device of this.#devices) device.network = { cut: 0, lost: 0 };
    for (let round = 0; round < 12; round++) {
      for (const device of this.#devices) {
        this.#doing = `round ${round} of ${device.name}`;
        await (device.tabs[0] as Tab).sync.now();
      }
      const left = this.#devices.map(async ({ tabs }) => {
        const { db } = tabs[0] as Tab;
        const visitor = (await db.table("sync_state").get("visitor")) as { cursor?: string };
        return (await db.sync_notes.count()) === 0 ? visitor.cursor : undefined;
      });
      const [first, ...others] = await Promise.all(left);
      if (first !== undefined && others.every((cursor) => cursor === first)) return;
    }
    throw new Error("There is always something left to send");
  }

  async #check(): Promise<void> {
    this.#doing = "the comparison";
    const { state, cursor } = await stateOfServer(this.server, this.#user);
    for (const device of this.#devices)
      for (const it of device.tabs) {
        expect(await stateOf(it), `device ${device.name}`).toEqual(state);
        // Another tab may just look again.
        await vi.waitFor(async () => {
          expect(await it.sync.readStatus()).toMatchObject({
            state: "idle",
            pending: 0,
            rejected: 0,
          });
        }, MOST / 3);
        expect(await it.db.sync_notes.count(), "notes").toBe(0);
        expect(await it.db.table("sync_state").get("visitor")).toEqual({
          key: "visitor",
          generation: 0,
          userId: this.#user,
          cursor,
        });
      }
    const { db } = this.#devices[0]?.tabs[0] as Tab;
    const isDoubtful = (name: string, item: string) =>
      this.#devices.some((device) => device.name === name && device.doubtful.has(item));
    const circumstances = { isRestored: this.#isRestored, isDoubtful };
    expect(await this.#ledger.differences(db, circumstances)).toEqual([]);
  }

  /** What the sync of each device knows, for a history that fails. */
  async #states(): Promise<string[]> {
    return Promise.all(
      this.#devices.map(async ({ name, tabs }) => {
        const { db } = tabs[0] as Tab;
        const rows = [await db.table("sync_state").toArray(), await db.sync_notes.toArray()];
        return `${name} ${JSON.stringify(rows)}`;
      }),
    );
  }
}

describe.skipIf(!hasServer)(`${COUNT} histories on ${STORE}, seed ${SEED}`, () => {
  let server: Server;
  const tally = new Tally();
  beforeAll(async () => {
    server = await Server.start();
  });
  afterAll(() => server.end());

  test.each(Array.from({ length: COUNT }, (_, i) => SEED + i))(
    "history %i",
    async (seed) => {
      tally.begin();
      await new History(server, tally, seed).run();
    },
    MOST + 15_000,
  );

  test.skipIf(COUNT < ENOUGH)("everything that is to happen in histories does", () => {
    console.log(`How often in how many of ${COUNT} histories:\n${tally.toString()}`);
    expect(tally.missing).toEqual([]);
  });

  test("the store is sound after all that", async () => {
    await server.run("check");
  });
});
