/** The types of our fields: a mapping fills a field only with what the server takes for it. */

/** The value as the field takes it; undefined where it does not fit. */
type Fit = (value: unknown) => unknown;

/**
 * A text as the server keeps it in a text field: U+0000 and unpaired surrogates, which no store can
 * hold, become U+FFFD.
 */
export function mend(text: string): string {
  return text.replaceAll("\0", "\uFFFD").replace(/\p{Surrogate}/gu, "\uFFFD");
}

const text: Fit = (value) => (typeof value === "string" ? mend(value) : undefined);
const number: Fit = (value) => (Number.isFinite(value) ? value : undefined);
const integer: Fit = (value) => (Number.isSafeInteger(value) ? value : undefined);
const boolean: Fit = (value) => (typeof value === "boolean" ? value : undefined);
const json: Fit = (value) => value ?? undefined;

/** Unix time in seconds, as vendors give it, to RFC 3339, which begins with the year 1. */
const time: Fit = (value) => {
  if (typeof value !== "number" || !(value >= -62_135_596_800 && value < 1e11)) return undefined;
  return new Date(value * 1000).toISOString();
};

/** Every field that is not named here is a text. */
const fits: Record<string, Fit> = {
  metadata: json,
  "request.request_temperature": number,
  "request.request_top_p": number,
  "request.request_n": integer,
  "request.request_stream": boolean,
  "request.request_stop": json,
  "request.request_max_tokens": integer,
  "request.top_k": integer,
  "request.repeat_penalty": number,
  "request.min_p": number,
  "response.created_at": time,
  "response.error": json,
  "response.incomplete_details": json,
  "response.max_output_tokens": integer,
  "response.parallel_tool_calls": boolean,
  "response.store": boolean,
  "response.temperature": number,
  "response.top_p": number,
  "response.tool_choice": json,
  "response.tools": json,
  "response.usage_input_tokens": integer,
  "response.usage_output_tokens": integer,
  "response.usage_total_tokens": integer,
  "response.metadata": json,
  "output.output_content_annotations": json,
};

/** The value as the field takes it; undefined where there is none or it does not fit. */
export function fit(field: string, value: unknown): unknown {
  return (fits[field] ?? text)(value);
}

/** Whether the field holds words, which may be empty, unlike the URL of an image. */
export function isWords(field: string): boolean {
  return !(field in fits) && field !== "img";
}
