//! The tables, each declared once: the schema that Diesel checks queries against, the struct of a
//! whole row, and how it is read and written. What is added here is added in a migration too.

use diesel::deserialize::{self, FromSqlRow};
use diesel::prelude::*;
use diesel::row::Row;
use diesel::sql_types::{BigInt, Bool, Double, Integer, Nullable, Text};
use diesel::sqlite::Sqlite;
use uuid::Uuid;

use convosync_domain::conversation::Conversation;
use convosync_domain::message::{MessageFields, MessageOutput, MessageRequest, MessageResponse};
use convosync_domain::posted::Digest;
use convosync_domain::stored::{ConversationHistory, MessageHistory};
use convosync_domain::timestamp::Timestamp;

use super::declare::{part_of_row, stored_table};
use super::rows::{ReadRow, RowReader};
use super::statements::{List, StoredRow};
use crate::types::sql::{
    ChangeNumber, ClientId, DigestBytes, ExtraObject, Instant, JsonText, UuidBytes,
};

stored_table! {
    /// The one row: what the store chose at random when it was made.
    store as StoreRow {
        key { id: i64 as BigInt, }
        row { epoch: Uuid as UuidBytes, digest_seed: i64 as BigInt, }
    }
}

stored_table! {
    /// A registered visitor.
    visitors as VisitorRow {
        key { id: i64 as BigInt, key: Uuid as UuidBytes, }
        row {
            kind: i32 as Integer,
            user_id: Option<String> as Nullable<Text>,
            registered_at: Timestamp as Instant,
            change_counter: u64 as ChangeNumber,
        }
    }
}

stored_table! {
    /// A conversation of a visitor.
    conversations as ConversationRow {
        key { id: i64 as BigInt, visitor: i64 as BigInt, uuid: Uuid as UuidBytes, }
        row {
            change_number: u64 as ChangeNumber,
            latest_change: u64 as ChangeNumber,
            living: bool as Bool,
        }
        history: ConversationHistory {
            stamp: Instant,
            future_stamp: Instant,
            erased_through: Instant,
        }
        content: Conversation {
            title: Text,
            created_at: Instant,
            updated_at: Instant,
            local_only: Bool,
        } + extra
    }
}

stored_table! {
    /// A message of a conversation, its parts aside.
    messages as MessageRow {
        key { id: i64 as BigInt, conversation: i64 as BigInt, uuid: Uuid as UuidBytes, }
        row {
            change_number: u64 as ChangeNumber,
            living: bool as Bool,
            digest: Option<Digest> as Nullable<DigestBytes>,
        }
        history: MessageHistory {
            stamp: Instant,
            own_stamp: Instant,
            future_stamp: Instant,
            deleted_at: Instant,
        }
        fields: MessageFields {
            timestamp: Instant,
            updated_at: Instant,
            vote: Bool,
            img: Text,
            metadata: JsonText,
            embedding: JsonText,
            doc: JsonText,
        } + extra
    }
}

stored_table! {
    /// The request of the message of this id.
    message_requests as RequestRow {
        key { id: i64 as BigInt, }
        row {}
        request: MessageRequest {
            client_id(id): ClientId,
            request_model: Text,
            request_messages_role: Text,
            request_messages_content: Text,
            request_messages_system_role: Text,
            request_messages_system_content: Text,
            request_messages_user_role: Text,
            request_messages_user_content: Text,
            request_system_prompt: Text,
            request_input: Text,
            request_temperature: Double,
            request_top_p: Double,
            request_n: BigInt,
            request_stream: Bool,
            request_stop: JsonText,
            request_max_tokens: BigInt,
            top_k: BigInt,
            repeat_penalty: Double,
            min_p: Double,
        } + extra
    }
}

stored_table! {
    /// The response of the message of this id.
    message_responses as ResponseRow {
        key { id: i64 as BigInt, }
        row {}
        response: MessageResponse {
            client_id(id): ClientId,
            response_id: Text,
            object: Text,
            model: Text,
            created_at: Instant,
            status: Text,
            error: JsonText,
            incomplete_details: JsonText,
            instructions: Text,
            max_output_tokens: BigInt,
            parallel_tool_calls: Bool,
            previous_response_id: Text,
            reasoning_effort: Text,
            reasoning_summary: Text,
            store: Bool,
            temperature: Double,
            top_p: Double,
            text_format_type: Text,
            tool_choice: JsonText,
            tools: JsonText,
            truncation: Text,
            usage_input_tokens: BigInt,
            usage_output_tokens: BigInt,
            usage_total_tokens: BigInt,
            user: Text,
            metadata: JsonText,
        } + extra
    }
}

stored_table! {
    /// The output of the message of this id.
    message_outputs as OutputRow {
        key { id: i64 as BigInt, }
        row {}
        output: MessageOutput {
            client_id(id): ClientId,
            output_type: Text,
            output_id: Text,
            output_status: Text,
            output_role: Text,
            output_content_type: Text,
            output_content_text: Text,
            output_content_annotations: JsonText,
        } + extra
    }
}

diesel::allow_tables_to_appear_in_same_query!(
    messages,
    message_requests,
    message_responses,
    message_outputs,
);

part_of_row! {
    /// The column that the list of a visitor's conversations needs.
    conversations as ConversationIdRow {
        id: i64 as BigInt,
        uuid: Uuid as UuidBytes,
    }
}

part_of_row! {
    /// What the walk of a visitor's changes needs of each conversation.
    conversations as ConversationChangeRow {
        id: i64 as BigInt,
        uuid: Uuid as UuidBytes,
        change_number: u64 as ChangeNumber,
        latest_change: u64 as ChangeNumber,
        living: bool as Bool,
    }
}

part_of_row! {
    /// What tells whether a posted message is the one that is stored.
    messages as MessageHeadRow {
        id: i64 as BigInt,
        uuid: Uuid as UuidBytes,
        digest: Option<Digest> as Nullable<DigestBytes>,
    }
}

part_of_row! {
    /// What is asked of a visitor.
    visitors as VisitorHeadRow {
        id: i64 as BigInt,
        change_counter: u64 as ChangeNumber,
    }
}
