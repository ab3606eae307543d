//! Bodies with one bad place, and such with a few bad items.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Value, json};

use super::histories::{Lenient, Operation, VISITORS, body, turn};
use super::naming::{CONVERSATION_IDS, MESSAGE_IDS};
use super::values::{Level, PARTS};

/// A valid body made bad in one place.
pub fn invalid() -> impl Strategy<Value = Operation> {
    (0..VISITORS, body(), violation(), turn()).prop_map(
        |(visitor, mut body, (conversation, message, violation), turn)| {
            let path = spoil(&mut body, conversation, message, violation).path;
            Operation::PostInvalid {
                visitor,
                body,
                path,
                turn,
            }
        },
    )
}

/// A bad item of a body of which the good ones are taken.
#[derive(Debug, Clone)]
pub struct Rejected {
    /// The place of its fault.
    pub path: String,
    /// Its id, if it has a good one.
    pub id: Option<String>,
    /// Whether it is a message.
    pub is_message: bool,
}

/// A valid body made bad in a few places, posted so that what is good is taken.
pub fn lenient() -> impl Strategy<Value = Operation> {
    (0..VISITORS, body(), vec(violation(), 0..=4), turn()).prop_map(
        |(visitor, mut body, violations, turn)| {
            let lenient = Some(spoil_items(&mut body, violations));
            Operation::Post {
                visitor,
                body,
                lenient,
                turn,
            }
        },
    )
}

fn violation() -> impl Strategy<Value = (Index, Index, Violation)> {
    (any::<Index>(), any::<Index>(), select(VIOLATIONS))
}

/// Makes items bad in one place each.
fn spoil_items(body: &mut Value, violations: Vec<(Index, Index, Violation)>) -> Lenient {
    let mut bad: BTreeMap<(usize, Option<usize>), Rejected> = BTreeMap::new();
    for (conversation, message, violation) in violations {
        let at = which(&body["conversations"], conversation);
        let in_it = which(&body["conversations"][at]["messages"], message);
        if bad.contains_key(&(at, None)) || bad.contains_key(&(at, Some(in_it))) {
            continue;
        }
        let spoiled = spoil(body, conversation, message, violation);
        let place = (spoiled.conversation, spoiled.message);
        let item = match spoiled.message {
            // A bad conversation is rejected with its messages.
            None => {
                bad.retain(|(conversation, _), _| *conversation != spoiled.conversation);
                &body["conversations"][spoiled.conversation]["id"]
            }
            Some(message) => {
                &body["conversations"][spoiled.conversation]["messages"][message]["message_id"]
            }
        };
        let (level, name, _) = violation;
        let is_part = PARTS.iter().any(|(_, part)| *part == level);
        let is_id_bad = !is_part && matches!(name, Some("id" | "message_id"));
        let id = item.as_str().filter(|_| !is_id_bad);
        let rejected = Rejected {
            path: spoiled.path,
            id: id.map(str::to_owned),
            is_message: spoiled.message.is_some(),
        };
        bad.insert(place, rejected);
    }
    let mut taken = body.clone();
    for (conversation, message) in bad.keys().rev() {
        let conversations = &mut taken["conversations"];
        let list = match message {
            None => conversations.as_array_mut(),
            Some(_) => conversations[*conversation]["messages"].as_array_mut(),
        };
        list.expect("a list")
            .remove(message.unwrap_or(*conversation));
    }
    Lenient {
        taken,
        rejected: bad.into_values().collect(),
    }
}

/// Where a violation is put, the field, and the bad value as JSON text. Without a field the object
/// itself is bad.
type Violation = (Level, Option<&'static str>, &'static str);

const VIOLATIONS: &[Violation] = &[
    (Level::Conversation, None, "null"),
    (Level::Conversation, None, "[]"),
    (Level::Conversation, Some("id"), "\"\""),
    (Level::Conversation, Some("id"), "\"a\\u0000\""),
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
    (Level::Message, Some("message_id"), "\"a\\n\""),
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

/// Where a body was made bad.
struct Spoiled {
    conversation: usize,
    /// Of a violation in a message.
    message: Option<usize>,
    path: String,
}

fn spoil(
    body: &mut Value,
    conversation: Index,
    message: Index,
    (level, name, bad): Violation,
) -> Spoiled {
    let first = json!({"id": CONVERSATION_IDS[0]});
    let (conversation, mut place) = element(&mut body["conversations"], conversation, &first);
    let mut path = format!("conversations[{conversation}]");
    let mut of_message = None;
    if level != Level::Conversation {
        let first = json!({"message_id": MESSAGE_IDS[0]});
        let (message, at) = element(&mut place["messages"], message, &first);
        (of_message, place) = (Some(message), at);
        path = format!("{path}.messages[{message}]");
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
    Spoiled {
        conversation,
        message: of_message,
        path,
    }
}

/// An element of a list, which is made and given this one where there is none.
fn element<'a>(list: &'a mut Value, index: Index, first: &Value) -> (usize, &'a mut Value) {
    if list.as_array().is_none_or(Vec::is_empty) {
        *list = json!([first]);
    }
    let index = which(list, index);
    (index, &mut list[index])
}

/// Which element of a list, of which one is made where there is none.
fn which(list: &Value, index: Index) -> usize {
    index.index(list.as_array().map_or(1, |list| list.len().max(1)))
}
