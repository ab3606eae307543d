//! What a client posts, as the merge rule takes it.

use crate::conversation::ConversationPatch;
use crate::identity::{ConversationId, MessageId};
use crate::message::MessagePatch;
use crate::timestamp::Timestamp;

/// A digest of the raw text of a posted message, by a hash that the store's secret seeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Digest(pub [u8; 16]);

/// One conversation of a post.
#[derive(Clone, Debug, PartialEq)]
pub struct PostedConversation {
    /// Which conversation.
    pub id: ConversationId,
    /// Its fields or its deletion.
    pub change: PostedChange<ConversationPatch>,
    /// The messages beside it, in order.
    pub messages: Vec<PostedMessage>,
}

/// What a post does to an item.
#[derive(Clone, Debug, PartialEq)]
pub enum PostedChange<P> {
    /// Fields to merge.
    Fields {
        /// The `updated_at` of the item itself.
        updated_at: Option<Timestamp>,
        /// What is said about its fields, `updated_at` included.
        patch: P,
    },
    /// A deletion, which carries no content.
    Deletion {
        /// `deleted_at`.
        deleted_at: Timestamp,
        /// The `updated_at` of the item itself.
        updated_at: Option<Timestamp>,
    },
}

/// One message of a posted conversation.
#[derive(Clone, Debug, PartialEq)]
pub struct PostedMessage {
    /// Which message of the conversation.
    pub id: MessageId,
    /// What is done to it.
    pub content: PostedContent,
}

/// The content of a posted message.
#[derive(Clone, Debug, PartialEq)]
pub enum PostedContent {
    /// The text is the one that was last applied whole, so nothing can change.
    AlreadyApplied,
    /// The content, with the digest of its text.
    Read {
        /// The digest of the text that was read.
        digest: Digest,
        /// What it says.
        change: Box<PostedChange<MessagePatch>>,
    },
}

impl<P> PostedChange<P> {
    /// The `updated_at` of the item itself.
    #[must_use]
    pub fn updated_at(&self) -> Option<Timestamp> {
        match self {
            Self::Fields { updated_at, .. } | Self::Deletion { updated_at, .. } => *updated_at,
        }
    }
}
