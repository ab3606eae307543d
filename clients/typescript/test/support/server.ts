import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { Database } from "./postgres.js";
import { run } from "./run.js";

const NAMED = process.env.CONVOSYNC_TEST_SERVER;
const PROGRAM = resolve(
  NAMED ?? new URL("../../../../target/debug/convosync", import.meta.url).pathname,
);

/** Whether there is a server to test with; CONVOSYNC_TEST_SERVER names one. */
export const hasServer = existsSync(PROGRAM);
if (NAMED !== undefined && !hasServer) throw new Error(`There is no ${PROGRAM}`);

/** The kind of store that servers have; CONVOSYNC_TEST_STORE chooses. */
export const STORE = process.env.CONVOSYNC_TEST_STORE === "postgres" ? "PostgreSQL" : "SQLite";

/** What runs, to be ended with this process where a test fails before it ends its server. */
const running = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/** A server of its own on a loopback port, with a store of its own. */
export class Server {
  url = "";
  #port = 0;
  #process: ChildProcess | undefined;
  readonly #folder = mkdtempSync(join(tmpdir(), "convosync-client-"));

  private constructor(
    private readonly settings: Record<string, string>,
    /** Where the store is, if not in a file in the folder. */
    private readonly database: Database | undefined,
  ) {}

  static async start(settings: Record<string, string> = {}): Promise<Server> {
    const database = STORE === "PostgreSQL" ? await Database.create() : undefined;
    const server = new Server(settings, database);
    await server.start();
    return server;
  }

  /** Starts it, again on the port that it had. */
  async start(): Promise<void> {
    const child = spawn(PROGRAM, ["serve"], { env: this.#env(), cwd: this.#folder });
    this.#process = child;
    running.add(child);
    child.once("exit", () => running.delete(child));
    await new Promise<void>((listening, failed) => {
      let output = "";
      const read = (chunk: Buffer) => {
        output += chunk.toString();
        const found = /listening on (http:\/\/127\.0\.0\.1:(\d+))/.exec(output);
        if (!found?.[1]) return;
        this.url = found[1];
        this.#port = Number(found[2]);
        listening();
      };
      child.stdout.on("data", read);
      child.stderr.on("data", read);
      child.once("exit", (code) => {
        failed(new Error(`The server ended with ${String(code)}:\n${output}`));
      });
    });
    child.stdout.resume();
    child.stderr.resume();
  }

  /** Ends it: as a crash does, unless it is asked to end by itself. */
  async stop(signal: "SIGKILL" | "SIGTERM" = "SIGKILL"): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (!child || child.exitCode !== null) return;
    const ended = new Promise((resolved) => child.once("exit", resolved));
    child.kill(signal);
    await ended;
  }

  /** Makes a backup of its store, as an operator does while it serves. */
  async backup(name: string): Promise<void> {
    if (this.database) await this.database.dump(join(this.#folder, name));
    else await this.run("backup", "--to", name);
  }

  /** Puts its store back to a backup, as an operator does while it does not run. */
  async restore(name: string): Promise<void> {
    if (this.database) {
      await this.database.restore(join(this.#folder, name));
      await this.run("restore", "--already-restored");
    } else await this.run("restore", name, "--force");
  }

  /** Loses all that is in its store, while it does not run. */
  async lose(): Promise<void> {
    if (this.database) await this.database.renew();
    for (const name of ["store.db", "store.db-wal", "store.db-shm"])
      rmSync(join(this.#folder, name), { force: true });
  }

  /** Runs a command of the server's, such as `check`, on its store. */
  async run(...args: string[]): Promise<void> {
    await run(PROGRAM, args, this.#env(), this.#folder);
  }

  /** Stops it and removes its store. */
  async end(): Promise<void> {
    await this.stop();
    await this.database?.drop();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #env(): Record<string, string> {
    return {
      PATH: process.env.PATH ?? "",
      CONVOSYNC__SERVER__PORT: String(this.#port),
      CONVOSYNC__DATABASE__URL: this.database?.url ?? `sqlite://${join(this.#folder, "store.db")}`,
      CONVOSYNC__LOG__LEVEL: "warn",
      ...this.settings,
    };
  }
}
