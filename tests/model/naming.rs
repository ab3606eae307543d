//! Ids as apps make them. A history is generated with the same few ids, so that everything collides, and
//! then gets names of its own for them.

use proptest::prelude::*;
use proptest::sample::subsequence;
use serde_json::{Value, json};

use super::values::is_uuid;

/// What stands for the conversation ids of a history, also in upper case.
pub const CONVERSATION_IDS: [&str; 3] = ["conversation-a", "conversation-b", "conversation-c"];

/// What stands for the message ids of a history, also in upper case.
pub const MESSAGE_IDS: [&str; 4] = ["message-a", "message-b", "message-c", "message-d"];

/// In the form in which they come back. UUIDs are sent in upper case, too; of the others two that differ
/// only in case are two ids.
const NAMES: &[&str] = &[
    "0c000000-0000-4000-8000-00000000000a",
    "0c000000-0000-4000-8000-00000000000b",
    "f0000000-0000-4000-8000-00000000000c",
    "00000000-0000-0000-0000-000000000000",
    "V1StGXR8_Z5jdHi6B-myT",
    "v1stgxr8_z5jdhi6b-myt",
    "chatcmpl-9x",
    "4ccab2ce-f948-4a7b-bec6-103d5125687c::gpt-4",
    "0c00000000004000800000000000000a",
    "{0c000000-0000-4000-8000-00000000000a}",
    "0c000000-0000-4000-8000-00000000000g",
    "0",
    " a chat \u{1f642} ",
    "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}",
    "e\u{301}",
    "\u{e9}",
    "\"quoted\"\\/",
    "__proto__",
];

/// The ids of a history.
#[derive(Debug, Clone)]
pub struct Names {
    conversations: Vec<&'static str>,
    messages: Vec<&'static str>,
}

/// Any of them; a conversation and a message may have the same.
pub fn names() -> impl Strategy<Value = Names> {
    let conversations = subsequence(NAMES, CONVERSATION_IDS.len());
    let messages = subsequence(NAMES, MESSAGE_IDS.len());
    (conversations, messages).prop_map(|(conversations, messages)| Names {
        conversations,
        messages,
    })
}

impl Names {
    /// Names what a body has of them.
    pub fn apply(&self, body: &mut Value) {
        for conversation in items(body, "conversations") {
            self.name(false, conversation, "id");
            for message in items(conversation, "messages") {
                self.name(true, message, "message_id");
            }
        }
    }

    fn name(&self, is_message: bool, item: &mut Value, key: &str) {
        let Some(id) = item.get_mut(key) else {
            return;
        };
        if let Some(text) = id.as_str() {
            *id = json!(self.of(is_message, text));
        }
    }

    /// The name of an id; what is none of them stays.
    pub fn of(&self, is_message: bool, id: &str) -> String {
        let (ids, names) = match is_message {
            true => (&MESSAGE_IDS[..], &self.messages),
            false => (&CONVERSATION_IDS[..], &self.conversations),
        };
        let lower_case = id.to_lowercase();
        let Some(at) = ids.iter().position(|known| *known == lower_case) else {
            return id.to_owned();
        };
        match names[at] {
            name if id != lower_case && is_uuid(name) => name.to_uppercase(),
            name => name.to_owned(),
        }
    }
}

fn items<'a>(parent: &'a mut Value, list: &str) -> impl Iterator<Item = &'a mut Value> {
    let list = parent.get_mut(list).and_then(Value::as_array_mut);
    list.into_iter().flatten()
}
