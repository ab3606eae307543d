import { build } from "esbuild";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";

/** The most bytes that the client may add to an app, gzipped and without Dexie. */
const MOST = 11_600;

test("the client is small", async () => {
  const { outputFiles } = await build({
    stdin: {
      contents: 'export { convosync, syncTables } from "./src/index.js";',
      resolveDir: new URL("..", import.meta.url).pathname,
    },
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    external: ["dexie"],
    write: false,
  });
  const size = gzipSync(outputFiles[0]?.contents ?? new Uint8Array(MOST), { level: 9 }).length;
  console.log(`${size} bytes gzipped`);
  expect(size).toBeLessThan(MOST);
});
