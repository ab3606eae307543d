import { expect, test } from "vitest";
import { saidIn, titleFor, titleOf } from "../src/texts";

const key = { conversation_id: "c", message_id: "m" };

test("a message of one speaker says one thing", () => {
  expect(saidIn({ ...key, request: { request_input: "Why?" } })).toEqual([
    { by: "person", text: "Why?", path: "request.request_input" },
  ]);
  expect(saidIn({ ...key, request: { request_model: "m" }, output: {} })).toEqual([
    { by: "model", text: "", path: "output.output_content_text" },
  ]);
});

test("a message that holds a whole turn says the question first", () => {
  const message = {
    ...key,
    request: { request_messages_content: "Why?" },
    output: { output_content_text: "Because." },
  };
  expect(saidIn(message).map(({ text }) => text)).toEqual(["Why?", "Because."]);
});

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
