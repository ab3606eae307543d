//! A device that only pulls.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// What a device holds that applies every page it pulls, in order, and posts nothing.
#[derive(Debug, Clone, Default)]
pub struct Replica {
    conversations: BTreeMap<String, Held>,
}

#[derive(Debug, Clone, Default)]
struct Held {
    fields: Map<String, Value>,
    messages: BTreeMap<String, Map<String, Value>>,
}

impl Replica {
    /// Applies one page: what it brings replaces what is held, field sets as wholes; a
    /// tombstone removes its item, and a conversation's takes the messages with it.
    pub fn apply_page(&mut self, page: &Value) {
        for brought in objects(page.get("conversations")) {
            let id = text(brought, "id");
            if is_tombstone(brought) {
                self.conversations.remove(&id);
                continue;
            }
            let held = self.conversations.entry(id).or_default();
            held.fields = brought.clone();
            held.fields.remove("messages");
            for message in objects(brought.get("messages")) {
                let message_id = text(message, "message_id");
                if is_tombstone(message) {
                    held.messages.remove(&message_id);
                } else {
                    held.messages.insert(message_id, message.clone());
                }
            }
        }
    }

    /// Everything held, ordered by id: `{"conversations": [{.., "messages": [..]}]}`.
    pub fn state(&self) -> Value {
        let conversations: Vec<Value> = self
            .conversations
            .values()
            .map(|held| {
                let mut object = held.fields.clone();
                let messages = held.messages.values().cloned().map(Value::Object);
                object.insert("messages".to_owned(), messages.collect());
                Value::Object(object)
            })
            .collect();
        json!({ "conversations": conversations })
    }
}

/// The living state in the form of [`Replica::state`], from the answer of a drained pull from
/// the start.
pub fn living_state(changes: &Value) -> Value {
    let mut fresh = Replica::default();
    fresh.apply_page(changes);
    fresh.state()
}

fn objects(list: Option<&Value>) -> impl Iterator<Item = &Map<String, Value>> {
    let list = list.and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_object)
}

fn text(object: &Map<String, Value>, name: &str) -> String {
    object[name].as_str().expect("an id").to_owned()
}

fn is_tombstone(object: &Map<String, Value>) -> bool {
    object.get("deleted_at").is_some_and(|at| !at.is_null())
}
