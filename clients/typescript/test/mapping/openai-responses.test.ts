import type OpenAI from "openai";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  fromResponse,
  fromResponseItem,
  roleOf,
  saidIn,
  textOf,
  toResponse,
  toResponseItem,
  type ResponseCall,
} from "../../src/mapping/index.js";
import { anyExtra, anyJson, anyText, expectLossless, some } from "./laws.js";

type Item = OpenAI.Responses.ResponseInputItem | OpenAI.Responses.ResponseOutputItem;
type Response = OpenAI.Responses.Response;

const base = { conversation_id: "trip", message_id: "m1" };
const losslessItem = (item: object) =>
  expectLossless(item, (given) => fromResponseItem(given, base), toResponseItem);
const losslessCall = (call: ResponseCall) =>
  expectLossless(call, (given) => fromResponse(given, base), toResponse);

const reasoning: OpenAI.Responses.ResponseReasoningItem = {
  id: "rs_1",
  type: "reasoning",
  summary: [
    { type: "summary_text", text: "**Looking at the weather**" },
    { type: "summary_text", text: "**Answering**" },
  ],
  encrypted_content: "gAAAAABo",
};
const call: OpenAI.Responses.ResponseFunctionToolCall = {
  id: "fc_1",
  type: "function_call",
  call_id: "call_1",
  name: "get_weather",
  arguments: '{"city":"Nice"}',
  status: "completed",
};
const said: OpenAI.Responses.ResponseOutputMessage = {
  id: "msg_1",
  type: "message",
  role: "assistant",
  status: "completed",
  content: [
    {
      type: "output_text",
      text: "It is 24.5 °C.",
      annotations: [
        {
          type: "url_citation",
          start_index: 0,
          end_index: 5,
          title: "N",
          url: "https://w.example",
        },
      ],
      logprobs: [],
    },
  ],
};
const tools: OpenAI.Responses.Tool[] = [
  { type: "function", name: "get_weather", parameters: { type: "object" }, strict: true },
];

/** As it comes; the SDK's type leaves `store` out. */
const response: Response & { store: boolean } = {
  id: "resp_67cb",
  access_programs: null,
  object: "response",
  created_at: 1741476777,
  completed_at: 1741476778,
  status: "completed",
  error: null,
  incomplete_details: null,
  instructions: "Answer in one sentence.",
  max_output_tokens: 300,
  model: "gpt-5.1-2025-11-13",
  output: [reasoning, call, said],
  output_text: "It is 24.5 °C.",
  parallel_tool_calls: true,
  previous_response_id: "resp_66aa",
  reasoning: { effort: "low", summary: "auto" },
  store: true,
  temperature: 1,
  text: { format: { type: "text" }, verbosity: "medium" },
  tool_choice: "auto",
  tools,
  top_p: 0.98,
  truncation: "disabled",
  usage: {
    input_tokens: 37,
    input_tokens_details: { cached_tokens: 0, cache_write_tokens: 0 },
    output_tokens: 11,
    output_tokens_details: { reasoning_tokens: 4 },
    total_tokens: 48,
  },
  metadata: { topic: "weather" },
};

describe("an item of Responses", () => {
  it("keeps who speaks and the words", () => {
    const items: [Item, role: string, text: string][] = [
      [{ role: "user", content: "Hi" }, "user", "Hi"],
      [{ role: "developer", content: "Be brief.", type: "message" }, "developer", "Be brief."],
      [{ role: "assistant", content: "Hello!" }, "assistant", "Hello!"],
      [said, "assistant", "It is 24.5 °C."],
      [call, "assistant", ""],
      [reasoning, "assistant", ""],
      [{ type: "function_call_output", call_id: "call_1", output: "24.5" }, "tool", "24.5"],
      [
        {
          type: "function_call_output",
          call_id: "call_1",
          output: [{ type: "input_text", text: "24.5" }],
        },
        "tool",
        "24.5",
      ],
      [
        { ...said, content: [{ type: "refusal", refusal: "I can't." }], status: "incomplete" },
        "assistant",
        "I can't.",
      ],
    ];
    for (const [item, role, text] of items) {
      expect(saidIn(losslessItem(item))).toMatchObject([{ role, text }]);
    }
  });

  it("of the user shows its picture", () => {
    const message = losslessItem({
      role: "user",
      content: [
        { type: "input_text", text: "What is this?" },
        { type: "input_image", image_url: "https://img.example/1.png", detail: "auto" },
        { type: "input_file", file_id: "file-1" },
      ],
    } satisfies Item);
    expect(message.img).toBe("https://img.example/1.png");
    expect(textOf(message)).toBe("What is this?");
  });

  it("tells what it is and how far it is", () => {
    const unfinished = fromResponseItem({ ...call, status: "in_progress" }, base);
    expect(unfinished.output).toMatchObject({
      output_type: "function_call",
      output_id: "fc_1",
      output_status: "in_progress",
    });
    const thought = fromResponseItem(reasoning, { conversation_id: "trip" });
    expect(thought.message_id).toBe("rs_1");
    expect(thought.response?.reasoning_summary).toBe("**Looking at the weather**\n\n**Answering**");
  });

  it("is made of any message, with its words", () => {
    const message = { ...base, request: { request_input: "Hi" } };
    expect(toResponseItem(message)).toEqual({ type: "message", role: "user", content: "Hi" });
  });

  it("comes back equal, whatever is in it", () => {
    const part = some({
      type: fc.constantFrom("input_text", "output_text", "refusal", "input_image"),
      text: fc.oneof(anyText, anyJson),
      refusal: anyText,
      image_url: fc.oneof(anyText, anyJson),
      annotations: anyJson,
    });
    const item = fc
      .tuple(
        some({
          id: anyText,
          type: fc.constantFrom("message", "reasoning", "function_call", "function_call_output"),
          role: fc.constantFrom("user", "assistant", "system"),
          status: fc.oneof(anyText, fc.constant("in_progress")),
          content: fc.oneof(anyText, anyJson, fc.array(part, { maxLength: 4 })),
          summary: fc.oneof(anyJson, fc.array(part, { maxLength: 3 })),
          output: fc.oneof(anyText, fc.array(part, { maxLength: 3 })),
        }),
        anyExtra,
      )
      .map((objects) => Object.assign({}, ...objects) as object);
    fc.assert(
      fc.property(item, (given) => {
        losslessItem(given);
      }),
      { numRuns: 200 },
    );
  });
});

describe("a call of Responses", () => {
  it("fills what means the same", () => {
    const request: OpenAI.Responses.ResponseCreateParamsNonStreaming = {
      model: "gpt-5.1",
      input: "How warm is it in Nice?",
      instructions: "Answer in one sentence.",
      temperature: 1,
      max_output_tokens: 300,
    };
    const message = losslessCall({ request, response });
    expect(message.request).toEqual({
      request_model: "gpt-5.1",
      request_input: "How warm is it in Nice?",
      request_temperature: 1,
      request_max_tokens: 300,
    });
    expect(message.response).toEqual({
      response_id: "resp_67cb",
      object: "response",
      model: "gpt-5.1-2025-11-13",
      created_at: "2025-03-08T23:32:57.000Z",
      status: "completed",
      instructions: "Answer in one sentence.",
      max_output_tokens: 300,
      parallel_tool_calls: true,
      previous_response_id: "resp_66aa",
      reasoning_effort: "low",
      reasoning_summary: "**Looking at the weather**\n\n**Answering**",
      store: true,
      temperature: 1,
      text_format_type: "text",
      tool_choice: "auto",
      tools,
      top_p: 0.98,
      truncation: "disabled",
      usage_input_tokens: 37,
      usage_output_tokens: 11,
      usage_total_tokens: 48,
      metadata: { topic: "weather" },
    });
    expect(message.output).toEqual({
      output_type: "message",
      output_id: "msg_1",
      output_role: "assistant",
      output_status: "completed",
      output_content_type: "output_text",
      output_content_text: "It is 24.5 °C.",
      output_content_annotations: [
        {
          type: "url_citation",
          start_index: 0,
          end_index: 5,
          title: "N",
          url: "https://w.example",
        },
      ],
    });
    const json = JSON.stringify(message);
    for (const piece of ["It is 24.5", "Answer in one"]) expect(json.split(piece)).toHaveLength(2);
  });

  it("shows the last item of its input, the system's and the user's", () => {
    const input: OpenAI.Responses.ResponseInput = [
      { role: "system", content: "Be brief." },
      { role: "user", content: [{ type: "input_text", text: "How warm is it?" }] },
      call,
      { type: "function_call_output", call_id: "call_1", output: "24.5" },
    ];
    const message = losslessCall({ request: { model: "gpt-5.1", input }, response });
    expect(message.request).toMatchObject({
      request_messages_system_content: "Be brief.",
      request_messages_user_content: "How warm is it?",
    });
    const field = "request.request_messages_user_content";
    expect(saidIn(message)).toEqual([
      { role: "user", text: "How warm is it?", field },
      { role: "assistant", text: "It is 24.5 °C.", field: "output.output_content_text" },
    ]);
  });

  it("that goes on is in progress, and one that failed says why", () => {
    const going = losslessCall({ response: { ...response, status: "in_progress", output: [] } });
    expect(going.output?.output_status).toBe("in_progress");
    const error = { code: "server_error", message: "Try again." };
    const failed = losslessCall({ response: { ...response, status: "failed", error } });
    expect(failed.response).toMatchObject({ status: "failed", error });
    expect(roleOf(failed)).toBe("assistant");
  });

  it("of several messages joins them, and follows an edit", () => {
    const more = { ...said, id: "msg_2", content: [{ ...said.content[0], text: "And dry." }] };
    const output = [said, call, more];
    const message = losslessCall({ response: { ...response, output, output_text: "" } });
    expect(textOf(message)).toBe("It is 24.5 °C.\n\nAnd dry.");
    const edited = { ...message, output: { ...message.output, output_content_text: "Warm." } };
    const texts = toResponse(edited) as ResponseCall<object, Response>;
    expect(texts.response.output).toMatchObject([
      { content: [{ type: "output_text", text: "Warm." }] },
      call,
      { content: [] },
    ]);
  });

  it("comes back equal, whatever is in it", () => {
    const part = some({
      type: fc.constantFrom("output_text", "refusal"),
      text: anyText,
      annotations: fc.oneof(anyJson, fc.array(anyJson)),
    });
    const item = some({
      type: fc.constantFrom("message", "reasoning", "function_call"),
      id: anyText,
      role: fc.constantFrom("user", "assistant", "system"),
      content: fc.oneof(anyText, fc.array(part, { maxLength: 3 })),
      summary: fc.array(part, { maxLength: 3 }),
    });
    const items = fc.array(item, { maxLength: 4 });
    const shared = { instructions: fc.oneof(fc.constant("Be brief."), anyText, anyJson) };
    const call = fc.record(
      {
        request: fc
          .tuple(some({ ...shared, input: fc.oneof(anyText, items), top_p: anyJson }), anyExtra)
          .map((objects) => Object.assign({}, ...objects) as object),
        response: fc
          .tuple(
            some({
              ...shared,
              created_at: fc.oneof(fc.double(), anyJson),
              output: fc.oneof(items, anyJson),
              output_text: anyText,
              status: fc.oneof(fc.constant("queued"), anyJson),
              tools: anyJson,
              reasoning: anyJson,
              usage: fc.oneof(some({ input_tokens: fc.double() }), anyJson),
              max_output_tokens: fc.oneof(fc.double(), fc.constant(null)),
            }),
            anyExtra,
          )
          .map((objects) => Object.assign({}, ...objects) as object),
      },
      { requiredKeys: ["response"] },
    );
    fc.assert(
      fc.property(call, (given) => {
        losslessCall(given);
      }),
      { numRuns: 200 },
    );
  });
});
