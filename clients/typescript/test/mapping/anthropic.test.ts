import type Anthropic from "@anthropic-ai/sdk";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  fromAnthropicCall,
  fromAnthropicMessage,
  roleOf,
  saidIn,
  textOf,
  toAnthropicCall,
  toAnthropicMessage,
  type AnthropicCall,
  type AnthropicMessageLike,
} from "../../src/mapping/index.js";
import { anyExtra, anyJson, anyText, expectLossless, some } from "./laws.js";

const base = { conversation_id: "trip", message_id: "m1" };
const losslessMessage = (message: AnthropicMessageLike) =>
  expectLossless(message, (given) => fromAnthropicMessage(given, base), toAnthropicMessage);
const losslessCall = (call: AnthropicCall) =>
  expectLossless(call, (given) => fromAnthropicCall(given, base), toAnthropicCall);

const usage: Anthropic.Usage = {
  input_tokens: 12,
  output_tokens: 40,
  cache_creation_input_tokens: 100,
  cache_read_input_tokens: 2048,
  cache_creation: { ephemeral_1h_input_tokens: 0, ephemeral_5m_input_tokens: 100 },
  inference_geo: null,
  output_tokens_details: null,
  server_tool_use: null,
  service_tier: "standard",
  speed: "standard",
};

const received: Anthropic.Message = {
  id: "msg_01XFDUDYJgAACzvnptvVoYEL",
  type: "message",
  role: "assistant",
  model: "claude-sonnet-4-5-20250929",
  container: null,
  diagnostics: null,
  stop_details: null,
  stop_reason: "tool_use",
  stop_sequence: null,
  usage,
  content: [
    { type: "thinking", thinking: "They ask for the weather.", signature: "EqQBCgIYAhIMpc0=" },
    { type: "redacted_thinking", data: "EmwKAhgBEgy3va3p" },
    {
      type: "text",
      text: "I'll look.",
      citations: [
        {
          type: "char_location",
          cited_text: "look",
          document_index: 0,
          document_title: "Plan",
          start_char_index: 0,
          end_char_index: 4,
          file_id: null,
        },
      ],
    },
    {
      type: "tool_use",
      id: "toolu_01A",
      name: "get_weather",
      input: { city: "Nice" },
      caller: { type: "direct" },
    },
  ],
};

const result: Anthropic.MessageParam = {
  role: "user",
  content: [
    { type: "tool_result", tool_use_id: "toolu_01A", content: "24.5 °C" },
    {
      type: "tool_result",
      tool_use_id: "toolu_01B",
      is_error: true,
      content: [{ type: "text", text: "No such city" }],
    },
  ],
};

describe("a message of the Messages API", () => {
  it("keeps who speaks and the words", () => {
    const messages: [Anthropic.MessageParam, role: string, text: string][] = [
      [{ role: "user", content: "Hi" }, "user", "Hi"],
      [{ role: "assistant", content: "Hello!" }, "assistant", "Hello!"],
      [result, "tool", "24.5 °C\n\nNo such city"],
      [
        {
          role: "user",
          content: [
            { type: "tool_result", tool_use_id: "toolu_01A" },
            { type: "text", text: "Go on.", cache_control: { type: "ephemeral" } },
          ],
        },
        "user",
        "Go on.",
      ],
      [received, "assistant", "I'll look."],
    ];
    for (const [message, role, text] of messages) {
      expect(saidIn(losslessMessage(message))).toMatchObject([{ role, text }]);
    }
  });

  it("that was received tells its model, its usage, its thinking and its citations", () => {
    const message = losslessMessage(received);
    expect(message.response).toEqual({
      response_id: "msg_01XFDUDYJgAACzvnptvVoYEL",
      object: "message",
      model: "claude-sonnet-4-5-20250929",
      status: "completed",
      reasoning_summary: "They ask for the weather.",
      usage_input_tokens: 2160,
      usage_output_tokens: 40,
      usage_total_tokens: 2200,
    });
    expect(message.output).toMatchObject({
      output_status: "completed",
      output_content_annotations: [{ type: "char_location", cited_text: "look" }],
    });
  });

  it("keeps its thinking as it was signed", () => {
    for (const thinking of ["a\0b", "\ud83d cut", "fine \ud83d\ude00", ""]) {
      const content: Anthropic.ContentBlock[] = [{ type: "thinking", thinking, signature: "s" }];
      losslessMessage({ ...received, content });
    }
  });

  it("is in progress while it streams, and incomplete when it was cut off", () => {
    const status = (stop_reason: Anthropic.StopReason | null) =>
      losslessMessage({ ...received, stop_reason } as Anthropic.Message).output?.output_status;
    expect(status(null)).toBe("in_progress");
    expect(status("end_turn")).toBe("completed");
    expect(status("max_tokens")).toBe("incomplete");
    expect(status("refusal")).toBe("incomplete");
    const stopped = fromAnthropicMessage(received, base, "cancelled");
    expect(stopped.output?.output_status).toBe("cancelled");
    expect(stopped.response?.status).toBe("cancelled");
  });

  it("shows a picture that has a URL, and keeps one that has its bytes", () => {
    const message = losslessMessage({
      role: "user",
      content: [
        {
          type: "image",
          source: { type: "base64", media_type: "image/png", data: "iVBORw0KGgo=" },
        },
        { type: "image", source: { type: "url", url: "https://img.example/1.png" } },
        { type: "text", text: "Compare." },
      ],
    } satisfies Anthropic.MessageParam);
    expect(message.img).toBe("https://img.example/1.png");
  });

  it("is made of any message, with its words", () => {
    const message = { ...base, request: { request_messages_role: "tool", request_input: "24" } };
    expect(toAnthropicMessage(message)).toEqual({ role: "user", content: "24" });
    expect(roleOf(fromAnthropicMessage(received, base))).toBe("assistant");
  });

  const block = some({
    type: fc.constantFrom("text", "thinking", "tool_use", "tool_result", "image"),
    text: fc.oneof(anyText, anyJson),
    thinking: anyText,
    signature: anyText,
    citations: fc.oneof(fc.constant(null), fc.array(anyJson)),
    source: fc.oneof(some({ type: fc.constant("url"), url: anyText }), anyJson),
    content: fc.oneof(anyText, fc.array(some({ type: fc.constant("text"), text: anyText }))),
    input: anyJson,
  });
  const anyMessage = fc
    .tuple(
      fc.record({
        role: fc.constantFrom("user", "assistant"),
        content: fc.oneof(anyText, anyJson, fc.array(block, { maxLength: 5 })),
      }),
      some({
        id: anyText,
        stop_reason: fc.oneof(fc.constant(null), fc.constant("end_turn"), anyJson),
        usage: fc.oneof(some({ input_tokens: fc.nat(), output_tokens: fc.double() }), anyJson),
      }),
      anyExtra,
    )
    .map((objects) => Object.assign({}, ...objects) as AnthropicMessageLike);

  it("comes back equal, whatever is in it", () => {
    fc.assert(
      fc.property(anyMessage, (message) => {
        losslessMessage(message);
      }),
      { numRuns: 200 },
    );
  });

  it("comes back equal in a call, whatever is in it", () => {
    const request = some({
      model: anyText,
      system: fc.oneof(anyText, fc.array(block, { maxLength: 3 })),
      messages: fc.array(anyMessage, { maxLength: 3 }),
      top_k: fc.oneof(fc.integer(), anyJson),
      tools: anyJson,
    });
    const call = fc.record({ request, message: anyMessage }, { requiredKeys: ["message"] });
    fc.assert(
      fc.property(call, (given) => {
        losslessCall(given);
      }),
      { numRuns: 200 },
    );
  });
});

describe("a call of the Messages API", () => {
  /** With `temperature` and `top_k`, which the SDK's type has no more and older apps have sent. */
  const request: Anthropic.MessageCreateParamsNonStreaming & Record<string, unknown> = {
    model: "claude-sonnet-4-5",
    max_tokens: 1024,
    temperature: 0.5,
    top_k: 40,
    stop_sequences: ["END"],
    system: [
      { type: "text", text: "You know the weather.", cache_control: { type: "ephemeral" } },
      { type: "text", text: "Be brief." },
    ],
    messages: [{ role: "user", content: "How warm is it in Nice?" }],
    tools: [{ name: "get_weather", input_schema: { type: "object" } }],
    tool_choice: { type: "auto" },
    metadata: { user_id: "u-1" },
  };

  it("fills what means the same", () => {
    const message = losslessCall({ request, message: received });
    expect(message.request).toEqual({
      request_model: "claude-sonnet-4-5",
      request_max_tokens: 1024,
      request_temperature: 0.5,
      top_k: 40,
      request_stop: ["END"],
      request_system_prompt: "You know the weather.\n\nBe brief.",
      request_messages_role: "user",
      request_messages_content: "How warm is it in Nice?",
    });
    expect(message.response).toMatchObject({
      tools: request.tools,
      tool_choice: { type: "auto" },
      user: "u-1",
    });
    expect(textOf(message)).toBe("I'll look.");
  });

  it("is undefined of a message that was not made from one", () => {
    expect(toAnthropicCall(fromAnthropicMessage(received, base))).toBeUndefined();
  });
});
