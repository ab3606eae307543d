import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import openapiTS, { astToString } from "openapi-typescript";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

function run(folder: string, program: string, ...args: string[]): string {
  try {
    return execFileSync(program, args, { cwd: folder, encoding: "utf8", stdio: "pipe" });
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    throw new Error(`${program} ${args.join(" ")}\n${stdout}${stderr}`, { cause: error });
  }
}

test("the types of the API are those of the server's description", async () => {
  const described = await openapiTS(new URL("../../../docs/openapi.json", import.meta.url));
  const committed = readFileSync(join(ROOT, "src/api/schema.d.ts"), "utf8");
  const text = astToString(described);
  expect(committed.endsWith(text), "run `npm run generate`").toBe(true);
});

describe("the packed package", () => {
  const folder = mkdtempSync(join(tmpdir(), "convosync-package-"));
  const modules = join(folder, "node_modules");

  beforeAll(() => {
    const [packed] = JSON.parse(
      run(ROOT, "npm", "pack", "--json", "--silent", "--pack-destination", folder),
    ) as { filename: string }[];
    // As `npm install` does with it, but without a network.
    mkdirSync(join(modules, "@convosync"), { recursive: true });
    run(folder, "tar", "-xzf", packed?.filename ?? "");
    run(folder, "mv", "package", "node_modules/@convosync/client");
    for (const name of ["dexie", "eventsource-parser", "react", "@types"])
      symlinkSync(join(ROOT, "node_modules", name), join(modules, name));
    writeFileSync(join(folder, "package.json"), JSON.stringify({ type: "module" }));
  }, 60_000);
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  test("can be imported by its names", () => {
    const program = `
      import { convosync, syncTables, SyncError } from "@convosync/client";
      import { useConversations, useMessages, useSyncStatus } from "@convosync/client/react";
      const all = [convosync, SyncError, useConversations, useMessages, useSyncStatus];
      console.log(all.map((it) => typeof it).join(), Object.keys(syncTables).length);`;
    writeFileSync(join(folder, "program.js"), program);
    expect(run(folder, "node", "program.js").trim()).toBe(`${Array(5).fill("function").join()} 3`);
  });

  test("compiles the examples of the README", () => {
    const readme = readFileSync(join(ROOT, "README.md"), "utf8");
    const [start = "", use = "", visitors = "", react = ""] = [
      ...readme.matchAll(/```tsx?\n([^]*?)```/g),
    ].map((match) => match[1] ?? "");
    writeFileSync(join(folder, "sync.ts"), start);
    writeFileSync(join(folder, "use.ts"), `import { db } from "./sync.js";\n${use}`);
    const token = "declare function yourToken(refresh: boolean): Promise<string>;";
    writeFileSync(
      join(folder, "visitors.ts"),
      `import { sync } from "./sync.js";\n${token}\n${visitors}`,
    );
    writeFileSync(join(folder, "app.tsx"), `import { db, sync } from "./sync.js";\n${react}`);
    const options = [
      "--noEmit",
      "--strict",
      "--target",
      "es2022",
      "--jsx",
      "react-jsx",
      "--types",
      "react",
    ];
    const files = ["sync.ts", "use.ts", "visitors.ts", "app.tsx"];
    const tsc = join(ROOT, "node_modules/typescript/bin/tsc");
    run(
      folder,
      "node",
      tsc,
      ...options,
      "--module",
      "esnext",
      "--moduleResolution",
      "bundler",
      ...files,
    );
  }, 60_000);
});
