//! The naive server: what a POST answers, and what every pull must bring afterwards.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::items::{Conversation, Field, Fields, Message, Moment};
use super::turns::{Item, Turned, judge};
use super::values::{PostedConversation, is_uuid, read_conversation, rfc3339};

/// What stands in an answer where the server fills in its own moment of receipt.
pub const RECEIVED: &str = "<received>";

/// The counts that a POST answers with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Conversations not stored before.
    pub created: u64,
    /// Conversations named that were, changed or not.
    pub updated: u64,
    /// Messages not stored before, and stored now.
    pub messages_created: u64,
    /// Every other message that the body names.
    pub messages_updated: u64,
}

#[derive(Debug, Clone, Default)]
struct Visitor {
    change_counter: u64,
    conversations: BTreeMap<String, Conversation>,
}

/// A server that holds everything in maps and does one thing after the other.
#[derive(Debug, Clone)]
pub struct Reference {
    visitors: BTreeMap<String, Visitor>,
}

impl Reference {
    /// A server that knows these visitors, by name.
    pub fn new(visitors: &[&str]) -> Self {
        Self {
            visitors: visitors
                .iter()
                .map(|name| ((*name).to_owned(), Visitor::default()))
                .collect(),
        }
    }

    /// Posts a valid body at a moment, given in microseconds since 1970, and says what a device that
    /// does so in a turn is told of what it posted.
    pub fn post(&mut self, visitor: &str, body: &Value, now_micros: i64) -> Turned {
        let visitor = self.visitors.get_mut(visitor).expect("a visitor");
        let before = visitor.conversations.clone();
        let change_counter = visitor.change_counter;
        let mut counts = Counts::default();
        let posted = body["conversations"].as_array().expect("an array");
        let posted: Vec<_> = posted.iter().map(read_conversation).collect();
        // The batch law: the conversations one by one, in order.
        for conversation in &posted {
            visitor.post_conversation(conversation, now_micros, &mut counts);
        }
        visitor.number_changes(&before);
        judge(
            counts,
            &posted,
            &before,
            &visitor.conversations,
            change_counter,
        )
    }

    /// Deletes a conversation or a message of it by its URL; `false` if there never was one.
    pub fn delete(
        &mut self,
        visitor: &str,
        id: &str,
        message_id: Option<&str>,
        now_micros: i64,
    ) -> bool {
        let visitor = self.visitors.get_mut(visitor).expect("a visitor");
        let before = visitor.conversations.clone();
        let Some(conversation) = visitor.conversations.get_mut(id) else {
            return false;
        };
        let is_known = match message_id {
            Some(message_id) => conversation.delete_message_now(message_id, now_micros),
            None => {
                conversation.delete_now(now_micros);
                true
            }
        };
        visitor.number_changes(&before);
        is_known
    }

    /// A visitor registers.
    pub fn add(&mut self, visitor: &str) {
        let earlier = self.visitors.insert(visitor.to_owned(), Visitor::default());
        assert!(earlier.is_none(), "{visitor} is known");
    }

    /// A visitor is erased, or has been merged into another, to whom everything of it was posted.
    pub fn remove(&mut self, visitor: &str) {
        self.visitors.remove(visitor).expect("a visitor");
    }

    /// The ids of the living conversations: UUIDs in ascending order, then the others in ascending order
    /// of their bytes.
    pub fn conversation_ids(&self, visitor: &str) -> Vec<String> {
        let conversations = self.visitors[visitor].conversations.iter();
        let living = conversations.filter(|(_, conversation)| !conversation.is_dead());
        let mut ids: Vec<_> = living.map(|(id, _)| id.clone()).collect();
        ids.sort_by_key(|id| (!is_uuid(id), id.clone()));
        ids
    }

    /// How many posts of this visitor have really changed something.
    pub fn change_counter(&self, visitor: &str) -> u64 {
        self.visitors[visitor].change_counter
    }

    /// What a drained pull since that change number brings: conversations in the order of their
    /// highest change number, messages in that of theirs; among equal ones by id. A pull from the start
    /// (`None`) leaves the dead out.
    pub fn changes(&self, visitor: &str, since: Option<u64>) -> Value {
        self.changes_without(visitor, since, &BTreeSet::new())
    }

    /// The same without these items, which the device has already.
    pub fn changes_without(
        &self,
        visitor: &str,
        since: Option<u64>,
        left_out: &BTreeSet<Item>,
    ) -> Value {
        let pull = Pull { since, left_out };
        let mut changed: Vec<(u64, &String, Value)> = self.visitors[visitor]
            .conversations
            .iter()
            .filter_map(|(id, conversation)| {
                let brought = pull.changes_of(id, conversation)?;
                Some((highest_change_number(conversation), id, brought))
            })
            .collect();
        changed.sort_by_key(|(number, id, _)| (*number, *id));
        let conversations: Vec<Value> =
            changed.into_iter().map(|(_, _, brought)| brought).collect();
        json!({ "conversations": conversations })
    }

    /// An answer in which items of one change number, which may come in any order, are put in that of
    /// their ids. What is not in the order of the change numbers stays as it is.
    pub fn in_order(&self, visitor: &str, mut conversations: Vec<Value>) -> Value {
        let stored = &self.visitors[visitor].conversations;
        for brought in &mut conversations {
            let conversation = brought["id"].as_str().and_then(|id| stored.get(id));
            let messages = brought.get_mut("messages").and_then(Value::as_array_mut);
            if let (Some(conversation), Some(messages)) = (conversation, messages) {
                sort_by_number(messages, "message_id", |id| {
                    Some(conversation.messages.get(id)?.change_number)
                });
            }
        }
        sort_by_number(&mut conversations, "id", |id| {
            Some(highest_change_number(stored.get(id)?))
        });
        json!({ "conversations": conversations })
    }
}

fn sort_by_number(items: &mut [Value], id_name: &str, number: impl Fn(&str) -> Option<u64>) {
    let number = |item: &Value| item[id_name].as_str().and_then(&number);
    if items.is_sorted_by_key(number) {
        items.sort_by_cached_key(|item| (number(item), item[id_name].as_str().map(str::to_owned)));
    }
}

impl Visitor {
    fn post_conversation(&mut self, posted: &PostedConversation, now: i64, counts: &mut Counts) {
        let stored = self.conversations.remove(&posted.id);
        // Created counts what was not stored before; everything else named counts as updated.
        if stored.is_none() {
            counts.created += 1;
        } else {
            counts.updated += 1;
        }
        let mut conversation = match (stored, posted.deleted_at) {
            // First seen with a deletion, it is stored as a tombstone.
            (None, Some(_)) => {
                let mut tombstone = Conversation::default();
                tombstone.delete(posted, now);
                tombstone
            }
            (None, None) => Conversation::create(posted, now),
            (Some(mut stored), Some(_)) => {
                stored.delete(posted, now);
                stored
            }
            (Some(mut stored), None) => {
                stored.update(posted, now);
                stored
            }
        };
        // The messages are posted into what the conversation is by now.
        for message in &posted.messages {
            if conversation.post_message(message, posted.updated_at, now) {
                counts.messages_created += 1;
            } else {
                counts.messages_updated += 1;
            }
        }
        self.conversations.insert(posted.id.clone(), conversation);
    }

    /// A post that really changes something takes the next change number and gives it to each
    /// item that it changed, hidden values included; one that changes nothing takes none.
    fn number_changes(&mut self, before: &BTreeMap<String, Conversation>) {
        let next = self.change_counter + 1;
        for (id, conversation) in &mut self.conversations {
            let earlier = before.get(id);
            if earlier.map(Conversation::alone) != Some(conversation.alone()) {
                conversation.change_number = next;
                self.change_counter = next;
            }
            for (message_id, message) in &mut conversation.messages {
                let earlier = earlier.and_then(|earlier| earlier.messages.get(message_id));
                if earlier != Some(message) {
                    message.change_number = next;
                    self.change_counter = next;
                }
            }
        }
    }
}

fn highest_change_number(conversation: &Conversation) -> u64 {
    conversation
        .messages
        .values()
        .map(|message| message.change_number)
        .fold(conversation.change_number, u64::max)
}

/// What a pull asks for.
struct Pull<'a> {
    since: Option<u64>,
    left_out: &'a BTreeSet<Item>,
}

impl Pull<'_> {
    fn is_brought(&self, id: &str, message_id: Option<&str>, change_number: u64) -> bool {
        let item = (id.to_owned(), message_id.map(str::to_owned));
        change_number > self.since.unwrap_or(0) && !self.left_out.contains(&item)
    }

    /// What it brings of a conversation, if anything.
    fn changes_of(&self, id: &str, conversation: &Conversation) -> Option<Value> {
        let is_itself_brought = self.is_brought(id, None, conversation.change_number);
        if conversation.is_dead() {
            // A dead conversation brings no messages.
            return (self.since.is_some() && is_itself_brought)
                .then(|| tombstone("id", id, conversation.erased_through));
        }
        let mut messages: Vec<(u64, &String, Value)> = Vec::new();
        for (message_id, message) in &conversation.messages {
            let is_dead = conversation.is_dead_here(message);
            if self.is_brought(id, Some(message_id), message.change_number)
                && (!is_dead || self.since.is_some())
            {
                let brought = message_in(conversation, message_id, message);
                messages.push((message.change_number, message_id, brought));
            }
        }
        messages.sort_by_key(|(number, message_id, _)| (*number, *message_id));
        let messages: Vec<Value> = messages
            .into_iter()
            .map(|(_, _, brought)| brought)
            .collect();
        let is_brought = is_itself_brought || !messages.is_empty();
        is_brought.then(|| whole(id, conversation, messages))
    }
}

/// A conversation as an answer brings it, with these messages: a dead one brings none, a living one comes
/// with all its own fields.
pub fn whole(id: &str, conversation: &Conversation, messages: Vec<Value>) -> Value {
    if conversation.is_dead() {
        return tombstone("id", id, conversation.erased_through);
    }
    let mut object = shown(&conversation.fields);
    object.insert("id".to_owned(), json!(id));
    object.insert("messages".to_owned(), Value::Array(messages));
    Value::Object(object)
}

/// A message of a living conversation, or its tombstone.
pub fn message_in(conversation: &Conversation, message_id: &str, message: &Message) -> Value {
    if !conversation.is_dead_here(message) {
        return living_message(message_id, message);
    }
    // A message's own deletion, else its conversation's.
    let deletion = message.deletion.or(conversation.erased_through);
    tombstone("message_id", message_id, deletion)
}

fn living_message(message_id: &str, message: &Message) -> Value {
    let mut object = shown(&message.fields);
    object.insert("message_id".to_owned(), json!(message_id));
    for (name, part) in &message.parts {
        object.insert((*name).to_owned(), Value::Object(shown(part)));
    }
    Value::Object(object)
}

fn tombstone(id_name: &str, id: &str, deletion: Option<Moment>) -> Value {
    let deletion = deletion.expect("only a deletion makes a tombstone");
    let deleted_at = if deletion.is_receipt {
        RECEIVED.to_owned()
    } else {
        rfc3339(deletion.micros)
    };
    json!({ id_name: id, "deleted_at": deleted_at })
}

fn shown(fields: &Fields) -> Map<String, Value> {
    fields
        .iter()
        .map(|(name, field)| {
            let value = match field {
                Field::Sent(value) => value.clone(),
                Field::Received(_) => json!(RECEIVED),
            };
            (name.clone(), value)
        })
        .collect()
}
