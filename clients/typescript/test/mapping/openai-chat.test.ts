/* eslint-disable @typescript-eslint/no-deprecated -- What apps have stored has old fields, too. */
import type OpenAI from "openai";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  addChatChunk,
  fromChatCompletion,
  fromChatMessage,
  saidIn,
  textOf,
  toChatCompletion,
  toChatMessage,
  type ChatCompletionCall,
  type ChatMessageLike,
} from "../../src/mapping/index.js";
import { anyExtra, anyJson, anyText, expectLossless, some } from "./laws.js";

type Param = OpenAI.ChatCompletionMessageParam;
type Completion = OpenAI.ChatCompletion;
type Chunk = OpenAI.ChatCompletionChunk;
type Call = ChatCompletionCall<OpenAI.ChatCompletionCreateParams, Completion>;

const base = { conversation_id: "trip", message_id: "m1" };
const losslessMessage = (chat: ChatMessageLike) =>
  expectLossless(chat, (message) => fromChatMessage(message, base), toChatMessage);
const losslessCall = (call: ChatCompletionCall) =>
  expectLossless(call, (given) => fromChatCompletion(given, base), toChatCompletion);

const tools: OpenAI.ChatCompletionTool[] = [
  {
    type: "function",
    function: { name: "get_weather", parameters: { type: "object", properties: { city: {} } } },
  },
];
const calls: OpenAI.ChatCompletionMessageToolCall[] = [
  {
    id: "call_1",
    type: "function",
    function: { name: "get_weather", arguments: '{"city":"Nice"}' },
  },
];

const completion: Completion = {
  id: "chatcmpl-9x",
  object: "chat.completion",
  created: 1741476542,
  model: "gpt-4.1-2025-04-14",
  system_fingerprint: "fp_1",
  service_tier: "default",
  choices: [
    {
      index: 0,
      finish_reason: "stop",
      logprobs: null,
      message: {
        role: "assistant",
        content: "It is 24.5 °C in Nice [1].",
        refusal: null,
        annotations: [
          {
            type: "url_citation",
            url_citation: {
              start_index: 22,
              end_index: 25,
              url: "https://w.example",
              title: "Nice",
            },
          },
        ],
      },
    },
    {
      index: 1,
      finish_reason: "length",
      logprobs: null,
      message: { role: "assistant", content: "In Nice it is", refusal: null },
    },
  ],
  usage: {
    prompt_tokens: 19,
    completion_tokens: 10,
    total_tokens: 29,
    prompt_tokens_details: { cached_tokens: 3 },
  },
};

const request: OpenAI.ChatCompletionCreateParamsNonStreaming = {
  model: "gpt-4.1",
  messages: [
    { role: "developer", content: "Answer in one sentence." },
    { role: "user", content: "How warm is it in Nice?" },
    { role: "assistant", content: null, tool_calls: calls },
    { role: "tool", tool_call_id: "call_1", content: '{"celsius":24.5}' },
  ],
  n: 2,
  temperature: 0.2,
  top_p: 1,
  stop: ["\n\n"],
  max_completion_tokens: 200,
  tools,
  tool_choice: "auto",
  response_format: { type: "text" },
  user: "u-1",
};

describe("a message of Chat Completions", () => {
  it("keeps who speaks and the words", () => {
    const said: [Param, role: string, text: string][] = [
      [{ role: "system", content: "Be brief." }, "system", "Be brief."],
      [{ role: "user", content: "Hi", name: "Ann" }, "user", "Hi"],
      [{ role: "assistant", content: "Hello!" }, "assistant", "Hello!"],
      [{ role: "assistant", content: null, tool_calls: calls }, "assistant", ""],
      [{ role: "assistant", tool_calls: calls }, "assistant", ""],
      [{ role: "assistant", content: "" }, "assistant", ""],
      [{ role: "assistant", content: null, refusal: "I can't." }, "assistant", "I can't."],
      [{ role: "assistant", refusal: "I can't." }, "assistant", "I can't."],
      [
        { role: "assistant", content: [{ type: "refusal", refusal: "No." }], audio: { id: "a1" } },
        "assistant",
        "No.",
      ],
      [{ role: "tool", tool_call_id: "call_1", content: "24.5" }, "tool", "24.5"],
      [{ role: "function", name: "get_weather", content: null }, "function", ""],
    ];
    for (const [chat, role, text] of said) {
      expect(saidIn(losslessMessage(chat))).toMatchObject([{ role, text }]);
    }
  });

  it("of several parts shows their words and the first picture", () => {
    const message = losslessMessage({
      role: "user",
      content: [
        { type: "text", text: "What is this?" },
        { type: "image_url", image_url: { url: "https://img.example/1.png", detail: "low" } },
        { type: "image_url", image_url: { url: "https://img.example/2.png" } },
        { type: "input_audio", input_audio: { data: "UklGRg==", format: "wav" } },
        { type: "file", file: { file_id: "file-1" } },
        { type: "text", text: "And that?" },
      ],
    } as Param);
    expect(textOf(message)).toBe("What is this?\n\nAnd that?");
    expect(message.img).toBe("https://img.example/1.png");
  });

  it("tells a refusal as what it is", () => {
    const refused = fromChatMessage({ role: "assistant", refusal: "I can't." } as Param, base);
    expect(refused.output?.output_content_type).toBe("refusal");
  });

  it("is made of any message, with its words", () => {
    const message = { ...base, output: { output_content_text: "Hello!" } };
    expect(toChatMessage<Param>(message)).toEqual({ role: "assistant", content: "Hello!" });
  });

  it("comes back equal, whatever is in it", () => {
    const part = fc.oneof(
      fc.record({ type: fc.constant("text"), text: anyText }),
      fc.record({ type: fc.constant("refusal"), refusal: anyText }),
      fc.record({ type: fc.constant("image_url"), image_url: fc.record({ url: anyText }) }),
      fc.record({ type: fc.constant("file"), file: anyJson }),
    );
    const chat = fc
      .tuple(
        fc.record({ role: fc.constantFrom("user", "assistant", "system", "tool", "developer") }),
        some({
          content: fc.oneof(anyText, fc.constant(null), fc.array(part, { maxLength: 4 })),
          refusal: fc.oneof(anyText, fc.constant(null)),
          tool_calls: anyJson,
        }),
        anyExtra,
      )
      .map((objects) => Object.assign({}, ...objects) as ChatMessageLike);
    fc.assert(
      fc.property(chat, (message) => {
        losslessMessage(message);
      }),
      { numRuns: 200 },
    );
  });
});

describe("a call of Chat Completions", () => {
  it("fills what means the same, and keeps every choice", () => {
    const message = losslessCall({ request, completion } satisfies Call);
    expect(message.request).toEqual({
      request_model: "gpt-4.1",
      request_temperature: 0.2,
      request_top_p: 1,
      request_n: 2,
      request_stop: ["\n\n"],
      request_max_tokens: 200,
      request_messages_role: "tool",
      request_messages_content: '{"celsius":24.5}',
      request_messages_system_role: "developer",
      request_messages_system_content: "Answer in one sentence.",
      request_messages_user_role: "user",
      request_messages_user_content: "How warm is it in Nice?",
    });
    expect(message.response).toEqual({
      response_id: "chatcmpl-9x",
      object: "chat.completion",
      model: "gpt-4.1-2025-04-14",
      created_at: "2025-03-08T23:29:02.000Z",
      status: "completed",
      text_format_type: "text",
      tool_choice: "auto",
      tools,
      usage_input_tokens: 19,
      usage_output_tokens: 10,
      usage_total_tokens: 29,
      user: "u-1",
    });
    expect(message.output).toEqual({
      output_type: "message",
      output_role: "assistant",
      output_status: "completed",
      output_content_type: "output_text",
      output_content_text: "It is 24.5 °C in Nice [1].",
      output_content_annotations: completion.choices[0]?.message.annotations,
    });
  });

  it("stores its words and its tools once", () => {
    const json = JSON.stringify(fromChatCompletion({ request, completion }, base));
    const pieces = ["It is 24.5 °C", "Answer in one", "How warm", '{\\"celsius', "properties"];
    for (const piece of pieces) expect(json.split(piece)).toHaveLength(2);
  });

  it("has the completion's id where the row has none", () => {
    const message = fromChatCompletion({ completion }, { conversation_id: "trip" });
    expect(message.message_id).toBe("chatcmpl-9x");
    expect(message.request).toBeUndefined();
  });

  it("that was cut off is incomplete, and says why", () => {
    for (const reason of ["length", "content_filter"] as const) {
      const cut = structuredClone(completion);
      Object.assign(cut.choices[0] ?? {}, { finish_reason: reason });
      const message = losslessCall({ completion: cut });
      expect(message.output?.output_status).toBe("incomplete");
      expect(message.response?.incomplete_details).toEqual({ reason });
    }
  });

  it("is undefined of a message that was not made from one", () => {
    const chat = { role: "user", content: "Hi" };
    expect(toChatCompletion(fromChatMessage(chat, base))).toBeUndefined();
  });

  it("comes back equal, whatever is in it", () => {
    const message = some({
      role: fc.constantFrom("user", "system", "assistant"),
      content: anyText,
    });
    const call = fc.record(
      {
        request: fc
          .tuple(
            some({
              model: anyText,
              messages: fc.array(message, { maxLength: 4 }),
              temperature: fc.oneof(fc.double(), anyJson),
              n: fc.oneof(fc.integer(), fc.double(), fc.maxSafeInteger()),
              stop: anyJson,
              tools: anyJson,
              stream: fc.oneof(fc.boolean(), anyJson),
            }),
            anyExtra,
          )
          .map((objects) => Object.assign({}, ...objects) as object),
        completion: fc
          .tuple(
            some({
              id: anyText,
              created: fc.oneof(fc.double(), fc.integer(), anyJson),
              model: fc.oneof(anyText, anyJson),
              choices: fc.oneof(
                anyJson,
                fc.array(some({ index: fc.nat(3), finish_reason: fc.constant("stop"), message })),
              ),
              usage: fc.oneof(some({ prompt_tokens: fc.nat(), total_tokens: anyJson }), anyJson),
            }),
            anyExtra,
          )
          .map((objects) => Object.assign({}, ...objects) as object),
      },
      { requiredKeys: ["completion"] },
    );
    fc.assert(
      fc.property(call, (given) => {
        losslessCall(given);
      }),
      { numRuns: 200 },
    );
  });
});

describe("a stream of chunks", () => {
  const chunk = (choices: Chunk["choices"], more: Partial<Chunk> = {}): Chunk => ({
    id: "chatcmpl-9x",
    object: "chat.completion.chunk",
    created: 1741476542,
    model: "gpt-4.1-2025-04-14",
    system_fingerprint: "fp_1",
    choices,
    ...more,
  });
  const add = (chunks: Chunk[], to?: Completion) =>
    chunks.reduce<Completion | undefined>((completion, next) => addChatChunk(completion, next), to);
  const delta = (index: number, change: OpenAI.ChatCompletionChunk.Choice.Delta): Chunk =>
    chunk([{ index, delta: change, finish_reason: null }]);

  const usage = { prompt_tokens: 5, completion_tokens: 7, total_tokens: 12 };
  const chunks: Chunk[] = [
    delta(0, { role: "assistant", content: "", refusal: null }),
    delta(0, { content: "It " }),
    delta(1, { role: "assistant", content: "No" }),
    delta(0, { content: "is" }),
    delta(0, {
      tool_calls: [
        {
          index: 0,
          id: "call_1",
          type: "function",
          function: { name: "get_weather", arguments: "" },
        },
      ],
    }),
    delta(0, { tool_calls: [{ index: 0, function: { arguments: '{"city":' } }] }),
    delta(0, {
      tool_calls: [
        {
          index: 1,
          id: "call_2",
          type: "function",
          function: { name: "get_time", arguments: "{" },
        },
      ],
    }),
    delta(0, { tool_calls: [{ index: 0, function: { arguments: '"Nice"}' } }] }),
    delta(0, { tool_calls: [{ index: 1, function: { arguments: "}" } }] }),
    chunk([{ index: 0, delta: {}, finish_reason: "tool_calls" }]),
    chunk([{ index: 1, delta: {}, finish_reason: "stop" }]),
    chunk([], { usage }),
  ];

  it("ends as the completion that was not streamed", () => {
    expect(add(chunks)).toEqual({
      id: "chatcmpl-9x",
      object: "chat.completion",
      created: 1741476542,
      model: "gpt-4.1-2025-04-14",
      system_fingerprint: "fp_1",
      usage,
      choices: [
        {
          index: 0,
          finish_reason: "tool_calls",
          logprobs: null,
          message: {
            role: "assistant",
            content: "It is",
            refusal: null,
            tool_calls: [
              ...calls,
              { id: "call_2", type: "function", function: { name: "get_time", arguments: "{}" } },
            ],
          },
        },
        {
          index: 1,
          finish_reason: "stop",
          logprobs: null,
          message: { role: "assistant", content: "No", refusal: null },
        },
      ],
    });
  });

  it("is in progress until it ends", () => {
    const statuses = chunks.map((_, end) => {
      const completion = add(chunks.slice(0, end + 1)) as Completion;
      return losslessCall({ completion }).output?.output_status;
    });
    expect(statuses.slice(0, 9)).toEqual(Array(9).fill("in_progress"));
    expect(statuses.slice(9)).toEqual(["completed", "completed", "completed"]);
  });

  it("that refuses shows the refusal, also when some services tell the role every time", () => {
    const refused = add([
      delta(0, { role: "assistant", refusal: "I " }),
      delta(0, { role: "assistant", refusal: "can't." }),
    ]) as Completion;
    const message = losslessCall({ completion: refused });
    expect(saidIn(message)).toMatchObject([{ role: "assistant", text: "I can't." }]);
    expect(refused.choices[0]?.message.role).toBe("assistant");
  });

  it("gives the same completion however its text is cut", () => {
    fc.assert(
      fc.property(fc.array(anyText, { minLength: 1 }), (texts) => {
        const streamed = add(texts.map((content) => delta(0, { content })));
        expect(streamed?.choices[0]?.message.content).toBe(texts.join(""));
      }),
    );
  });

  it("does not change the completion that it adds to", () => {
    const before = add(chunks.slice(0, 6));
    const copy = structuredClone(before);
    add(chunks.slice(6), before);
    expect(before).toEqual(copy);
  });
});
