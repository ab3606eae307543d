import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import * as mapping from "../../src/mapping/index.js";

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");
const document = read("../../docs/mapping.md");

/** A format's section of the document, its source, and what maps the object of its example. */
interface Documented {
  title: string;
  source: string;
  from: (native: never, base: mapping.Base) => mapping.MappedMessage;
  to: (message: mapping.MappedMessage) => object;
}

const formats: Documented[] = [
  {
    title: "AI SDK",
    source: "ui-message",
    from: mapping.fromUIMessage,
    to: mapping.toUIMessage,
  },
  {
    title: "OpenAI Chat Completions",
    source: "openai-chat",
    from: mapping.fromChatMessage,
    to: mapping.toChatMessage,
  },
  {
    title: "OpenAI Responses",
    source: "openai-responses",
    from: mapping.fromResponseItem,
    to: mapping.toResponseItem,
  },
  {
    title: "Anthropic Messages",
    source: "anthropic",
    from: mapping.fromAnthropicMessage,
    to: mapping.toAnthropicMessage,
  },
  {
    title: "LangChain",
    source: "langchain",
    from: mapping.fromLangChainMessage,
    to: mapping.toLangChainMessage,
  },
];

describe.each(formats)("docs/mapping.md on $title", ({ title, source, from, to }) => {
  const section = document.split(/^## /m).find((text) => text.startsWith(`${title}:`)) ?? "";
  const code = read(`src/mapping/${source}.ts`);

  it("has an example that is so", () => {
    const examples = [...section.matchAll(/```json\n(.*?)```/gs)].map(
      ([, json]) => JSON.parse(json ?? "") as Record<string, unknown>,
    );
    expect(examples).toHaveLength(2);
    const [native, ours] = examples;
    const id = ours?.["message_id"];
    const base = {
      conversation_id: "c",
      ...(native?.["id"] === undefined && { message_id: String(id) }),
    };
    const { conversation_id, ...message } = from(native as never, base);
    expect(conversation_id).toBe("c");
    expect(message).toEqual(ours);
    expect(to({ ...message, conversation_id })).toEqual(native);
  });

  it("names every field that is filled, and every format and function", () => {
    const fields = [...code.matchAll(/"((?:request|response|output)\.\w+|img|metadata)"/g)];
    const formats = [...code.matchAll(/"([\w-]+\/[\w-]+@\d+)"/g)];
    const functions = [...code.matchAll(/^export function (\w+)/gm)];
    const names = [...fields, ...formats, ...functions].map(([, name]) => name ?? "");
    expect(names.length).toBeGreaterThan(5);
    expect(names.filter((name) => !section.includes(`\`${name}`))).toEqual([]);
  });
});
