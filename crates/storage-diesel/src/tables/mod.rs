//! The tables that every backend has, each declared once, and the macros that make code of that. Read
//! them in this order; the documentation of the crate shows what they make of one table.
//!
//! 1. [`for_every_table`] here: the columns of every table but for the keys, which differ.
//! 2. [`read_row`]: the struct of a row, and how it is read.
//! 3. [`sqlite`] and [`postgres`]: how a row is written, and Diesel's `table!` where queries are built by it.
//!    The `schema` of each backend calls them, with its keys.

#[cfg(test)]
pub(crate) mod compare_columns;
pub(crate) mod postgres;
pub(crate) mod read_row;
pub(crate) mod sqlite;

/// Calls a backend's macro for each table, with the struct of a row and its columns but for the key:
/// the columns of the `row` are fields of the struct; each group after them is a struct of the domain
/// whose fields are columns, all optional; those that few apps use stand after a `;`. `column(field)`
/// names a field that is called otherwise there. What is added here is added in the migrations of every
/// backend too.
macro_rules! for_every_table {
    ($each:ident) => {
        $each! {
            /// The one row: what the store chose at random when it was made.
            store as StoreRow {
                row { epoch: Uuid as UuidBytes, digest_seed: i64 as BigInt, }
            }
        }
        $each! {
            /// An API key, by the bits of its id.
            api_keys as ApiKeyRow {
                row {
                    name: ApiKeyName as KeyName,
                    secret_hash: SecretHash as HashBytes,
                    scopes: Scopes as ScopeWords,
                    created_at: Timestamp as Instant,
                    expires_at: Option<Timestamp> as Nullable<Instant>,
                    revoked_at: Option<Timestamp> as Nullable<Instant>,
                }
            }
        }
        $each! {
            /// A registered visitor.
            visitors as VisitorRow {
                row {
                    kind: i32 as Integer,
                    user_id: Option<String> as Nullable<Text>,
                    registered_at: Timestamp as Instant,
                    change_counter: u64 as ChangeNumber,
                    living_conversations: u64 as ChangeNumber,
                    content_bytes: u64 as ChangeNumber,
                    last_changed_at: Option<Timestamp> as Nullable<Instant>,
                }
            }
        }
        $each! {
            /// What stays of a visitor who is gone: erased, or merged into another.
            visitor_tombstones as VisitorTombstoneRow {
                row {
                    merged_into: Option<Uuid> as Nullable<UuidBytes>,
                    gone_at: Timestamp as Instant,
                }
            }
        }
        $each! {
            /// A conversation of a visitor.
            conversations as ConversationRow {
                row {
                    opaque_id: Option<String> as Nullable<Text>,
                    change_number: u64 as ChangeNumber,
                    latest_change: u64 as ChangeNumber,
                    content_bytes: i64 as BigInt,
                }
                history: ConversationHistory {
                    stamp: Instant,
                    ;
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
        $each! {
            /// A message of a conversation, its parts aside.
            messages as MessageRow {
                row {
                    opaque_id: Option<String> as Nullable<Text>,
                    change_number: u64 as ChangeNumber,
                    content_bytes: i64 as BigInt,
                    digest: Option<Digest> as Nullable<DigestBytes>,
                }
                history: MessageHistory {
                    stamp: Instant,
                    own_stamp: Instant,
                    ;
                    future_stamp: Instant,
                    deleted_at: Instant,
                }
                fields: MessageFields {
                    timestamp: Instant,
                    vote: Bool,
                    metadata: JsonText,
                    embedding: JsonText,
                    ;
                    updated_at: Instant,
                    img: Text,
                    doc: JsonText,
                } + extra
            }
        }
        $each! {
            /// The request of the message of this id.
            message_requests as RequestRow {
                row {}
                request: MessageRequest {
                    client_id(id): ClientId,
                    request_model: Text,
                    request_messages_role: Text,
                    request_messages_content: Text,
                    request_temperature: Double,
                    request_top_p: Double,
                    request_stream: Bool,
                    request_max_tokens: BigInt,
                    ;
                    request_messages_system_role: Text,
                    request_messages_system_content: Text,
                    request_messages_user_role: Text,
                    request_messages_user_content: Text,
                    request_system_prompt: Text,
                    request_input: Text,
                    request_n: BigInt,
                    request_stop: JsonText,
                    top_k: BigInt,
                    repeat_penalty: Double,
                    min_p: Double,
                } + extra
            }
        }
        $each! {
            /// The response of the message of this id.
            message_responses as ResponseRow {
                row {}
                response: MessageResponse {
                    client_id(id): ClientId,
                    response_id: Text,
                    object: Text,
                    model: Text,
                    created_at: Instant,
                    status: Text,
                    temperature: Double,
                    top_p: Double,
                    tool_choice: JsonText,
                    tools: JsonText,
                    usage_input_tokens: BigInt,
                    usage_output_tokens: BigInt,
                    usage_total_tokens: BigInt,
                    ;
                    error: JsonText,
                    incomplete_details: JsonText,
                    instructions: Text,
                    max_output_tokens: BigInt,
                    parallel_tool_calls: Bool,
                    previous_response_id: Text,
                    reasoning_effort: Text,
                    reasoning_summary: Text,
                    store: Bool,
                    text_format_type: Text,
                    truncation: Text,
                    user: Text,
                    metadata: JsonText,
                } + extra
            }
        }
        $each! {
            /// The output of the message of this id.
            message_outputs as OutputRow {
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
    };
}

pub(crate) use for_every_table;

/// What an erasure sets in the row of a message: nothing of its content stays.
pub(crate) const WITHOUT_CONTENT: &str = "content_bytes = 0, digest = NULL, timestamp = NULL, \
     updated_at = NULL, vote = NULL, img = NULL, metadata = NULL, embedding = NULL, doc = NULL, \
     extra = NULL";
