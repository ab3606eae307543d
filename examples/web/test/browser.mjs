// The page in a browser, against the running server: `npm run build` first.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Device, eventually, PHONE, startBrowser } from "./browser/device.mjs";
import { startServer } from "./browser/server.mjs";

const TEA = "How do I brew green tea?";
const OFFLINE = "What happens when I go offline?";

let server;
let browser;
const devices = [];

before(async () => {
  // Small, so that something can be refused.
  server = await startServer({ CONVOSYNC__LIMITS__VALUE_BYTES: "4000" });
  browser = await startBrowser();
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

const device = async (options) => {
  const opened = await Device.open(browser, server.page, options);
  devices.push(opened);
  return opened;
};

const bothHave = (look, ...those) =>
  eventually(
    () => Promise.all(those.map(look)),
    ([first, ...others]) =>
      others.every((other) => JSON.stringify(other) === JSON.stringify(first)),
  );

test("an answer arrives on another device while it is written", async () => {
  const [laptop, phone] = [await device(), await device()];
  await laptop.signIn("ada");
  await phone.signIn("ada");
  await laptop.ask(OFFLINE);
  await phone.open(OFFLINE);
  await phone.page.getByText("Another device is writing this answer.").waitFor();
  await laptop.page.getByRole("button", { name: "Good answer" }).waitFor();
  await phone.page.getByRole("button", { name: "Good answer" }).waitFor();
  const [said] = await bothHave((one) => one.texts(), laptop, phone);
  assert.equal(said.length, 2);
  assert.match(said[1], /both edits stay\.$/);
});

test("each edits offline, and both meet", async () => {
  const [laptop, phone] = [await device(), await device()];
  await laptop.signIn("grace");
  await phone.signIn("grace");
  await laptop.ask(TEA);
  await laptop.button("Good answer").waitFor();
  await phone.open(TEA);
  await phone.button("Good answer").waitFor();
  await laptop.says("In sync");
  await phone.says("In sync");

  await laptop.context.setOffline(true);
  await phone.context.setOffline(true);
  await laptop.page.locator(".badge").waitFor();

  await laptop.button("Rename the conversation").click();
  await laptop.page.getByLabel("Title", { exact: true }).fill("Green tea");
  await laptop.page.keyboard.press("Enter");
  await laptop.button("Edit your message").click();
  await laptop.page.getByLabel("Edit your message").fill("How do I brew sencha?");
  await laptop.button("Save").click();
  await laptop.says("Offline, 2 changes waiting");

  await phone.button("Good answer").click();
  await phone.ask("And the second cup?");
  await eventually(
    () => phone.button("Good answer").count(),
    (count) => count === 2,
  );
  await phone.says(/Offline, \d changes waiting/);

  await laptop.context.setOffline(false);
  await phone.context.setOffline(false);
  await laptop.says("In sync");
  await phone.says("In sync");
  const [said] = await bothHave((one) => one.texts(), laptop, phone);
  assert.equal(said.length, 4);
  assert.equal(said[0], "How do I brew sencha?");
  assert.equal(said[2], "And the second cup?");
  assert.deepEqual(await phone.titles(), ["Green tea"]);
  assert.deepEqual(await laptop.titles(), ["Green tea"]);
  assert.equal(await laptop.button("Good answer").first().getAttribute("aria-pressed"), "true");
  const { conversations } = await server.call("GET", "/api/conversations/?user_id=grace");
  assert.deepEqual(
    conversations.map(({ title, message_count }) => [title, message_count]),
    [["Green tea", 4]],
  );
});

test("what was written before signing in is merged, and told of before", async () => {
  const [first, second] = [await device(), await device()];
  await first.signIn("joan");
  await first.ask("Hello");
  await first.button("Good answer").waitFor();

  await second.ask(TEA);
  await second.button("Good answer").waitFor();
  await second.button("New conversation").click();
  await second.ask(OFFLINE);
  await second.button("Sign in").click();
  await second.page.getByText("2 conversations from this device will be merged").waitFor();
  await second.page.keyboard.press("Escape");
  assert.equal(await second.page.getByRole("dialog").count(), 0);
  await second.signIn("joan");
  await second.page.getByText("joan", { exact: true }).waitFor();
  for (const one of [first, second]) {
    await eventually(
      () => one.titles(),
      (titles) => titles.length === 3,
    );
  }

  await second.says("In sync");
  await second.button("Sign out").click();
  await second.page.getByRole("dialog").getByRole("button", { name: "Sign out" }).click();
  await eventually(
    () => second.titles(),
    (titles) => titles.length === 0,
  );
  await second.page.getByText("Not signed in").waitFor();
  assert.equal((await first.titles()).length, 3);
});

test("a deletion is undone everywhere", async () => {
  const [laptop, phone] = [await device(), await device()];
  await laptop.signIn("mary");
  await phone.signIn("mary");
  await laptop.ask(TEA);
  await laptop.button("Good answer").waitFor();
  await phone.open(TEA);
  await phone.button("Good answer").waitFor();

  await laptop.button("Delete the conversation").click();
  await phone.page.getByText("This conversation is not here.").waitFor();
  await laptop.button("Undo").click();
  await phone.button("Good answer").waitFor();
  await bothHave((one) => one.texts(), laptop, phone);
  assert.equal((await phone.texts()).length, 2);

  await phone.button("Delete the answer").click();
  await eventually(
    () => laptop.texts(),
    (said) => said.length === 1,
  );
  await phone.page.keyboard.press("Alt+z");
  await eventually(
    () => laptop.texts(),
    (said) => said.length === 2,
  );
});

test("what the server refuses is shown, and sent once it is mended", async () => {
  const laptop = await device();
  await laptop.ask(`Tell me about tea. ${"And more of it. ".repeat(300)}`);
  await laptop.button("1 change refused").click();
  const dialog = laptop.page.getByRole("dialog", { name: "Refused by the server" });
  await dialog.getByText("Tell me about tea.").first().waitFor();
  await dialog.getByRole("button", { name: "Go there" }).click();
  await laptop.button("Edit your message").click();
  await laptop.page.getByLabel("Edit your message").fill("Tell me about tea.");
  await laptop.button("Save").click();
  await laptop.button("1 change refused").waitFor({ state: "detached" });
  await laptop.says("In sync");
});

test("an answer can be stopped by the keyboard alone, and a title searched", async () => {
  const laptop = await device();
  const { keyboard } = laptop.page;
  await keyboard.press("Alt+n");
  await keyboard.type(TEA);
  await keyboard.press("Enter");
  await laptop.page.getByText("For a calm cup").waitFor();
  await keyboard.press("Escape");
  await laptop.page.getByText("Stopped here.").waitFor();
  await keyboard.press("Alt+n");
  await keyboard.type("Hello");
  await keyboard.press("Enter");
  await laptop.page.getByRole("link", { name: "Hello" }).waitFor();
  await keyboard.press("Control+k");
  await keyboard.type("TEA");
  await eventually(
    () => laptop.titles(),
    (titles) => titles.length === 1 && titles[0] === TEA,
  );
  await keyboard.press("Escape");
  await eventually(
    () => laptop.titles(),
    (titles) => titles.length === 2,
  );
  await keyboard.press("Control+/");
  await laptop.page.getByRole("dialog", { name: "Keyboard shortcuts" }).waitFor();
  await keyboard.press("Escape");
  await laptop.page.getByRole("dialog").waitFor({ state: "detached" });
  assert.equal(
    await laptop.page.evaluate(() => document.activeElement.getAttribute("type")),
    "search",
  );
});

test("on a phone the side bar is a drawer, and nothing is wider than the screen", async () => {
  const phone = await device({ viewport: { ...PHONE, width: 360 }, hasTouch: true });
  await phone.ask(TEA);
  await phone.button("Good answer").waitFor();
  assert.equal(await phone.page.getByRole("navigation").count(), 0);
  await phone.button("Conversations").click();
  await phone.page.getByRole("link", { name: TEA }).waitFor();
  await phone.page.keyboard.press("Escape");
  await eventually(
    () => phone.page.getByRole("navigation").count(),
    (count) => count === 0,
  );
  assert.equal(
    await phone.page.evaluate(() => document.activeElement.getAttribute("aria-label")),
    "Conversations",
  );
  assert.ok(await phone.page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
});

test("the page asks nobody but the server, and nothing went wrong in it", () => {
  const origins = new Set(
    devices.flatMap(({ requests }) => requests.map((url) => new URL(url).origin)),
  );
  const own = new Set([new URL(server.url).origin, new URL(server.page).origin]);
  assert.deepEqual(origins, own);
  assert.deepEqual(
    devices.flatMap(({ errors }) => errors),
    [],
  );
});
