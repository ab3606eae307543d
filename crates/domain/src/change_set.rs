//! What a post changes, complete: the one thing a store is asked to write.

use crate::identity::{ConversationKey, VisitorIdentity};
use crate::stored::{StoredConversation, StoredMessage};
use crate::timestamp::Timestamp;
use crate::usage::Quota;

/// Everything that one post changes for one visitor, to be written whole or not at all.
///
/// The store gives every item it writes, and every message it erases, the change number
/// `change_counter + 1`, which becomes the visitor's counter; unless there are no `conversations`,
/// when the counter stands.
#[derive(Clone, Debug, PartialEq)]
pub struct ChangeSet {
    /// The visitor's change counter on which the change set was computed. Where the store's is
    /// another one by now, nothing is written: see [`crate::ports::StoreError::Conflict`].
    pub change_counter: u64,
    /// The moment of the post, which is when the visitor last changed once it is written.
    pub received_at: Timestamp,
    /// A visitor to register with the first post; the counter is then zero.
    pub registers: Option<VisitorRegistration>,
    /// How much the visitor may have. What would grow it beyond that is not written: see
    /// [`crate::ports::StoreError::QuotaExceeded`].
    pub quota: Quota,
    /// The conversations that change, or whose messages do; each stands here once.
    pub conversations: Vec<ConversationChange>,
}

/// A visitor to register.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VisitorRegistration {
    /// Who it is.
    pub identity: VisitorIdentity,
    /// When it was registered.
    pub registered_at: Timestamp,
}

/// What changes in one conversation. A store applies it in this order: the conversation, the
/// erasure, the messages.
#[derive(Clone, Debug, PartialEq)]
pub struct ConversationChange {
    /// Which conversation.
    pub key: ConversationKey,
    /// The conversation itself, if it changes.
    pub conversation: Option<Write<StoredConversation>>,
    /// Stored messages that die, whether the post names them or not.
    pub erasure: Option<Erasure>,
    /// The messages that change, each once, as they are after the post.
    pub messages: Vec<Write<StoredMessage>>,
}

/// An item to write, as it is after the post. A store that finds one stored that is to be inserted,
/// or one missing that is to be updated, fails the whole change set.
#[derive(Clone, Debug, PartialEq)]
pub enum Write<T> {
    /// The item is not stored yet.
    Insert(T),
    /// The item is stored and replaced whole: a part that it does not have any more goes.
    Update(T),
}

impl<T> Write<T> {
    /// The item as it is after the post.
    pub fn item(&self) -> &T {
        match self {
            Self::Insert(item) | Self::Update(item) => item,
        }
    }

    /// Whether the item is not stored yet.
    #[must_use]
    pub fn is_insert(&self) -> bool {
        matches!(self, Self::Insert(_))
    }
}

/// Which living messages of a conversation die. A message that dies loses its content, its parts
/// and its digest and stays as a tombstone; one that was dead before does not change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Erasure {
    /// All of them, as the conversation died; they also forget their stamps.
    Everything,
    /// Those whose stamp is none or not newer than this.
    Through(Timestamp),
}

impl Erasure {
    /// Both erasures, one after the other.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Through(one), Self::Through(other)) => Self::Through(one.max(other)),
            _ => Self::Everything,
        }
    }
}

/// What a post is told about: how many items it created and how many it named beside those,
/// whether or not they changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Conversations that were not stored before.
    pub created: u64,
    /// Conversations that were.
    pub updated: u64,
    /// Messages that were not stored before.
    pub messages_created: u64,
    /// Messages that were, and those that a dead conversation did not take.
    pub messages_updated: u64,
}
