//! What a device is told of what it posted in a turn.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::items::{Conversation, Field, Fields, Message, Moment};
use super::reference::{Counts, message_in, whole};
use super::values::{PostedConversation, PostedFields, PostedMessage};

/// A conversation, or a message of it, by id.
pub type Item = (String, Option<String>);

type Conversations = BTreeMap<String, Conversation>;

/// What comes of a post.
#[derive(Debug, Clone)]
pub struct Turned {
    /// What every post is told.
    pub counts: Counts,
    /// The posted items that do not live or of which a value is not what is stored, as they are now, each once
    /// and in its conversation, in the order of the body.
    pub not_taken: Vec<Value>,
    /// What was not taken, which the device is told anyway, and what the post created just as it was sent.
    known_to_all: BTreeSet<Item>,
    /// What is stored just as it was sent, but for conversations that the post deletes.
    as_sent: BTreeSet<Item>,
    /// The visitor's change counter before the post.
    change_counter_before: u64,
}

impl Turned {
    /// What a pull right after the post need not bring a device that has seen every change up to this one:
    /// of what was stored before, one that is not up to date may hold fields that others have cleared.
    pub fn left_out(&self, seen: Option<u64>) -> BTreeSet<Item> {
        let mut left_out = self.known_to_all.clone();
        if seen == Some(self.change_counter_before) {
            left_out.extend(self.as_sent.iter().cloned());
        }
        left_out
    }
}

/// Compares what was posted with what is stored now.
pub fn judge(
    counts: Counts,
    posted: &[PostedConversation],
    before: &Conversations,
    after: &Conversations,
    change_counter_before: u64,
) -> Turned {
    let mut not_taken: Vec<(String, Vec<String>)> = Vec::new();
    let mut known_to_all = BTreeSet::new();
    let mut as_sent = BTreeSet::new();
    let deletions = posted.iter().filter(|posted| posted.deleted_at.is_some());
    let deleted: BTreeSet<_> = deletions.map(|posted| &posted.id).collect();
    for posted in posted {
        let id = &posted.id;
        let stored = &after[id];
        let is_deleted = deleted.contains(id);
        let mut note = |message_id: Option<&String>, outcome: Outcome, is_new: bool| {
            let item = (id.clone(), message_id.cloned());
            if outcome == Outcome::NotTaken {
                let at = not_taken.iter().position(|(listed, _)| listed == id);
                let at = at.unwrap_or_else(|| {
                    not_taken.push((id.clone(), Vec::new()));
                    not_taken.len() - 1
                });
                let messages = &mut not_taken[at].1;
                messages.extend(message_id.filter(|id| !messages.contains(id)).cloned());
                known_to_all.insert(item);
            } else if outcome == Outcome::AsSent {
                if is_new {
                    known_to_all.insert(item.clone());
                }
                if !is_deleted {
                    as_sent.insert(item);
                }
            }
        };
        let stored_before = before.get(id);
        note(
            None,
            of_conversation(posted, stored).unless_mended(posted.is_mended),
            stored_before.is_none(),
        );
        for message in &posted.messages {
            let message_id = &message.message_id;
            let messages_before = stored_before.map(|stored| &stored.messages);
            let is_new = messages_before.is_none_or(|stored| !stored.contains_key(message_id));
            let outcome = of_message(message, stored).unless_mended(message.is_mended);
            note(Some(message_id), outcome, is_new);
        }
    }
    let not_taken = not_taken.into_iter().map(|(id, messages)| {
        let conversation = &after[&id];
        let never_stored = Message::default();
        let mut messages = messages;
        // The device may have given up the messages of a conversation that it has deleted in vain.
        if deleted.contains(&id) && !conversation.is_dead() {
            let living = conversation.messages.iter();
            let living = living.filter(|(_, message)| !conversation.is_dead_here(message));
            messages.extend(living.map(|(message_id, _)| message_id.clone()));
            let mut seen = BTreeSet::new();
            messages.retain(|message_id| seen.insert(message_id.clone()));
        }
        let messages = messages.iter().map(|message_id| {
            let message = conversation.messages.get(message_id);
            message_in(conversation, message_id, message.unwrap_or(&never_stored))
        });
        whole(&id, conversation, messages.collect())
    });
    Turned {
        counts,
        not_taken: not_taken.collect(),
        known_to_all,
        as_sent,
        change_counter_before,
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// What is stored is what was sent, and nothing else.
    AsSent,
    /// What was sent is stored, beside other things.
    Taken,
    NotTaken,
}

fn outcome(is_taken: bool, is_all: bool) -> Outcome {
    match (is_taken, is_all) {
        (false, _) => Outcome::NotTaken,
        (true, false) => Outcome::Taken,
        (true, true) => Outcome::AsSent,
    }
}

impl Outcome {
    /// What was mended is not what was sent.
    fn unless_mended(self, is_mended: bool) -> Self {
        match self {
            Self::AsSent if is_mended => Self::Taken,
            outcome => outcome,
        }
    }
}

fn of_conversation(posted: &PostedConversation, stored: &Conversation) -> Outcome {
    if let Some(deleted_at) = posted.deleted_at {
        return of_deletion(deleted_at, stored.is_dead(), stored.erased_through);
    }
    if stored.is_dead() {
        return Outcome::NotTaken;
    }
    outcome(
        is_stored(&posted.fields, &stored.fields),
        names_all(&posted.fields, &stored.fields),
    )
}

fn of_message(posted: &PostedMessage, conversation: &Conversation) -> Outcome {
    let stored = conversation.messages.get(&posted.message_id);
    let living = stored.filter(|stored| !conversation.is_dead_here(stored));
    if let Some(deleted_at) = posted.deleted_at {
        let own = stored.and_then(|stored| stored.deletion);
        return of_deletion(
            deleted_at,
            living.is_none(),
            own.or(conversation.erased_through),
        );
    }
    let Some(living) = living else {
        return Outcome::NotTaken;
    };
    let part_is_stored = |(name, part): (&&str, &PostedFields)| {
        living
            .parts
            .get(name)
            .is_some_and(|stored| is_stored(part, stored))
    };
    let part_is_named = |(name, stored): (&&str, &Fields)| {
        posted
            .parts
            .get(name)
            .is_some_and(|part| names_all(part, stored))
    };
    outcome(
        is_stored(&posted.fields, &living.fields) && posted.parts.iter().all(part_is_stored),
        names_all(&posted.fields, &living.fields) && living.parts.iter().all(part_is_named),
    )
}

/// A deletion is what is stored if the tombstone shows its moment.
fn of_deletion(deleted_at: i64, is_dead: bool, shown: Option<Moment>) -> Outcome {
    let is_that = shown.is_some_and(|shown| shown.micros == deleted_at);
    outcome(is_dead && is_that, true)
}

fn is_stored(posted: &PostedFields, stored: &Fields) -> bool {
    posted.iter().all(|(name, value)| match stored.get(name) {
        Some(Field::Sent(stored)) => stored == value,
        Some(Field::Received(_)) => false,
        None => value.is_null(),
    })
}

fn names_all(posted: &PostedFields, stored: &Fields) -> bool {
    stored.keys().all(|name| posted.contains_key(name))
}
