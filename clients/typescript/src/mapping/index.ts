/**
 * Mappings between the shapes that apps hold and Convosync's message, both ways and without loss.
 * `docs/mapping.md` states the convention for clients in any language.
 *
 * @module
 */
export * from "./anthropic.js";
export { branchTo, siblingsOf } from "./branches.js";
export * from "./langchain.js";
export type { Base, MappedMessage, OutputStatus } from "./message.js";
export { formatOf, restore, type Native } from "./native.js";
export * from "./openai-chat.js";
export * from "./openai-chat-stream.js";
export * from "./openai-responses.js";
export { roleOf, saidIn, textOf, type Said } from "./show.js";
export * from "./ui-message.js";
