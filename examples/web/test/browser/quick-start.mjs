// The quick start of the client's README, word for word in an app as `npm create vite` makes it.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { appendFile, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import react from "@vitejs/plugin-react";
import { build, createServer, preview } from "vite";
import { startBrowser } from "./device.mjs";
import { startServer } from "./server.mjs";

const at = (path) => fileURLToPath(new URL(path, import.meta.url));
const CLIENT = at("../../../../clients/typescript");
const NAMED = "http://127.0.0.1:7800";

/** What the template `react-ts` has beside what the README replaces. */
const TEMPLATE = {
  "index.html": `<!doctype html><html lang="en"><head><title>my-chat</title>
    <link rel="icon" href="data:,"></head><body><div id="root"></div><script type="module" src="/src/main.tsx"></script></body></html>`,
  "package.json": '{ "type": "module" }',
  "src/main.tsx": `import { StrictMode } from "react";
    import { createRoot } from "react-dom/client";
    import App from "./App.tsx";
    createRoot(document.getElementById("root")!).render(<StrictMode><App /></StrictMode>);`,
};

let server;
let browser;
let folder;
const errors = [];

before(async () => {
  server = await startServer();
  browser = await startBrowser();
  folder = await mkdtemp(join(tmpdir(), "convosync-quick-start-"));
  await mkdir(join(folder, "src"));
  const readme = await readFile(join(CLIENT, "README.md"), "utf8");
  const [chats, app] = [...readme.matchAll(/```tsx?\n([^]*?)```/g)].map((match) => match[1]);
  assert.ok(chats.includes(NAMED), "the quick start names the server as it comes");
  const files = {
    ...TEMPLATE,
    "src/chats.ts": chats.replace(NAMED, server.url),
    "src/App.tsx": app,
  };
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  await install();
});

/** As `npm install` does with the packed client, but without a network. */
async function install() {
  const modules = join(folder, "node_modules");
  const pack = ["pack", "--json", "--ignore-scripts", "--pack-destination", folder, CLIENT];
  const [{ filename }] = JSON.parse(execFileSync("npm", pack, { encoding: "utf8" }));
  await mkdir(join(modules, "@convosync/client"), { recursive: true });
  const into = ["--strip-components", "1", "--directory", join(modules, "@convosync/client")];
  execFileSync("tar", ["-xzf", join(folder, filename), ...into]);
  for (const name of ["dexie", "react", "react-dom", "scheduler", "vite"])
    await symlink(at(`../../node_modules/${name}`), join(modules, name));
  const parser = join(CLIENT, "node_modules/eventsource-parser");
  await symlink(parser, join(modules, "eventsource-parser"));
}

after(async () => {
  await browser?.close();
  await server?.stop();
  if (folder) await rm(folder, { recursive: true });
});

const vite = () => ({ root: folder, configFile: false, logLevel: "warn", plugins: [react()] });
const here = { host: "localhost", port: 0 };

async function open(context, url) {
  const page = await context.newPage();
  page.on("pageerror", (error) => errors.push(error.message));
  page.on("console", (message) => {
    const of = message.location().url;
    // A user of whom the server has not heard is told so, and registered.
    const isNew = of.includes("/api/visitors/merge/") && message.text().includes("404");
    if (["error", "warning"].includes(message.type()) && !isNew)
      errors.push(`${message.text()} ${of}`);
  });
  await page.goto(url);
  await page.getByRole("status").getByText("idle, 0 to send").waitFor();
  return page;
}

const chats = (page) => page.getByRole("button", { name: /\d/ });

async function say(page, text) {
  await page.getByLabel("Message").fill(text);
  await page.keyboard.press("Enter");
}

async function signIn(page, userId) {
  page.once("dialog", (dialog) => dialog.accept(userId));
  await page.getByRole("button", { name: "Sign in" }).click();
}

/** Two tabs of a browser, and another browser of the same user. */
async function meet(url, userId) {
  const [context, elsewhere] = [await browser.newContext(), await browser.newContext()];
  const [one, two] = [await open(context, url), await open(context, url)];
  await one.getByRole("button", { name: "New conversation" }).click();
  await chats(one).click();
  await chats(two).click();
  await say(one, "Hello from one");
  await two.getByText("Hello from one").waitFor();
  await say(two, "Hello from two");
  await one.getByText("Hello from two").waitFor();

  const three = await open(elsewhere, url);
  await signIn(two, userId);
  await signIn(three, userId);
  await chats(three).click();
  await three.getByText("Hello from one").waitFor();
  await say(three, "Hello from three");
  await one.getByText("Hello from three").waitFor();
  await two.getByText("Hello from three").waitFor();
  await elsewhere.close();
  return one;
}

test("tabs and browsers meet while it is developed, also after an edit", async () => {
  const dev = await createServer({ ...vite(), server: here });
  try {
    await dev.listen();
    const page = await meet(dev.resolvedUrls.local[0], "ada");
    const loaded = page.waitForEvent("load");
    await appendFile(join(folder, "src/chats.ts"), "console.log('edited');\n");
    await loaded;
    await chats(page).click();
    await say(page, "Hello again");
    await page.getByRole("status").getByText("idle, 0 to send").waitFor();
    await page.getByText("Hello again").waitFor();
    assert.deepEqual(errors, []);
  } finally {
    await dev.close();
  }
});

test("tabs and browsers meet once it is built", async () => {
  // The server for developing has set it.
  delete process.env.NODE_ENV;
  await build(vite());
  const built = await preview({ ...vite(), preview: here });
  try {
    await meet(built.resolvedUrls.local[0], "grace");
    assert.deepEqual(errors, []);
  } finally {
    await built.close();
  }
});
