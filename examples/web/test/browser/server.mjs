import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const at = (path) => fileURLToPath(new URL(path, import.meta.url));

/**
 * A server with an empty store that serves the built page, on any free port. CONVOSYNC_BIN names another program
 * than the debug build; CONVOSYNC_PAGE the URL of a page that something else serves.
 */
export async function startServer(settings = {}) {
  const folder = await mkdtemp(join(tmpdir(), "convosync-web-"));
  const elsewhere = process.env.CONVOSYNC_PAGE;
  const program = process.env.CONVOSYNC_BIN ?? at("../../../../target/debug/convosync");
  const child = spawn(program, {
    cwd: folder,
    env: {
      PATH: process.env.PATH,
      CONVOSYNC__SERVER__PORT: "0",
      ...(elsewhere ? {} : { CONVOSYNC__SERVER__STATIC_FOLDER: at("../../dist") }),
      ...settings,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const url = await listening(child);
  return {
    url,
    page: elsewhere ? `${elsewhere}?server=${encodeURIComponent(url)}` : `${url}/`,
    /** Posts conversations as a user. */
    async post(userId, conversations) {
      const path = `/api/sync-conversations/?user_id=${userId}`;
      return this.call("POST", path, { conversations });
    },
    async call(method, path, body) {
      const answer = await fetch(url + path, {
        method,
        headers: { "Content-Type": "application/json" },
        ...(body ? { body: JSON.stringify(body) } : {}),
      });
      const text = await answer.text();
      if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
      return JSON.parse(text);
    },
    async stop() {
      const ended = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGTERM");
      await ended;
      await rm(folder, { recursive: true });
    },
  };
}

function listening(child) {
  return new Promise((resolve, reject) => {
    const seen = [];
    const look = (line) => {
      seen.push(line);
      const url = /^listening on (\S+)/.exec(line)?.[1];
      if (url) resolve(url);
    };
    for (const stream of [child.stdout, child.stderr])
      createInterface({ input: stream }).on("line", look);
    child.once("error", reject);
    child.once("exit", (code) =>
      reject(new Error(`the server ended (${code}):\n${seen.join("\n")}`)),
    );
  });
}
