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

/**
 * The tasks of the page's main thread in a trace of Chromium: how long each took, and how long it computed, which
 * is less where other programs took the processor meanwhile. Both in milliseconds.
 */
function tasksOf(trace) {
  const { traceEvents } = JSON.parse(trace);
  const main = new Set(
    traceEvents
      .filter(({ name, args }) => name === "thread_name" && args.name === "CrRendererMain")
      .map(({ pid, tid }) => `${pid} ${tid}`),
  );
  const tasks = traceEvents.filter(
    ({ name, pid, tid }) => name === "RunTask" && main.has(`${pid} ${tid}`),
  );
  return tasks.map(({ dur = 0, tdur = 0 }) => ({ took: dur / 1000, computed: tdur / 1000 }));
}

const longest = (durations) => Math.round(Math.max(0, ...durations));

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
  await browser.startTracing(device.page, {
    categories: ["toplevel", "disabled-by-default-devtools.timeline"],
  });
  const from = Date.now();
  await device.signIn("many");
  await eventually(
    () => device.page.evaluate(countMessages),
    (count) => count === CONVERSATIONS * MESSAGES,
    120_000,
  );
  await device.says("In sync");
  const took = Date.now() - from;
  const tasks = tasksOf((await browser.stopTracing()).toString());
  const long = tasks.filter(({ computed }) => computed > NOTICED);
  const computed = longest(tasks.map((task) => task.computed));
  context.diagnostic(
    `20,000 messages in ${took} ms; ${tasks.length} tasks, the longest computed for ${computed} ms and took ` +
      `${longest(tasks.map((task) => task.took))} ms; ${long.length} computed for more than ${NOTICED} ms`,
  );
  assert.ok(tasks.length > 1000, "the trace has the tasks of the page");
  assert.ok(computed <= NOTICED, `the main thread was blocked for ${computed} ms`);
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
