// Makes the pictures of the page in docs/images/: `npm run build` first.
import { fileURLToPath } from "node:url";
import { DESKTOP, Device, PHONE, startBrowser } from "./device.mjs";
import { startServer } from "./server.mjs";

const image = (name) => fileURLToPath(new URL(`../../../../docs/images/${name}`, import.meta.url));

const EARLIER = [
  ["How does my phone hear of a change?", 0.3],
  ["A long weekend walk along the river", 5],
  ["Find a name for a note-taking app", 24],
  ["What happens when I delete a message?", 50],
  ["Packing for three days in Lisbon", 74],
  ["Who can read what I write here?", 260],
  ["Three ways to begin a talk", 300],
];

/** Waits until nothing slides any more, with the pointer out of the way. */
async function settled(device) {
  await device.page.mouse.move(640, 1);
  await device.still();
}

const server = await startServer();
const browser = await startBrowser();
try {
  await server.call("POST", "/api/visitors/", { user_id: "ada" });
  await server.post(
    "ada",
    EARLIER.map(([title, hours], index) => {
      const at = new Date(Date.now() - hours * 3_600_000).toISOString();
      return { id: `chat-${index}`, title, created_at: at, updated_at: at };
    }),
  );
  const laptop = await Device.open(browser, server.page, { viewport: DESKTOP });
  await laptop.signIn("ada");
  await laptop.page.getByRole("link", { name: EARLIER[0][0] }).waitFor();
  await laptop.ask("How do I brew green tea?");
  await laptop.button("Good answer").click();

  const phone = await Device.open(browser, server.page, {
    viewport: PHONE,
    colorScheme: "dark",
    hasTouch: true,
  });
  await phone.button("Conversations").click();
  await phone.signIn("ada");
  await phone.open("How do I brew green tea?");
  await phone.button("Good answer").waitFor();

  await laptop.ask("And what happens to this chat when I go offline on the train?");
  await phone.page.getByText("nothing here waits for it").waitFor();
  await phone.page.screenshot({ path: image("demo-phone.png") });
  await phone.page.getByText("Another device is writing this answer.").waitFor();

  await laptop.button("Good answer").nth(1).waitFor();
  await laptop.says("In sync");
  await settled(laptop);
  await laptop.page.screenshot({ path: image("demo-desktop.png") });
} finally {
  await browser.close();
  await server.stop();
}
