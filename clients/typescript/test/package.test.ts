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
    for (const name of ["dexie", "eventsource-parser", "react", "vite", "@types"])
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

  /** As the template `react-ts` of Vite has them. */
  const BUNDLED = {
    target: "es2023",
    lib: ["ES2023", "DOM"],
    module: "esnext",
    types: ["vite/client"],
    skipLibCheck: true,
    moduleResolution: "bundler",
    allowImportingTsExtensions: true,
    verbatimModuleSyntax: true,
    moduleDetection: "force",
    noEmit: true,
    jsx: "react-jsx",
    strict: true,
    noUnusedLocals: true,
    noUnusedParameters: true,
    erasableSyntaxOnly: true,
    noFallthroughCasesInSwitch: true,
  };

  test.each([
    ["a bundler", BUNDLED],
    ["Node", { ...BUNDLED, module: "nodenext", moduleResolution: "nodenext" }],
  ])(
    "compiles the examples of the README for %s",
    (_, compilerOptions) => {
      const readme = readFileSync(join(ROOT, "README.md"), "utf8");
      const [chats = "", app = "", visitors = ""] = [
        ...readme.matchAll(/```tsx?\n([^]*?)```/g),
      ].map((match) => match[1] ?? "");
      const token = "declare function yourToken(refresh: boolean): Promise<string>;";
      const files = {
        "chats.ts": chats,
        // Node wants the whole name of a file, which bundlers take, too.
        "app.tsx": app.replace('"./chats"', '"./chats.js"'),
        "visitors.ts": `import { sync } from "./chats.js";\n${token}\n${visitors}`,
        "tsconfig.json": JSON.stringify({ compilerOptions, files: ["app.tsx", "visitors.ts"] }),
      };
      for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
      run(folder, "node", join(ROOT, "node_modules/typescript/bin/tsc"));
    },
    60_000,
  );
});
