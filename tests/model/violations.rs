//! Bodies with exactly one bad place.

use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Value, json};

use super::histories::{CONVERSATION_IDS, MESSAGE_IDS, Operation, VISITORS, body};
use super::values::{Level, PARTS};

/// A valid body made bad in one place.
pub fn invalid() -> impl Strategy<Value = Operation> {
    (
        0..VISITORS,
        body(),
        any::<Index>(),
        any::<Index>(),
        select(VIOLATIONS),
    )
        .prop_map(|(visitor, mut body, conversation, message, violation)| {
            let path = spoil(&mut body, conversation, message, violation);
            Operation::PostInvalid {
                visitor,
                body,
                path,
            }
        })
}

/// Where a violation is put, the field, and the bad value as JSON text. Without a field the object
/// itself is bad.
type Violation = (Level, Option<&'static str>, &'static str);

const VIOLATIONS: &[Violation] = &[
    (Level::Conversation, None, "null"),
    (Level::Conversation, None, "[]"),
    (Level::Conversation, Some("id"), "\"not a UUID\""),
    (Level::Conversation, Some("id"), "null"),
    (Level::Conversation, Some("title"), "5"),
    (Level::Conversation, Some("title"), "[\"a\"]"),
    (Level::Conversation, Some("created_at"), "1e300"),
    (
        Level::Conversation,
        Some("updated_at"),
        "\"2025-02-30T00:00:00Z\"",
    ),
    (Level::Conversation, Some("deleted_at"), "true"),
    (Level::Conversation, Some("local_only"), "2"),
    (Level::Conversation, Some("messages"), "{}"),
    (Level::Message, None, "\"text\""),
    (Level::Message, Some("message_id"), "7"),
    (Level::Message, Some("timestamp"), "\"yesterday\""),
    (Level::Message, Some("updated_at"), "\"\""),
    (Level::Message, Some("deleted_at"), "\"now\""),
    (Level::Message, Some("vote"), "\"true\""),
    (Level::Message, Some("img"), "{}"),
    (Level::Message, Some("request"), "[]"),
    (Level::Message, Some("response"), "\"text\""),
    (Level::Message, Some("output"), "0"),
    (Level::Request, Some("id"), "1.5"),
    (Level::Request, Some("request_n"), "40.5"),
    (Level::Request, Some("request_temperature"), "\"warm\""),
    (Level::Request, Some("top_k"), "9223372036854775808"),
    (Level::Request, Some("request_stream"), "[]"),
    (Level::Response, Some("usage_input_tokens"), "\"40\""),
    (
        Level::Response,
        Some("created_at"),
        "\"10000-01-01T00:00:00Z\"",
    ),
    (Level::Response, Some("store"), "2"),
    (Level::Output, Some("output_content_text"), "[\"a\"]"),
    (Level::Output, Some("id"), "{}"),
];

fn spoil(
    body: &mut Value,
    conversation: Index,
    message: Index,
    (level, name, bad): Violation,
) -> String {
    let mut path = String::new();
    let mut place = element(
        body,
        "conversations",
        conversation,
        &mut path,
        || json!({"id": CONVERSATION_IDS[0]}),
    );
    if level != Level::Conversation {
        place = element(
            place,
            "messages",
            message,
            &mut path,
            || json!({"message_id": MESSAGE_IDS[0]}),
        );
    }
    if let Some((part, _)) = PARTS.iter().find(|(_, part)| *part == level) {
        place = &mut place[*part];
        if place.is_null() {
            *place = json!({});
        }
        path = format!("{path}.{part}");
    }
    if let Some(name) = name {
        place = &mut place[name];
        path = format!("{path}.{name}");
    }
    *place = serde_json::from_str(bad).expect("a violation is JSON");
    path
}

/// An element of a list, which is made and given one element where there is none.
fn element<'a>(
    parent: &'a mut Value,
    list: &str,
    which: Index,
    path: &mut String,
    first: impl Fn() -> Value,
) -> &'a mut Value {
    let place = &mut parent[list];
    if place.as_array().is_none_or(Vec::is_empty) {
        *place = json!([first()]);
    }
    let length = place.as_array().map_or(1, Vec::len);
    let index = which.index(length);
    let separator = if path.is_empty() { "" } else { "." };
    *path = format!("{path}{separator}{list}[{index}]");
    &mut place[index]
}
