import type { UIDataTypes, UIMessage, UITools } from "ai";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fromUIMessage, textOf, toUIMessage } from "../../src/mapping/index.js";
import { anyExtra, anyJson, anyText, expectLossless, some } from "./laws.js";

interface AppMetadata {
  createdAt: number;
  model?: string;
  usage?: { inputTokens: number; outputTokens: number };
}
interface AppData extends UIDataTypes {
  weather: { city: string; celsius: number };
}
interface AppTools extends UITools {
  getWeather: { input: { city: string }; output: { celsius: number } };
}
type AppMessage = UIMessage<AppMetadata, AppData, AppTools>;

const base = { conversation_id: "trip" };
const lossless = (ui: UIMessage) =>
  expectLossless(ui, (message) => fromUIMessage(message, base), toUIMessage);

const question: AppMessage = {
  id: "msg-q1",
  role: "user",
  metadata: { createdAt: 1767583930285 },
  parts: [
    { type: "text", text: "What is this, and how warm is it there?" },
    {
      type: "file",
      mediaType: "image/png",
      filename: "beach.png",
      url: "data:image/png;base64,iVBORw0KGgo=",
    },
    { type: "file", mediaType: "application/pdf", url: "https://files.example/plan.pdf" },
  ],
};

const answer: AppMessage = {
  id: "msg-a1",
  role: "assistant",
  metadata: {
    createdAt: 1767583931000,
    model: "gpt-5.1",
    usage: { inputTokens: 9, outputTokens: 4 },
  },
  parts: [
    { type: "step-start" },
    {
      type: "reasoning",
      text: "The user asks for the weather of a beach.",
      state: "done",
      providerMetadata: { anthropic: { signature: "EqQBCgIYAhIM" } },
    },
    { type: "text", text: "Let me look.", state: "done" },
    {
      type: "tool-getWeather",
      toolCallId: "call_1",
      state: "output-available",
      input: { city: "Nice" },
      output: { celsius: 24.5 },
      callProviderMetadata: { openai: { itemId: "fc_1" } },
    },
    { type: "step-start" },
    { type: "source-url", sourceId: "s1", url: "https://weather.example/nice", title: "Nice" },
    { type: "source-document", sourceId: "s2", mediaType: "application/pdf", title: "Climate" },
    { type: "data-weather", id: "w1", data: { city: "Nice", celsius: 24.5 } },
    { type: "text", text: "It is **24.5 °C** in Nice.", state: "done" },
  ],
};

describe("a UIMessage", () => {
  it("of a user keeps its words in the request and its picture in img", () => {
    const message = lossless(question);
    expect(message).toEqual({
      conversation_id: "trip",
      message_id: "msg-q1",
      metadata: { createdAt: 1767583930285 },
      img: "data:image/png;base64,iVBORw0KGgo=",
      request: {
        request_messages_role: "user",
        request_messages_content: "What is this, and how warm is it there?",
      },
      native: {
        format: "ai-sdk/ui-message@1",
        moved: {
          message_id: ["/id"],
          metadata: ["/metadata"],
          img: ["/parts/1/url"],
          "request.request_messages_content": ["/parts/0/text"],
        },
        rest: {
          role: "user",
          parts: [
            { type: "text" },
            { type: "file", mediaType: "image/png", filename: "beach.png" },
            { type: "file", mediaType: "application/pdf", url: "https://files.example/plan.pdf" },
          ],
        },
      },
    });
  });

  it("of an assistant shows the texts of all its steps, its reasoning and its sources", () => {
    const message = lossless(answer);
    expect(textOf(message)).toBe("Let me look.\n\nIt is **24.5 °C** in Nice.");
    expect(message.output).toMatchObject({
      output_type: "message",
      output_role: "assistant",
      output_status: "completed",
      output_content_annotations: [answer.parts[5], answer.parts[6]],
    });
    expect(message.response?.reasoning_summary).toBe("The user asks for the weather of a beach.");
  });

  it("keeps a call of a tool in each of its states, of tools known and not known", () => {
    const approval = { id: "ap_1", signature: "c2ln" };
    const states = [
      { state: "input-streaming", input: { city: "Ni" }, rawInput: '{"city":"Ni' },
      { state: "input-streaming" },
      { state: "input-available", input: { city: "Nice" } },
      { state: "approval-requested", input: { city: "Nice" }, approval },
      {
        state: "approval-responded",
        input: { city: "Nice" },
        approval: { ...approval, approved: false, reason: "too far" },
      },
      {
        state: "output-available",
        input: { city: "Nice" },
        output: { celsius: 1 },
        preliminary: true,
      },
      { state: "output-error", input: { city: "" }, rawInput: "{", errorText: "bad\0input" },
      {
        state: "output-denied",
        input: { city: "Nice" },
        approval: { ...approval, approved: false },
      },
    ] as const;
    for (const state of states) {
      const known = {
        type: "tool-getWeather",
        toolCallId: "c1",
        title: "Weather",
        ...state,
      } as const;
      const dynamic = {
        ...{ type: "dynamic-tool", toolName: "mcp_find", toolCallId: "c2", providerExecuted: true },
        ...state,
      } as const;
      const ui = { id: "m", role: "assistant", parts: [known, dynamic] } as AppMessage;
      const message = lossless(ui);
      const status = state.state === "input-streaming" ? "in_progress" : "completed";
      expect(message.output?.output_status).toBe(status);
      expect(textOf(message)).toBe("");
    }
  });

  it("is in progress while a part streams, and what the app says otherwise", () => {
    const ui: AppMessage = {
      id: "m",
      role: "assistant",
      parts: [{ type: "text", text: "It is", state: "streaming" }],
    };
    expect(fromUIMessage(ui, base).output?.output_status).toBe("in_progress");
    expect(fromUIMessage(ui, base, "incomplete").output?.output_status).toBe("incomplete");
  });

  it("does not send its parts again when only its text grows", () => {
    const grow = (text: string): AppMessage => ({ ...answer, parts: [{ type: "text", text }] });
    const [before, after] = [grow("It"), grow("It is")].map((ui) => fromUIMessage(ui, base));
    expect(after?.["native"]).toEqual(before?.["native"]);
    expect(after?.output).not.toEqual(before?.output);
  });

  it("follows an edit of our text, of one part and of several", () => {
    const asked = fromUIMessage(question, base);
    const edited = toUIMessage<AppMessage>({
      ...asked,
      request: { ...asked.request, request_messages_content: "How warm is it?" },
    });
    expect(edited.parts[0]).toEqual({ type: "text", text: "How warm is it?" });
    expect(edited.parts.slice(1)).toEqual(question.parts.slice(1));

    const said = fromUIMessage(answer, base);
    const rewritten = toUIMessage<AppMessage>({
      ...said,
      output: { ...said.output, output_content_text: "24.5 °C." },
    });
    expect(rewritten.parts.filter((part) => part.type === "text")).toEqual([
      { type: "text", text: "24.5 °C.", state: "done" },
    ]);
    expect(rewritten.parts).toHaveLength(answer.parts.length - 1);
  });

  it("loses the part of a picture that was cleared, and keeps a text that was as empty", () => {
    const cleared = { ...fromUIMessage(question, base), img: null, request: {} } as never;
    expect(toUIMessage<AppMessage>(cleared).parts).toEqual([
      { type: "text", text: "" },
      question.parts[2],
    ]);
  });

  it("keeps what the row has beside it", () => {
    const row = { ...base, vote: true, parent_id: "msg-q0", timestamp: "2026-01-05T03:32:10Z" };
    expect(fromUIMessage(question, row)).toMatchObject(row);
  });

  it("has the id of the row, and one of its own where they differ", () => {
    const copy = { ...fromUIMessage(question, base), message_id: "msg-copy" };
    expect(toUIMessage(copy).id).toBe("msg-copy");
    const other = fromUIMessage(question, { ...base, message_id: "row-7" });
    expect(other.message_id).toBe("row-7");
    expect(toUIMessage(other)).toStrictEqual(question);
  });

  it("has an id in lower case where it is a UUID, and gets its own back", () => {
    const id = "4CCAB2CE-F948-4A7B-BEC6-103D5125687C";
    expect(lossless({ ...question, id }).message_id).toBe(id.toLowerCase());
  });

  it("without an id that the server takes needs one", () => {
    for (const id of ["", "a\nb", "x".repeat(129), "\ud83d"]) {
      expect(() => fromUIMessage({ ...question, id }, base)).toThrow(TypeError);
      const placed = { ...base, message_id: "m1" };
      expect(toUIMessage(fromUIMessage({ ...question, id }, placed))).toEqual({ ...question, id });
    }
  });

  it("is made of any message, with its words", () => {
    const seed = {
      ...base,
      message_id: "m1",
      request: { request_messages_role: "user", request_messages_content: "Hi" },
      output: { output_type: "text", output_content_text: "Hello!" },
    };
    expect(toUIMessage(seed)).toEqual({
      id: "m1",
      role: "assistant",
      parts: [{ type: "text", text: "Hello!" }],
    });
  });

  it("comes back equal, whatever is in it", () => {
    const state = fc.constantFrom("streaming" as const, "done" as const);
    const tool = fc.record({
      type: fc.constantFrom("tool-getWeather", "dynamic-tool"),
      toolCallId: fc.string(),
      state: fc.constantFrom("input-streaming", "input-available", "output-available"),
      input: anyJson,
      output: anyJson,
    });
    const part = fc.oneof(
      fc.record(
        { type: fc.constant("text"), text: anyText, state },
        { requiredKeys: ["type", "text"] },
      ),
      fc.record({ type: fc.constant("reasoning"), text: anyText, providerMetadata: anyJson }),
      fc.record({
        type: fc.constant("file"),
        mediaType: fc.constantFrom("image/png", "text/csv"),
        url: anyText,
      }),
      fc.record({ type: fc.constant("source-url"), sourceId: fc.string(), url: fc.webUrl() }),
      fc.record({ type: fc.constant("data-weather"), data: anyJson }),
      fc.constant({ type: "step-start" }),
      tool,
    );
    const ui = fc
      .tuple(
        fc.record({
          id: fc.oneof(
            fc.uuid().map((id) => id.toUpperCase()),
            fc.stringMatching(/^[\w-]{1,20}$/),
          ),
          role: fc.constantFrom("user", "assistant", "system"),
          parts: fc.array(part, { maxLength: 6 }),
        }),
        some({ metadata: anyJson }),
        anyExtra,
      )
      .map((objects) => Object.assign({}, ...objects) as UIMessage);
    fc.assert(
      fc.property(ui, (message) => {
        lossless(message);
      }),
      { numRuns: 200 },
    );
  });
});
