import type { Sync } from "@convosync/client";
import { expect, test, vi } from "vitest";
import { Session } from "../src/session";

const syncThat = (signIn: () => Promise<void>): Sync => {
  const sync = { signIn, signOut: () => Promise.resolve(), start: () => undefined };
  return sync as unknown as Sync;
};
const taking = syncThat(() => Promise.resolve());

test("all tabs have the token until signing out, and nothing that outlives them", async () => {
  const [first, second] = [new Session("a"), new Session("a")];
  const elsewhere = new Session("b");
  expect(await first.token(false)).toBeUndefined();
  await first.signIn(taking, "ada", "secret");
  expect(await first.token(false)).toBe("secret");
  await vi.waitFor(async () => expect(await second.token(false)).toBe("secret"));
  const late = new Session("a");
  expect(await late.token(false)).toBe("secret");
  expect(await late.token(true)).toBeUndefined();
  expect(await elsewhere.token(false)).toBeUndefined();
  expect([localStorage.length, sessionStorage.length]).toEqual([0, 0]);

  await second.signOut(taking);
  await vi.waitFor(async () => expect(await first.token(false)).toBeUndefined());
  expect(await new Session("a").token(false)).toBeUndefined();
});

test("a token that is refused takes the place of none", async () => {
  const session = new Session("c");
  await session.signIn(taking, "ada", "good");
  const refusing = syncThat(() => Promise.reject(new Error("no")));
  await expect(session.signIn(refusing, "ada", "bad")).rejects.toThrow("no");
  expect(await session.token(false)).toBe("good");
});
