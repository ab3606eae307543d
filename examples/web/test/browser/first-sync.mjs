// The first sync of a device that has a lot to get: the page stays usable all the while.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Device, eventually, startBrowser } from "./device.mjs";
import { startServer } from "./server.mjs";

const CONVERSATIONS = 200;
const MESSAGES = 100;
/** What a person notices, in milliseconds. */
const NOTICED = 50;

let server;
let browser;

before(async () => {
  server = await startServer();
  browser = await startBrowser();
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

const begun = Date.parse("2026-03-01T08:00:00Z");

function conversation(index) {
  const at = begun + index * 3_600_000;
  return {
    id: `chat-${index}`,
    title: `Conversation ${index}`,
    created_at: new Date(at).toISOString(),
    updated_at: new Date(at).toISOString(),
    messages: Array.from({ length: MESSAGES }, (_, number) => ({
      message_id: `message-${number}`,
      timestamp: new Date(at + number * 1000).toISOString(),
      request: { request_model: "canned-1", request_messages_content: `Question ${number}?` },
      output: {
        output_type: "message",
        output_content_text: "An answer of some length. ".repeat(12),
      },
    })),
  };
}

/** Notes in the page every long task, and the longest time between two frames. */
function watch() {
  window.blocked = { tasks: [], gap: 0 };
  new PerformanceObserver((list) => {
    window.blocked.tasks.push(...list.getEntries().map(({ duration }) => duration));
  }).observe({ type: "longtask" });
  let last = performance.now();
  const frame = (now) => {
    window.blocked.gap = Math.max(window.blocked.gap, now - last);
    last = now;
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
}

test("20,000 messages arrive without a noticed pause", async (context) => {
  await server.call("POST", "/api/visitors/", { user_id: "many" });
  for (let index = 0; index < CONVERSATIONS; index += 20) {
    await server.post(
      "many",
      Array.from({ length: 20 }, (_, more) => conversation(index + more)),
    );
  }
  const device = await Device.open(browser, server.page);
  await device.says("In sync");
  await device.page.evaluate(watch);
  const from = Date.now();
  await device.signIn("many");
  await eventually(
    () => device.page.evaluate(countMessages),
    (count) => count === CONVERSATIONS * MESSAGES,
    120_000,
  );
  await device.says("In sync");
  const took = Date.now() - from;
  const { tasks, gap } = await device.page.evaluate(() => window.blocked);
  const longest = Math.round(Math.max(0, ...tasks));
  context.diagnostic(
    `20,000 messages in ${took} ms; tasks above 50 ms: ${tasks.length}, the longest ${longest} ms; ` +
      `longest time between two frames: ${Math.round(gap)} ms`,
  );
  assert.ok(longest <= NOTICED, `the main thread was blocked for ${longest} ms`);
});

function countMessages() {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open(
      new URLSearchParams(location.search).has("server")
        ? `chats ${new URLSearchParams(location.search).get("server")}`
        : "chats",
    );
    opening.onerror = () => reject(opening.error);
    opening.onsuccess = () => {
      const counting = opening.result.transaction("messages").objectStore("messages").count();
      counting.onsuccess = () => {
        opening.result.close();
        resolve(counting.result);
      };
    };
  });
}
