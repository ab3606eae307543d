import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const axeSource = await readFile(
  createRequire(import.meta.url).resolve("axe-core/axe.min.js"),
  "utf8",
);

export const DESKTOP = { width: 1280, height: 800 };
export const PHONE = { width: 390, height: 844 };

/** Starts Chromium: Debian's, or what CONVOSYNC_TEST_BROWSER names. */
export const startBrowser = () =>
  chromium.launch({
    executablePath: process.env.CONVOSYNC_TEST_BROWSER ?? "/usr/bin/chromium",
    args: ["--no-sandbox"],
  });

/** A device: a browser profile of its own, with the chat page open in it. */
export class Device {
  static async open(browser, url, options = {}) {
    return Device.#in(await browser.newContext({ viewport: DESKTOP, ...options }), url);
  }

  static async #in(context, url) {
    const page = await context.newPage();
    const device = new Device(context, page);
    page.on("pageerror", (error) => device.errors.push(error.message));
    page.on("request", (request) => device.requests.push(request.url()));
    await page.goto(url);
    await page.getByLabel("Message", { exact: true }).waitFor();
    return device;
  }

  /** What went wrong in the page. */
  errors = [];
  /** The URLs that the page has asked for. */
  requests = [];

  constructor(context, page) {
    this.context = context;
    this.page = page;
  }

  /** Another tab of the same browser. */
  tab(url) {
    return Device.#in(this.context, url);
  }

  button(name) {
    return this.page.getByRole("button", { name, exact: true });
  }

  /** Asks in the conversation that is open. */
  async ask(question) {
    await this.page.getByLabel("Message", { exact: true }).fill(question);
    await this.page.keyboard.press("Enter");
  }

  async open(title) {
    await this.page.getByRole("link", { name: title, exact: true }).click();
  }

  async signIn(userId) {
    await this.button("Sign in").click();
    await this.page.getByLabel("User id").fill(userId);
    await this.page
      .getByRole("dialog")
      .getByRole("button", { name: /^Sign in/ })
      .click();
    await this.page.getByRole("dialog").waitFor({ state: "detached" });
  }

  /** What is said in the open conversation. */
  texts() {
    return this.page.locator(".text").allTextContents();
  }

  titles() {
    return this.page
      .getByRole("navigation", { name: "Conversations" })
      .getByRole("link")
      .allTextContents();
  }

  /** Waits until the page says so of its sync. */
  async says(sentence) {
    await this.page.locator(".sync-line", { hasText: sentence }).waitFor();
  }

  /** Waits until what moves in or out is in its place. */
  async still() {
    await this.page.evaluate(() =>
      Promise.allSettled(
        document
          .getAnimations()
          .filter((one) => one.effect.getTiming().iterations === 1)
          .map((one) => one.finished),
      ),
    );
  }

  /** What axe finds wrong in the page as it is, in lines. */
  async violations() {
    await this.still();
    if (!(await this.page.evaluate(() => "axe" in window))) await this.page.evaluate(axeSource);
    const { violations } = await this.page.evaluate(() => window.axe.run(document));
    return violations.flatMap(({ id, nodes }) =>
      nodes.map(({ html, failureSummary }) => `${id}: ${html}\n${failureSummary}`),
    );
  }

  close() {
    return this.context.close();
  }
}

/** Waits until `look` gives what is expected, at most as long as said, in milliseconds. */
export async function eventually(look, holds, timeout = 15_000) {
  const end = Date.now() + timeout;
  for (;;) {
    const seen = await look();
    if (holds(seen)) return seen;
    if (Date.now() > end)
      throw new Error(`did not come about; the last seen: ${JSON.stringify(seen)}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
