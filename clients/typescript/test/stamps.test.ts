import { expect, test } from "vitest";

import { createStamps } from "../src/stamps.js";

const NOW = Date.UTC(2026, 0, 1);
const stampAt = (milliseconds: number) => new Date(NOW + milliseconds).toISOString();

test("what follows a stamp that was ahead of the clock is later than it", () => {
  const stamps = createStamps(undefined, () => NOW);
  expect(stamps.next()).toBe(stampAt(0));
  // As of an item that another device, or this one before its clock was measured, has changed.
  const deleted = stamps.next(stampAt(90_000));
  expect(deleted).toBe(stampAt(90_001));
  expect(stamps.next()).toBe(stampAt(90_002));
});

test("a stamp from a future that the server does not believe in takes no other with it", () => {
  const stamps = createStamps(undefined, () => NOW);
  expect(stamps.next(stampAt(86_400_000))).toBe(stampAt(86_400_001));
  expect(stamps.next()).toBe(stampAt(1));
});
