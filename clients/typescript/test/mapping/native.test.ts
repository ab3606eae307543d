import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  formatOf,
  fromChatMessage,
  fromUIMessage,
  restore,
  roleOf,
  saidIn,
  textOf,
  toUIMessage,
  type MappedMessage,
} from "../../src/mapping/index.js";
import { get, put } from "../../src/mapping/pointer.js";
import { anyJson } from "./laws.js";

const base = { conversation_id: "c", message_id: "m" };

describe("the words of a message", () => {
  it("are those of the answer, else of what was asked, whoever made it", () => {
    const shown: [Partial<MappedMessage>, role: string, text: string][] = [
      [{}, "user", ""],
      [{ output: { output_content_text: "Hello!" } }, "assistant", "Hello!"],
      [{ output: { output_role: "tool" } }, "tool", ""],
      [{ request: { request_messages_content: "Hi" } }, "user", "Hi"],
      [{ request: { request_messages_user_content: "Hi" } }, "user", "Hi"],
      [{ request: { request_input: "Hi" } }, "user", "Hi"],
      [{ request: { request_messages_system_content: "Be brief." } }, "system", "Be brief."],
      [{ request: { request_system_prompt: "Be brief." } }, "system", "Be brief."],
      [{ request: { request_messages_role: "developer" } }, "developer", ""],
      [{ request: { request_input: "Hi" }, output: {} }, "assistant", ""],
    ];
    for (const [message, role, text] of shown) {
      const whole = { ...base, ...message };
      expect([roleOf(whole), textOf(whole)]).toEqual([role, text]);
    }
  });

  it("are what was asked and what was answered where the message holds a turn", () => {
    const file = new URL("../../../../tests/data/real-conversations.json", import.meta.url);
    const { conversations } = JSON.parse(readFileSync(file, "utf8")) as {
      conversations: { id: string; messages: MappedMessage[] }[];
    };
    const messages = conversations.flatMap((conversation) => conversation.messages);
    expect(messages.length).toBeGreaterThan(50);
    for (const message of messages) {
      const [asked, answered, ...more] = saidIn(message);
      const text = message.request?.request_messages_content;
      expect(asked).toEqual({ role: "user", text, field: "request.request_messages_content" });
      expect(answered?.role).toBe("assistant");
      expect(answered?.text).toBe(textOf(message));
      expect(textOf(message).length).toBeGreaterThan(0);
      expect(more).toEqual([]);
    }
  });

  it("leave out a request that only tells the settings of an answer", () => {
    const message = { ...base, request: { request_model: "m" }, output: { output_role: "model" } };
    expect(saidIn(message)).toMatchObject([{ role: "model", text: "" }]);
  });
});

describe("what a message keeps of the object that it was made from", () => {
  it("is restored without knowledge of its format", () => {
    const message: MappedMessage = {
      ...base,
      metadata: { topic: "weather" },
      output: { output_content_text: "Hello!" },
      native: {
        format: "app.example/bubble@3",
        moved: {
          message_id: ["/key"],
          metadata: ["/about/tags"],
          "output.output_content_text": ["/lines/1/said", "/a~1b/c~0d"],
        },
        rest: { about: { n: 1 }, lines: ["-", { by: "bot" }], "a/b": {} },
      },
    };
    expect(formatOf(message)).toBe("app.example/bubble@3");
    expect(restore(message)).toEqual({
      key: "m",
      about: { n: 1, tags: { topic: "weather" } },
      lines: ["-", { by: "bot", said: "Hello!" }],
      "a/b": { "c~d": "Hello!" },
    });
  });

  it("is undefined where there is nothing of that kind", () => {
    for (const native of [undefined, null, 7, [], {}, { format: "x@1" }, { format: 1, rest: {} }]) {
      const message = { ...base, native } as MappedMessage;
      expect(formatOf(message)).toBeUndefined();
      expect(restore(message)).toBeUndefined();
      expect(toUIMessage(message)).toMatchObject({ id: "m", parts: [{ type: "text", text: "" }] });
    }
  });

  it("is read without harm, whatever a server or an old version left there", () => {
    const pointer = fc.oneof(
      fc.constantFrom("", "/", "/a", "/a/b", "/0", "/a/0/b", "/__proto__/bad", "/constructor/bad"),
      fc.string(),
    );
    const field = fc.constantFrom(
      "message_id",
      "img",
      "metadata",
      "output.output_content_text",
      "x.y",
    );
    const pointers = fc.dictionary(field, fc.oneof(fc.array(pointer), anyJson));
    const native = fc.record(
      {
        format: fc.constant("ai-sdk/ui-message@1"),
        moved: pointers,
        joined: pointers,
        rest: anyJson,
      },
      { requiredKeys: ["format", "rest"] },
    );
    fc.assert(
      fc.property(native, anyJson, (native, metadata) => {
        const before = structuredClone(native);
        const message = { ...base, metadata, output: { output_content_text: "t" }, native };
        restore(message);
        expect(native).toEqual(before);
        expect(({} as Record<string, unknown>)["bad"]).toBeUndefined();
      }),
      { numRuns: 200 },
    );
  });

  it("belongs to one format: made anew from another, it is of that one", () => {
    const asked = fromChatMessage({ role: "user", content: "Hi" } as { role: string }, base);
    const again = fromUIMessage(toUIMessage(asked), asked);
    expect(formatOf(again)).toBe("ai-sdk/ui-message@1");
    expect(textOf(again)).toBe("Hi");
  });
});

describe("a pointer", () => {
  it("puts where its parent is, and changes nothing else", () => {
    const value = { a: [{ b: 1 }, 2], c: null };
    expect(put(value, "/a/0/b", 3)).toEqual({ a: [{ b: 3 }, 2], c: null });
    expect(put(value, "/a/1", 3)).toEqual({ a: [{ b: 1 }, 3], c: null });
    expect(put(value, "/d", 3)).toEqual({ ...value, d: 3 });
    for (const nowhere of ["", "/c/d", "/e/f", "/a/2", "/a/x", "/a/length"]) {
      expect(put(value, nowhere, 3)).toEqual(value);
    }
    expect(value).toEqual({ a: [{ b: 1 }, 2], c: null });
  });

  it("finds what an object has itself", () => {
    expect(get({ a: { "": 1 } }, "/a/")).toBe(1);
    expect(get({ a: [1] }, "/a/0")).toBe(1);
    for (const nothing of ["/toString", "/a/b", "/constructor/name", "/__proto__"]) {
      expect(get({ a: 1 }, nothing)).toBeUndefined();
    }
  });
});
