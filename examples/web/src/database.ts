import { syncTables, type Conversation, type Message } from "@convosync/client";
import { Dexie, type Table } from "dexie";

/** The key of a message: its conversation's id and its own. */
export type MessageKey = [conversationId: string, messageId: string];

/** An answer that this browser writes; it stays here, as only this browser can finish it. */
export interface Answering {
  conversation_id: string;
  message_id: string;
}

/** What this browser keeps of the chats. `conversations` and `messages` are in sync with the server. */
export class ChatDatabase extends Dexie {
  conversations!: Table<Conversation, string>;
  messages!: Table<Message, MessageKey>;
  answering!: Table<Answering, MessageKey>;

  constructor(name: string) {
    super(name);
    this.version(1).stores({
      conversations: "id, updated_at",
      messages: "[conversation_id+message_id], [conversation_id+timestamp]",
      answering: "[conversation_id+message_id]",
      ...syncTables,
    });
  }
}
