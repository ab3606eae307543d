//! A device that applies what it is answered.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::turns::Item;
use super::values::{PostedConversation, PostedFields, PostedMessage, read_conversation};

/// What a device holds that applies every page it pulls and every answer to a turn, in order.
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

    /// Applies the answer to a turn with this body. What the answer does not name is as it was posted, or
    /// was like that before. A device shows its edits at once; it may not give up what it deletes before
    /// the answer has told that it is deleted.
    pub fn apply_turn(&mut self, body: &Value, answer: &Value) {
        let told = named(answer);
        for posted in body["conversations"].as_array().expect("an array") {
            self.apply_posted(&read_conversation(posted), &told);
        }
        self.apply_page(answer);
    }

    fn apply_posted(&mut self, posted: &PostedConversation, told: &BTreeSet<Item>) {
        let id = &posted.id;
        if !told.contains(&(id.clone(), None)) {
            if posted.deleted_at.is_some() {
                self.conversations.remove(id);
            } else {
                let held = self.conversations.entry(id.clone()).or_default();
                overlay(&mut held.fields, &posted.fields);
                held.fields.insert("id".to_owned(), json!(id));
            }
        }
        for message in &posted.messages {
            let item = (id.clone(), Some(message.message_id.clone()));
            if !told.contains(&item) {
                self.apply_posted_message(id, message);
            }
        }
    }

    fn apply_posted_message(&mut self, id: &str, posted: &PostedMessage) {
        let message_id = &posted.message_id;
        if posted.deleted_at.is_some() {
            if let Some(held) = self.conversations.get_mut(id) {
                held.messages.remove(message_id);
            }
        } else {
            let held = self.conversations.entry(id.to_owned()).or_default();
            let message = held.messages.entry(message_id.clone()).or_default();
            overlay(message, &posted.fields);
            for (name, part) in &posted.parts {
                let held = message.entry(*name).or_insert_with(|| json!({}));
                overlay(held.as_object_mut().expect("a part"), part);
            }
            message.insert("message_id".to_owned(), json!(message_id));
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

/// The items that an answer names.
fn named(answer: &Value) -> BTreeSet<Item> {
    let mut items = BTreeSet::new();
    for brought in objects(answer.get("conversations")) {
        let id = text(brought, "id");
        for message in objects(brought.get("messages")) {
            items.insert((id.clone(), Some(text(message, "message_id"))));
        }
        items.insert((id, None));
    }
    items
}

/// A value replaces, null clears.
fn overlay(held: &mut Map<String, Value>, posted: &PostedFields) {
    for (name, value) in posted {
        match value {
            Value::Null => held.remove(name),
            _ => held.insert(name.clone(), value.clone()),
        };
    }
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
