//! The tables of the server as PocketBase's collections, with a field for each column of the content.

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

/// The longest text: 5000 characters, its own limit, are few for what a model answers.
const LONGEST_TEXT: u32 = 10_000_000;

/// A collection.
#[derive(Debug)]
pub struct Collection {
    /// Its name.
    pub name: &'static str,
    /// The field that refers to a record of another collection, and the name of that one.
    parent: Option<(&'static str, &'static str)>,
    /// The field that is indexed, and how.
    index: (&'static str, &'static str),
    /// The other fields, by their type.
    fields: &'static [(&'static str, &'static [&'static str])],
}

/// All, each after the one that it refers to.
pub const ALL: [Collection; 5] = [CONVERSATIONS, MESSAGES, REQUESTS, RESPONSES, OUTPUTS];

/// Conversations, each with its visitor.
pub const CONVERSATIONS: Collection = Collection {
    name: "conversations",
    parent: None,
    index: ("INDEX", "visitor"),
    fields: &[
        ("text", &["visitor", "title"]),
        ("date", &["created_at", "updated_at"]),
        ("bool", &["local_only"]),
    ],
};

/// Messages.
pub const MESSAGES: Collection = Collection {
    name: "messages",
    parent: Some(("conversation", CONVERSATIONS.name)),
    index: ("INDEX", "conversation"),
    fields: &[
        ("date", &["timestamp", "updated_at"]),
        ("bool", &["vote"]),
        ("text", &["img"]),
        ("json", &["metadata", "embedding", "doc"]),
    ],
};

/// Requests, one of a message.
pub const REQUESTS: Collection = Collection {
    name: "message_requests",
    parent: Some(("message", MESSAGES.name)),
    index: ("UNIQUE INDEX", "message"),
    fields: &[
        ("json", &["client_id", "request_stop"]),
        (
            "text",
            &[
                "request_model",
                "request_messages_role",
                "request_messages_content",
                "request_messages_system_role",
                "request_messages_system_content",
                "request_messages_user_role",
                "request_messages_user_content",
                "request_system_prompt",
                "request_input",
            ],
        ),
        (
            "number",
            &[
                "request_temperature",
                "request_top_p",
                "request_n",
                "request_max_tokens",
                "top_k",
                "repeat_penalty",
                "min_p",
            ],
        ),
        ("bool", &["request_stream"]),
    ],
};

/// Responses, one of a message.
pub const RESPONSES: Collection = Collection {
    name: "message_responses",
    parent: Some(("message", MESSAGES.name)),
    index: ("UNIQUE INDEX", "message"),
    fields: &[
        (
            "json",
            &[
                "client_id",
                "error",
                "incomplete_details",
                "tool_choice",
                "tools",
                "metadata",
            ],
        ),
        (
            "text",
            &[
                "response_id",
                "object",
                "model",
                "status",
                "instructions",
                "previous_response_id",
                "reasoning_effort",
                "reasoning_summary",
                "text_format_type",
                "truncation",
                "user",
            ],
        ),
        ("date", &["created_at"]),
        (
            "number",
            &[
                "max_output_tokens",
                "temperature",
                "top_p",
                "usage_input_tokens",
                "usage_output_tokens",
                "usage_total_tokens",
            ],
        ),
        ("bool", &["parallel_tool_calls", "store"]),
    ],
};

/// Outputs, one of a message.
pub const OUTPUTS: Collection = Collection {
    name: "message_outputs",
    parent: Some(("message", MESSAGES.name)),
    index: ("UNIQUE INDEX", "message"),
    fields: &[
        ("json", &["client_id", "output_content_annotations"]),
        (
            "text",
            &[
                "output_type",
                "output_id",
                "output_status",
                "output_role",
                "output_content_type",
                "output_content_text",
            ],
        ),
    ],
};

impl Collection {
    /// What PocketBase is told to create, where it has given these ids to collections before. Whoever
    /// is logged in may read and write.
    pub fn definition(&self, ids: &[(&str, String)]) -> Result<Value> {
        let mut fields = vec![id_field()];
        if let Some((name, parent)) = self.parent {
            let (_, id) = ids
                .iter()
                .find(|(name, _)| *name == parent)
                .with_context(|| format!("{} is created before {parent}", self.name))?;
            fields.push(json!({
                "name": name,
                "type": "relation",
                "collectionId": id,
                "maxSelect": 1,
                "required": true,
                "cascadeDelete": false,
            }));
        }
        for (kind, names) in self.fields {
            fields.extend(names.iter().map(|name| field(kind, name)));
        }
        let name = self.name;
        let (index, column) = self.index;
        let rule = r#"@request.auth.id != """#;
        Ok(json!({
            "name": name,
            "type": "base",
            "fields": fields,
            "indexes": [format!("CREATE {index} idx_{name}_{column} ON {name} ({column})")],
            "listRule": rule,
            "viewRule": rule,
            "createRule": rule,
            "updateRule": rule,
            "deleteRule": rule,
        }))
    }
}

/// Ids of 32 hexadecimal digits instead of 15 characters. The pattern is PocketBase's own: with any
/// other it also looks whether an id is there in another case, and reads the whole table for that.
fn id_field() -> Value {
    json!({
        "name": "id",
        "type": "text",
        "min": 32,
        "max": 32,
        "pattern": "^[a-z0-9]+$",
        "primaryKey": true,
        "required": true,
        "system": true,
    })
}

fn field(kind: &str, name: &str) -> Value {
    match kind {
        "text" => json!({"name": name, "type": kind, "max": LONGEST_TEXT}),
        _ => json!({"name": name, "type": kind}),
    }
}
