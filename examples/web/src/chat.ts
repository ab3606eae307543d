import type { Conversation, Message } from "@convosync/client";
import { MODEL } from "./model";
import type { ChatDatabase, MessageKey } from "./database";
import { titleFor } from "./texts";

/** 128 random bits; `crypto.randomUUID` is missing where the page comes by plain HTTP from another machine. */
const newId = (): string =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) =>
    byte.toString(16).padStart(2, "0"),
  ).join("");

/** What was deleted, as it was, for `restore`. */
export interface Deleted {
  conversation?: Conversation;
  messages: Message[];
}

/**
 * Notes a question and an empty answer that is in progress, in a new conversation unless one is named.
 * Resolves to the key of the answer.
 */
export async function ask(
  db: ChatDatabase,
  conversationId: string | undefined,
  question: string,
): Promise<MessageKey> {
  return db.transaction("rw", db.conversations, db.messages, async () => {
    let id = conversationId;
    if (id === undefined) {
      id = newId();
      const created_at = new Date().toISOString();
      await db.conversations.add({ id, title: titleFor(question), created_at });
    }
    const asked = await nextMoment(db, id);
    const answerId = newId();
    await db.messages.bulkAdd([
      {
        conversation_id: id,
        message_id: newId(),
        timestamp: new Date(asked).toISOString(),
        request: {
          request_model: MODEL,
          request_messages_role: "user",
          request_messages_content: question,
        },
      },
      {
        conversation_id: id,
        message_id: answerId,
        timestamp: new Date(asked + 1).toISOString(),
        response: { model: MODEL, status: "in_progress" },
        output: {
          output_type: "message",
          output_role: "assistant",
          output_status: "in_progress",
          output_content_type: "output_text",
          output_content_text: "",
        },
      },
    ]);
    return [id, answerId];
  });
}

/** Now, or just after the last message where another device's clock is ahead, so that a question never stands before what it follows. */
async function nextMoment(db: ChatDatabase, conversationId: string): Promise<number> {
  const last = await db.messages
    .where("[conversation_id+timestamp]")
    .between([conversationId, ""], [conversationId, "\uffff"])
    .last();
  return Math.max(Date.now(), Date.parse(last?.timestamp ?? "") + 1 || 0);
}

/** Deletes a conversation with its messages. */
export async function deleteConversation(db: ChatDatabase, id: string): Promise<Deleted> {
  return db.transaction("rw", db.conversations, db.messages, async () => {
    const conversation = await db.conversations.get(id);
    const messages = await db.messages
      .where("[conversation_id+message_id]")
      .between([id, ""], [id, "\uffff"])
      .toArray();
    await db.conversations.delete(id);
    return conversation ? { conversation, messages } : { messages };
  });
}

/** Deletes a message. */
export async function deleteMessage(db: ChatDatabase, key: MessageKey): Promise<Deleted> {
  return db.transaction("rw", db.messages, async () => {
    const message = await db.messages.get(key);
    await db.messages.delete(key);
    return { messages: message ? [message] : [] };
  });
}

/** Brings back what was deleted, as an edit that is newer than the deletion. */
export async function restore(db: ChatDatabase, deleted: Deleted): Promise<void> {
  await db.transaction("rw", db.conversations, db.messages, async () => {
    if (deleted.conversation) await db.conversations.put(deleted.conversation);
    await db.messages.bulkPut(deleted.messages);
  });
}

/** Votes for or against an answer; the same vote again takes it back. */
export async function vote(db: ChatDatabase, key: MessageKey, good: boolean): Promise<void> {
  await db.messages
    .where(":id")
    .equals(key)
    .modify((message) => {
      if (message.vote === good) delete message.vote;
      else message.vote = good;
    });
}
