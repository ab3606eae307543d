import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const PROGRAM = resolve(
  process.env.CONVOSYNC_TEST_SERVER ??
    new URL("../../../../target/debug/convosync", import.meta.url).pathname,
);

/** Whether there is a server to test with; CONVOSYNC_TEST_SERVER names one. */
export const hasServer = existsSync(PROGRAM);

/** A server of its own on a loopback port, with its store in a temporary folder. */
export class Server {
  url = "";
  #port = 0;
  #process: ChildProcess | undefined;
  readonly folder = mkdtempSync(join(tmpdir(), "convosync-client-"));

  constructor(private readonly settings: Record<string, string> = {}) {}

  static async start(settings?: Record<string, string>): Promise<Server> {
    const server = new Server(settings);
    await server.start();
    return server;
  }

  /** Starts it, again on the port that it had. */
  async start(): Promise<void> {
    const child = spawn(PROGRAM, ["serve"], { env: this.#env(), cwd: this.folder });
    this.#process = child;
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

  async stop(): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (!child || child.exitCode !== null) return;
    const ended = new Promise((resolved) => child.once("exit", resolved));
    child.kill("SIGKILL");
    await ended;
  }

  /** Runs a command of the server's, such as `backup`, on its store. */
  run(...args: string[]): void {
    const { status, stdout, stderr } = spawnSync(PROGRAM, args, {
      env: this.#env(),
      cwd: this.folder,
      encoding: "utf8",
    });
    if (status !== 0) throw new Error(`convosync ${args.join(" ")}: ${stdout}${stderr}`);
  }

  /** Stops it and removes its store. */
  async end(): Promise<void> {
    await this.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  #env(): Record<string, string> {
    return {
      PATH: process.env.PATH ?? "",
      CONVOSYNC__SERVER__PORT: String(this.#port),
      CONVOSYNC__DATABASE__URL: `sqlite://${join(this.folder, "store.db")}`,
      CONVOSYNC__LOG__LEVEL: "warn",
      ...this.settings,
    };
  }
}
