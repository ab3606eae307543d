import { expect, test } from "vitest";
import { replyTo, stream } from "../src/model";

test("the pieces of an answer are the whole answer", async () => {
  let text = "";
  let pieces = 0;
  for await (const piece of stream("How do I brew tea?", 0, new AbortController().signal)) {
    text += piece;
    pieces += 1;
  }
  expect(text).toBe(replyTo("How do I brew tea?"));
  expect(text).toContain("75 °C");
  expect(pieces).toBeGreaterThan(20);
});

test("a question without a known subject has an answer, too, and always the same", () => {
  const answers = new Set(Array.from({ length: 40 }, (_, index) => replyTo(`Question ${index}`)));
  expect(answers.size).toBeGreaterThan(1);
  expect(answers).not.toContain("");
  expect(replyTo("Question 1")).toBe(replyTo("Question 1"));
});

test("a stopped stream ends at once", async () => {
  const stop = new AbortController();
  const pieces: string[] = [];
  for await (const piece of stream("tea", 1, stop.signal)) {
    pieces.push(piece);
    if (pieces.length === 3) stop.abort();
  }
  expect(pieces).toHaveLength(3);
});
