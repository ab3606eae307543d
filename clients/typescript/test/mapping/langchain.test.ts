/* eslint-disable @typescript-eslint/no-deprecated -- What apps have stored has old fields, too. */
import {
  AIMessage,
  AIMessageChunk,
  ChatMessage,
  HumanMessage,
  mapChatMessagesToStoredMessages,
  mapStoredMessagesToChatMessages,
  SystemMessage,
  ToolMessage,
  type BaseMessage,
  type StandardMessageStructure,
  type StoredMessage,
} from "@langchain/core/messages";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  fromLangChainMessage,
  saidIn,
  textOf,
  toLangChainMessage,
} from "../../src/mapping/index.js";
import { anyExtra, anyJson, anyText, expectLossless, some } from "./laws.js";

const base = { conversation_id: "trip", message_id: "m1" };
const lossless = (stored: object) =>
  expectLossless(stored, (given) => fromLangChainMessage(given, base), toLangChainMessage);

const answer = new AIMessage<StandardMessageStructure>({
  id: "run-1",
  content: "Let me look.",
  name: "guide",
  tool_calls: [{ name: "get_weather", args: { city: "Nice" }, id: "call_1", type: "tool_call" }],
  additional_kwargs: { tool_calls: [] },
  usage_metadata: { input_tokens: 9, output_tokens: 4, total_tokens: 13 },
  response_metadata: { model_name: "gpt-4.1", id: "chatcmpl-9x", finish_reason: "tool_calls" },
});

const spoken: [BaseMessage, role: string, text: string][] = [
  [new SystemMessage("Be brief."), "system", "Be brief."],
  [new HumanMessage({ content: "How warm is it?", id: "h1" }), "user", "How warm is it?"],
  [answer, "assistant", "Let me look."],
  [new AIMessageChunk("It is"), "assistant", "It is"],
  [new ToolMessage({ content: "24.5", tool_call_id: "call_1", status: "success" }), "tool", "24.5"],
  [new ChatMessage({ content: "Well.", role: "critic" }), "critic", "Well."],
];

describe("a message of LangChain", () => {
  it("stored keeps who speaks and the words, and lives again", () => {
    const stored = mapChatMessagesToStoredMessages(spoken.map(([message]) => message));
    const messages = stored.map((message) => lossless(message));
    expect(messages.flatMap(saidIn)).toMatchObject(
      spoken.map(([, role, text]) => ({ role, text })),
    );
    const back = messages.map((message) => toLangChainMessage<StoredMessage>(message));
    const alive = mapStoredMessagesToChatMessages(back);
    expect(mapChatMessagesToStoredMessages(alive)).toEqual(
      mapChatMessagesToStoredMessages(mapStoredMessagesToChatMessages(stored)),
    );
    expect(alive[2]).toBeInstanceOf(AIMessage);
    expect((alive[2] as AIMessage).tool_calls).toEqual(answer.tool_calls);
  });

  it("serialised keeps who speaks and the words", () => {
    for (const [message, role, text] of spoken.slice(0, 5)) {
      const serialised = JSON.parse(JSON.stringify(message)) as object;
      expect(saidIn(lossless(serialised))).toMatchObject([{ role, text }]);
    }
  });

  it("flat, as LangGraph's API has it, keeps who speaks and the words", () => {
    const flat = { type: "ai", id: "run-2", content: "Hello!", tool_calls: [], example: false };
    expect(saidIn(lossless(flat))).toMatchObject([{ role: "assistant", text: "Hello!" }]);
    const message = fromLangChainMessage(flat, { conversation_id: "trip" });
    expect(message.message_id).toBe("run-2");
  });

  it("tells its model and its usage", () => {
    const message = lossless(answer.toDict());
    expect(message.response).toEqual({
      response_id: "chatcmpl-9x",
      model: "gpt-4.1",
      usage_input_tokens: 9,
      usage_output_tokens: 4,
      usage_total_tokens: 13,
    });
    expect(message.output?.output_status).toBe("completed");
    const streamed = fromLangChainMessage(answer.toDict(), base, "in_progress");
    expect(streamed.output?.output_status).toBe("in_progress");
  });

  it("of several blocks shows the words, the reasoning and the picture", () => {
    const seen = lossless(
      new HumanMessage({
        content: [
          { type: "text", text: "What is this?" },
          { type: "image_url", image_url: { url: "https://img.example/1.png" } },
        ],
      }).toDict(),
    );
    expect(seen.img).toBe("https://img.example/1.png");
    expect(textOf(seen)).toBe("What is this?");
    const thought = lossless(
      new AIMessage({
        content: [
          { type: "reasoning", reasoning: "A beach, it seems." },
          { type: "text", text: "A beach" },
          { type: "text", text: "in Nice." },
        ],
      }).toDict(),
    );
    expect(thought.response?.reasoning_summary).toBe("A beach, it seems.");
    expect(textOf(thought)).toBe("A beach\n\nin Nice.");
  });

  it("is made of any message, with its words", () => {
    const made = (role: string) =>
      toLangChainMessage<StoredMessage>({
        ...base,
        request: { request_messages_role: role, request_messages_content: "Hi" },
      });
    const data = { content: "Hi", id: "m1" };
    expect(made("user")).toEqual({ type: "human", data });
    expect(made("critic")).toEqual({ type: "generic", data: { ...data, role: "critic" } });
    expect(mapStoredMessagesToChatMessages([made("user")])[0]?.text).toBe("Hi");
  });

  it("comes back equal, whatever is in it", () => {
    const block = some({
      type: fc.constantFrom("text", "image_url", "reasoning", "thinking"),
      text: fc.oneof(anyText, anyJson),
      image_url: fc.oneof(anyText, some({ url: anyText })),
      reasoning: anyText,
      thinking: anyText,
    });
    const data = fc
      .tuple(
        some({
          content: fc.oneof(anyText, anyJson, fc.array(block, { maxLength: 4 })),
          id: anyText,
          role: fc.oneof(anyText, anyJson),
          response_metadata: fc.oneof(some({ model_name: anyText }), anyJson),
          usage_metadata: fc.oneof(some({ input_tokens: fc.double() }), anyJson),
          tool_calls: anyJson,
        }),
        anyExtra,
      )
      .map((objects) => Object.assign({}, ...objects) as object);
    const type = fc.constantFrom("human", "ai", "system", "tool", "generic", "AIMessageChunk");
    const name = fc.constantFrom("HumanMessage", "AIMessageChunk", "ToolMessage", "Other");
    const stored: fc.Arbitrary<object> = fc.oneof(
      fc.record({ type, data }),
      fc.tuple(type, data).map(([type, data]) => ({ ...data, type })),
      fc.record({
        lc: fc.constant(1),
        type: fc.constant("constructor"),
        id: fc.tuple(fc.constant("langchain_core"), fc.constant("messages"), name),
        kwargs: data,
      }),
    );
    fc.assert(
      fc.property(stored, (message) => {
        lossless(message);
      }),
      { numRuns: 200 },
    );
  });
});
