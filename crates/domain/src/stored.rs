//! What a store holds of conversations and messages: content, and the history that the merge rule
//! needs.

use crate::conversation::Conversation;
use crate::identity::{ConversationId, MessageId};
use crate::message::Message;
use crate::posted::Digest;
use crate::timestamp::Timestamp;

/// A conversation as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredConversation {
    /// Which conversation of the visitor.
    pub id: ConversationId,
    /// Its place in time.
    pub history: ConversationHistory,
    /// Its content; `None` for a tombstone.
    pub content: Option<Conversation>,
}

impl StoredConversation {
    /// About how many bytes its content has: none of a tombstone, and at least one of what lives.
    #[must_use]
    pub fn content_bytes(&self) -> usize {
        let content = self.content.as_ref();
        content.map_or(0, |content| content.content_bytes().max(1))
    }
}

/// What a conversation remembers of the posts it has seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ConversationHistory {
    /// The latest moment it was posted at.
    pub stamp: Option<Timestamp>,
    /// The latest stamp or deletion from the future that was honoured.
    pub future_stamp: Option<Timestamp>,
    /// The latest deletion it has seen.
    pub erased_through: Option<Timestamp>,
}

impl ConversationHistory {
    /// Whether the conversation is dead: deleted, and not posted with a newer stamp since.
    #[must_use]
    pub fn is_dead(&self) -> bool {
        is_covered(self.stamp, self.erased_through)
    }
}

/// A message as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredMessage {
    /// Which message of its conversation.
    pub id: MessageId,
    /// Its place in time.
    pub history: MessageHistory,
    /// Its content; `None` for a tombstone.
    pub content: Option<Box<Message>>,
    /// The digest of the text last applied whole, unless something else has changed the message.
    pub digest: Option<Digest>,
}

impl StoredMessage {
    /// About how many bytes its content has, parts included: none of a tombstone, and at least one of what lives.
    #[must_use]
    pub fn content_bytes(&self) -> usize {
        let content = self.content.as_ref();
        content.map_or(0, |content| content.content_bytes().max(1))
    }
}

/// What a message remembers of the posts it has seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MessageHistory {
    /// The latest moment it was posted at; forgotten when it dies with its conversation.
    pub stamp: Option<Timestamp>,
    /// The latest `updated_at` of its own that it was posted with.
    pub own_stamp: Option<Timestamp>,
    /// The latest stamp or deletion from the future that was honoured.
    pub future_stamp: Option<Timestamp>,
    /// The latest deletion of its own that it has seen.
    pub deleted_at: Option<Timestamp>,
}

impl MessageHistory {
    /// Whether the message is dead in a conversation with this history.
    #[must_use]
    pub fn is_dead_in(&self, conversation: &ConversationHistory) -> bool {
        conversation.is_dead()
            || is_covered(self.stamp, conversation.erased_through)
            || self.is_deleted_by_itself()
    }

    /// Whether a deletion of the message itself is in force.
    #[must_use]
    pub fn is_deleted_by_itself(&self) -> bool {
        is_covered(self.own_stamp, self.deleted_at)
    }
}

/// Whether a deletion covers a stamp: deletion wins a tie, and there is none newer than no stamp.
fn is_covered(stamp: Option<Timestamp>, deletion: Option<Timestamp>) -> bool {
    deletion.is_some() && stamp <= deletion
}
