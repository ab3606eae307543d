import { randomBytes } from "node:crypto";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { run } from "./run.js";

const FOLDER = "/usr/lib/postgresql";

/** The newest of PostgreSQL's programs of a name, or the one on the path. */
function program(name: string): string {
  const versions = existsSync(FOLDER) ? readdirSync(FOLDER).map(Number) : [];
  const found = versions
    .sort((a, b) => b - a)
    .map((version) => join(FOLDER, String(version), "bin", name))
    .find((path) => existsSync(path));
  return found ?? name;
}

/** A database of a server's own, on the PostgreSQL that `CONVOSYNC_TEST_POSTGRES` names. */
export class Database {
  #name = "";

  private constructor(private readonly server: string) {}

  static async create(): Promise<Database> {
    const server = process.env.CONVOSYNC_TEST_POSTGRES;
    if (!server)
      throw new Error("CONVOSYNC_TEST_POSTGRES names no server: see scripts/with-postgres");
    const database = new Database(server);
    await database.renew();
    return database;
  }

  get url(): string {
    const url = /^([^?]*)\/[^/?]*(\?.*)?$/.exec(this.server);
    return `${url?.[1] ?? ""}/${this.#name}${url?.[2] ?? ""}`;
  }

  /** Copies it to a file as it is at one moment. */
  async dump(file: string): Promise<void> {
    await run(program("pg_dump"), ["--format=custom", `--file=${file}`, this.url]);
  }

  /** Takes a new database, with what a file has, in the place of this one. */
  async restore(file: string): Promise<void> {
    await this.renew();
    await run(program("pg_restore"), [`--dbname=${this.url}`, file]);
  }

  /** Takes a new, empty database in the place of this one. */
  async renew(): Promise<void> {
    if (this.#name) await this.drop();
    // So named, the Rust tests drop it if these tests die.
    const second = Math.floor(Date.now() / 1000);
    this.#name = `convosync_test_${second}_${randomBytes(8).toString("hex")}`;
    // A template that somebody is connected to cannot be copied; to template0 nobody can be.
    await this.#execute(`CREATE DATABASE ${this.#name} TEMPLATE template0`);
  }

  async drop(): Promise<void> {
    await this.#execute(`DROP DATABASE IF EXISTS ${this.#name} WITH (FORCE)`);
  }

  async #execute(sql: string): Promise<void> {
    const quietly = ["--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1"];
    await run(program("psql"), [...quietly, `--command=${sql}`, this.server]);
  }
}
