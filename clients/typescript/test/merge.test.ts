import { expect, test } from "vitest";
import { settle } from "../src/merge.js";
import { edit } from "../src/noting.js";
import { createStamps } from "../src/stamps.js";
import type { NoteKey } from "../src/tables.js";

const key: NoteKey = ["c", ""];

test("a field that was cleared stays so when a page shows it from before, and the next one as it was sent", () => {
  const stamps = createStamps(undefined, () => Date.UTC(2026, 0, 1));
  const now = () => stamps.next();
  const made = edit("conversations", stamps, { id: "c", color: "red" });
  const { updated_at: sent, created_at } = made.row;
  // The answer to a turn with that was lost.
  const cleared = edit("conversations", stamps, { id: "c", created_at }, made.row, made.note);

  const before = { key, row: { id: "c", created_at }, stamp: undefined };
  const first = settle(cleared, before, undefined, false, now);
  const own = {
    key,
    row: { id: "c", created_at, updated_at: sent, color: "red" },
    stamp: sent as string,
  };
  const second = settle(first, own, undefined, false, now);

  expect(second.row?.color).toBeUndefined();
  expect(second.note?.fields).toMatchObject({ color: "red" });
});
