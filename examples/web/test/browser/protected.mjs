// A server that asks who somebody is: tokens that it takes, and others.
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { after, before, test } from "node:test";
import { Device, eventually, startBrowser } from "./device.mjs";
import { startServer } from "./server.mjs";

const SECRET = "a secret of this test, and of nothing else";

let server;
let browser;

before(async () => {
  server = await startServer({
    CONVOSYNC__AUTH__MODE: "protected",
    CONVOSYNC__AUTH__JWT__SECRET: SECRET,
  });
  browser = await startBrowser();
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

function tokenOf(userId, secret) {
  const encode = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const signed = `${encode({ alg: "HS256", typ: "JWT" })}.${encode({ sub: userId, exp: Math.floor(Date.now() / 1000) + 3600 })}`;
  return `${signed}.${createHmac("sha256", secret).update(signed).digest("base64url")}`;
}

test("a token that is not taken changes nothing; one that is merges, serves all tabs, and ends with them", async () => {
  const device = await Device.open(browser, server.page);
  await device.ask("Hello");
  await device.button("Good answer").waitFor();
  await device.says("In sync");

  await device.button("Sign in").click();
  const dialog = device.page.getByRole("dialog");
  await dialog.getByLabel("User id").fill("ada");
  await dialog
    .getByLabel("Token")
    .fill(tokenOf("ada", "another secret, which the server does not know"));
  await dialog.getByRole("button", { name: "Sign in and merge" }).click();
  await eventually(
    () => dialog.getByRole("alert").textContent(),
    (problem) => problem !== "",
  );
  await dialog.getByLabel("Token").fill(tokenOf("ada", SECRET));
  await dialog.getByRole("button", { name: "Sign in and merge" }).click();
  await dialog.waitFor({ state: "detached" });
  await device.says("In sync");

  const other = await device.tab(server.page);
  await device.page.close();
  await other.ask("From another tab");
  await other.button("Good answer").waitFor();
  await other.says("In sync");
  assert.deepEqual(await other.titles(), ["From another tab", "Hello"]);

  await other.page.reload();
  await other.says("The server asks who you are");
  await other.button("Sign in again").click();
  await other.page.getByLabel("Token").fill(tokenOf("ada", SECRET));
  await other.page.getByRole("dialog").getByRole("button", { name: "Sign in" }).click();
  await other.says("In sync");
});
