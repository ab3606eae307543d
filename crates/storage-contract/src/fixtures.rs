//! Values to write in tests of a store: short names for ids and moments, items, and the change sets
//! that write them.
#![allow(
    clippy::unwrap_used,
    reason = "the values are constants of tests: one that is invalid fails its test"
)]

pub mod extreme;
pub mod full;

use std::sync::Arc;

use convosync_domain::change_set::{
    ChangeSet, ConversationChange, Erasure, VisitorRegistration, Write,
};
use convosync_domain::conversation::Conversation;
use convosync_domain::feed::{Admit, FeedPosition, PageRequest};
use convosync_domain::identity::{ConversationId, MessageId, VisitorId, VisitorIdentity};
use convosync_domain::posted::Digest;
use convosync_domain::stored::{
    ConversationHistory, MessageHistory, StoredConversation, StoredMessage,
};
use convosync_domain::timestamp::Timestamp;
use convosync_domain::usage::Quota;
use uuid::Uuid;

/// The registration of the registered visitor of this name.
#[must_use]
pub fn registration(name: &str) -> VisitorRegistration {
    VisitorRegistration {
        identity: VisitorIdentity::registered(name).unwrap(),
        registered_at: at(0),
    }
}

/// The registered visitor of this name.
#[must_use]
pub fn visitor_id(name: &str) -> VisitorId {
    VisitorId::from(&registration(name).identity)
}

/// The moment this many microseconds after the beginning of 1970.
#[must_use]
pub fn at(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros).unwrap()
}

/// The page after this position of at most so many items, however long.
#[must_use]
pub fn page_request(position: Option<FeedPosition>, limit: usize) -> PageRequest {
    PageRequest {
        position,
        limit,
        content_bytes: usize::MAX,
        left_out: Arc::default(),
    }
}

/// Has room for every page.
#[must_use]
pub fn admit_all() -> Admit {
    Arc::new(|_| true)
}

/// A thousand numbers from this one on are those of ids that are no UUIDs.
pub const OPAQUE: u128 = 1 << 100;

/// The conversation of this number.
#[must_use]
pub fn conversation_id(number: u128) -> ConversationId {
    match opaque_text(number) {
        Some(text) => ConversationId::parse(&text).unwrap(),
        None => ConversationId::from_uuid(Uuid::from_u128(number)),
    }
}

/// The message of this number.
#[must_use]
pub fn message_id(number: u128) -> MessageId {
    match opaque_text(number) {
        Some(text) => MessageId::parse(&text).unwrap(),
        None => MessageId::from_uuid(Uuid::from_u128(number)),
    }
}

/// (Of these texts a store might make one: they differ in case, in a space, and in how one letter is spelt.)
fn opaque_text(number: u128) -> Option<String> {
    let index = number.checked_sub(OPAQUE).filter(|index| *index < 1_000)?;
    let spelling = ["chatcmpl-", "CHATCMPL-", "chatcmpl- ", "é", "e\u{301}"];
    let spelling = spelling.iter().cycle().nth(usize::try_from(index).unwrap());
    Some(format!("{}{}", spelling.unwrap(), index / 5))
}

/// The number of which an id was made.
#[must_use]
pub fn number_of(key: Uuid, opaque: Option<&str>) -> u128 {
    let of_text = |text: &str| {
        let mut numbers = OPAQUE..OPAQUE + 1_000;
        numbers.find(|number| opaque_text(*number).as_deref() == Some(text))
    };
    match opaque {
        Some(text) => of_text(text).unwrap(),
        None => key.as_u128(),
    }
}

/// A living conversation that was last posted at `stamp`.
#[must_use]
pub fn conversation(number: u128, stamp: i64) -> StoredConversation {
    StoredConversation {
        id: conversation_id(number),
        history: ConversationHistory {
            stamp: Some(at(stamp)),
            ..ConversationHistory::default()
        },
        content: Some(Conversation {
            title: Some(format!("conversation {number} at {stamp}")),
            ..full::conversation()
        }),
    }
}

/// A living conversation that was deleted at `erased_through`, and posted again at `stamp`.
#[must_use]
pub fn revived_conversation(number: u128, erased_through: i64, stamp: i64) -> StoredConversation {
    let mut revived = conversation(number, stamp);
    revived.history.erased_through = Some(at(erased_through));
    revived
}

/// The tombstone of a conversation that was deleted at `erased_through`.
#[must_use]
pub fn dead_conversation(number: u128, erased_through: i64) -> StoredConversation {
    StoredConversation {
        id: conversation_id(number),
        history: ConversationHistory {
            erased_through: Some(at(erased_through)),
            ..ConversationHistory::default()
        },
        content: None,
    }
}

/// A living message with all its parts, that was last posted at `stamp`, if at any.
#[must_use]
pub fn message(number: u128, stamp: impl Into<Option<i64>>) -> StoredMessage {
    let stamp = stamp.into().map(at);
    let mut content = full::message();
    content.fields.img = Some(format!("message {number} at {stamp:?}"));
    StoredMessage {
        id: message_id(number),
        history: MessageHistory {
            stamp,
            ..MessageHistory::default()
        },
        content: Some(Box::new(content)),
        digest: Some(Digest(number.to_be_bytes())),
    }
}

/// The tombstone of a message that was deleted by itself at `deleted_at`, and posted at `stamp`.
#[must_use]
pub fn dead_message(number: u128, deleted_at: i64, stamp: impl Into<Option<i64>>) -> StoredMessage {
    StoredMessage {
        id: message_id(number),
        history: MessageHistory {
            stamp: stamp.into().map(at),
            deleted_at: Some(at(deleted_at)),
            ..MessageHistory::default()
        },
        content: None,
        digest: None,
    }
}

/// What is left of a message after an erasure that takes it if it lives.
#[must_use]
pub fn erased(message: &StoredMessage, erasure: Erasure) -> StoredMessage {
    let mut tombstone = StoredMessage {
        id: message.id.clone(),
        history: message.history,
        content: None,
        digest: None,
    };
    if message.content.is_some() && erasure == Erasure::Everything {
        tombstone.history.stamp = None;
    }
    tombstone
}

/// A change set of a known visitor without a quota, computed on this change counter.
#[must_use]
pub fn change_set(
    change_counter: u64,
    conversations: impl IntoIterator<Item = ConversationChange>,
) -> ChangeSet {
    ChangeSet {
        change_counter,
        received_at: at(40),
        registers: None,
        quota: Quota::default(),
        conversations: conversations.into_iter().collect(),
    }
}

/// Writes a new conversation with new messages.
#[must_use]
pub fn insert(
    conversation: StoredConversation,
    messages: impl IntoIterator<Item = StoredMessage>,
) -> ConversationChange {
    ConversationChange {
        key: conversation.id.key(),
        conversation: Some(Write::Insert(conversation)),
        erasure: None,
        messages: messages.into_iter().map(Write::Insert).collect(),
    }
}

/// Writes a stored conversation and stored messages of it.
#[must_use]
pub fn update(
    conversation: StoredConversation,
    messages: impl IntoIterator<Item = StoredMessage>,
) -> ConversationChange {
    ConversationChange {
        key: conversation.id.key(),
        conversation: Some(Write::Update(conversation)),
        erasure: None,
        messages: messages.into_iter().map(Write::Update).collect(),
    }
}

/// Writes a stored conversation, and erases messages of it.
#[must_use]
pub fn erase(conversation: StoredConversation, erasure: Erasure) -> ConversationChange {
    ConversationChange {
        erasure: Some(erasure),
        ..update(conversation, [])
    }
}

/// Writes messages of the stored conversation of this number, which itself does not change.
#[must_use]
pub fn write_messages(
    number: u128,
    messages: impl IntoIterator<Item = Write<StoredMessage>>,
) -> ConversationChange {
    ConversationChange {
        key: conversation_id(number).key(),
        conversation: None,
        erasure: None,
        messages: messages.into_iter().collect(),
    }
}

/// Writes new messages of a stored conversation.
#[must_use]
pub fn insert_messages(
    number: u128,
    messages: impl IntoIterator<Item = StoredMessage>,
) -> ConversationChange {
    write_messages(number, messages.into_iter().map(Write::Insert))
}

/// Writes stored messages of a stored conversation.
#[must_use]
pub fn update_messages(
    number: u128,
    messages: impl IntoIterator<Item = StoredMessage>,
) -> ConversationChange {
    write_messages(number, messages.into_iter().map(Write::Update))
}
