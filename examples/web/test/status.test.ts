import { expect, test } from "vitest";
import { describe } from "../src/status";

test("what waits is counted while there is no network", () => {
  expect(describe({ state: "idle", pending: 2, rejected: 0 }, false)).toEqual({
    tone: "waiting",
    sentence: "Offline, 2 changes waiting",
  });
});

test("a server out of reach can be tried again", () => {
  expect(describe({ state: "offline", pending: 1, rejected: 0 }, true)).toEqual({
    tone: "waiting",
    sentence: "The server is out of reach, 1 change waiting",
    remedy: "retry",
  });
});

test("nothing is in sync while something waits", () => {
  expect(describe({ state: "idle", pending: 1, rejected: 0 }, true).tone).toBe("busy");
  expect(describe({ state: "idle", pending: 0, rejected: 0 }, true).sentence).toBe("In sync");
});

test("whoever is not known is asked to sign in, online or not", () => {
  for (const online of [true, false]) {
    const status = { state: "stuck", reason: "unauthorized", pending: 3, rejected: 0 } as const;
    expect(describe(status, online).remedy).toBe("sign-in");
  }
});

test("an unforeseen reason is told in the server's words", () => {
  const status = { state: "stuck", reason: "refused", pending: 0, rejected: 0 } as const;
  expect(describe({ ...status, message: "URL too long" }, true).sentence).toBe("URL too long");
});
