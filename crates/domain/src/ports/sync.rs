use async_trait::async_trait;

use super::StoreError;
use crate::change_set::ChangeSet;
use crate::identity::{ConversationKey, MessageKey, VisitorId};
use crate::posted::Digest;
use crate::stored::{StoredConversation, StoredMessage};

/// What a post needs of a store: a look at what it names, the stored items that differ, and one
/// atomic write.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait SyncStore: Send + Sync {
    /// The visitor's change counter and the heads of what a post names, all at one moment; `None`
    /// for an unknown visitor. What is not stored has no head.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    async fn heads(
        &self,
        visitor: VisitorId,
        named: Vec<NamedConversation>,
    ) -> Result<Option<Heads>, StoreError>;

    /// The named messages that are stored, tombstones included, each with its conversation; none for
    /// an unknown visitor. It may show a later state than the heads did: then [`Self::commit`]
    /// answers [`StoreError::Conflict`].
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    async fn load(
        &self,
        visitor: VisitorId,
        named: Vec<NamedConversation>,
    ) -> Result<Vec<(ConversationKey, StoredMessage)>, StoreError>;

    /// Writes a change set whole, durably, as the visitor's next change; returns the visitor's
    /// change counter after it. A visitor to register is the one that is named here.
    ///
    /// The visitor's [`crate::usage::Usage`] is moved on in the same transaction, by everything that is written and by
    /// the messages that an erasure reaches, whether they are named or not; and [`crate::usage::Quota::check`] decides
    /// there, on what is stored at that moment.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the counter is not that of the change set, even if it changes
    /// nothing; when the visitor is unknown and not to be registered; or when one to register is
    /// known. [`StoreError::QuotaExceeded`] when the visitor would grow beyond its quota. Other [`StoreError`]s when the
    /// store cannot be written.
    async fn commit(&self, visitor: VisitorId, changes: ChangeSet) -> Result<u64, StoreError>;
}

/// A conversation and messages of it that a post names, each once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedConversation {
    /// Which conversation.
    pub key: ConversationKey,
    /// Which of its messages.
    pub messages: Vec<MessageKey>,
}

/// What a store tells of what a post names.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Heads {
    /// The visitor's change counter.
    pub change_counter: u64,
    /// Those of the conversations that are stored.
    pub conversations: Vec<ConversationHead>,
}

/// A stored conversation and the heads of its named messages.
#[derive(Clone, Debug, PartialEq)]
pub struct ConversationHead {
    /// The conversation, whole: it has few fields.
    pub conversation: StoredConversation,
    /// Those of the named messages that are stored.
    pub messages: Vec<MessageHead>,
}

/// What tells whether a posted message is the one that is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MessageHead {
    /// Which message.
    pub key: MessageKey,
    /// The digest of the text last applied whole, if nothing else has changed the message.
    pub digest: Option<Digest>,
    /// About how many bytes its content has; 0 if it is dead.
    pub content_bytes: usize,
}
