import { expect, test } from "vitest";
import { titleFor, titleOf } from "../src/texts";

test("a title is the first line of the question, cut between words", () => {
  expect(titleFor("  Short\nand more")).toBe("Short");
  const long = titleFor(
    "An unusually long question that goes on well beyond the width of a side bar",
  );
  expect(long).toBe("An unusually long question that goes on well beyond the…");
  expect(titleFor("x".repeat(100))).toHaveLength(60);
});

test("a conversation without a title has a name", () => {
  expect(titleOf({ id: "c", title: "  " })).toBe("Untitled conversation");
});
