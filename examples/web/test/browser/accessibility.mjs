// What axe finds in every view of the page, in both colour schemes and at both widths.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { DESKTOP, Device, PHONE, startBrowser } from "./device.mjs";
import { startServer } from "./server.mjs";

const TEA = "How do I brew green tea?";

let server;
let browser;

before(async () => {
  server = await startServer({ CONVOSYNC__LIMITS__VALUE_BYTES: "4000" });
  browser = await startBrowser();
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

/** Goes through the views of the page, one after the other. */
async function* views(device) {
  const { page } = device;
  yield "a new conversation";
  await device.ask(TEA);
  await page.getByText("For a calm cup").waitFor();
  yield "an answer that is being written";
  await device.button("Good answer").waitFor();
  await device.button("Good answer").click();
  yield "a conversation";
  await device.button("Edit your message").click();
  yield "an edited message";
  await page.keyboard.press("Escape");
  await device.button("Rename the conversation").click();
  yield "an edited title";
  await page.keyboard.press("Escape");
  await device.ask(`Tea again: ${"and again ".repeat(450)}`);
  const drawer = await device.button("Conversations").isVisible();
  if (drawer) await device.button("Conversations").click();
  await device.button("1 change refused").waitFor();
  yield drawer ? "the drawer" : "the side bar with what is refused";
  await device.button("1 change refused").click();
  yield "what is refused";
  await page.keyboard.press("Escape");
  await device.button("Sign in").click();
  yield "signing in";
  await page.keyboard.press("Escape");
  await device.button("Keyboard shortcuts").click();
  yield "the shortcuts";
  await page.keyboard.press("Escape");
  if (drawer) await page.keyboard.press("Escape");
  await device.context.setOffline(true);
  await page.locator(".badge").waitFor();
  await device.button("Delete the conversation").click();
  await device.button("Undo").waitFor();
  yield "offline, with an offer to undo";
}

for (const colorScheme of ["light", "dark"]) {
  for (const [width, viewport] of Object.entries({ desktop: DESKTOP, phone: PHONE })) {
    test(`axe finds nothing, ${colorScheme}, ${width}`, async () => {
      const device = await Device.open(browser, server.page, { colorScheme, viewport });
      for await (const view of views(device)) {
        assert.deepEqual(await device.violations(), [], view);
      }
      await device.close();
    });
  }
}
