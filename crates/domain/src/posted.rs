//! What a client posts, as the merge rule takes it.

use crate::archive::ArchivedConversation;
use crate::conversation::ConversationPatch;
use crate::identity::{ConversationId, MessageId};
use crate::message::MessagePatch;
use crate::stored::{ConversationHistory, StoredConversation, StoredMessage};
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
        /// The digest of the text that was read; `None` where it is not known.
        digest: Option<Digest>,
        /// What it says.
        change: Box<PostedChange<MessagePatch>>,
    },
}

impl PostedConversation {
    /// What a device would post that has just pulled this conversation with all of these messages, tombstones
    /// included; `None` for a tombstone that does not tell its moment, which no store has. Digests stay: they are
    /// those of the texts from which the messages were made.
    #[must_use]
    pub fn of_archived(archived: ArchivedConversation) -> Option<Self> {
        let StoredConversation {
            id,
            history,
            content,
        } = archived.conversation;
        // What a dead conversation had of messages is gone with it.
        let shown = archived.messages.into_iter().filter(|_| content.is_some());
        let messages = shown.filter_map(|archived| posted_message(archived.message, &history));
        let messages = messages.collect();
        let change = match content {
            Some(content) => PostedChange::Fields {
                updated_at: content.updated_at,
                patch: content.into(),
            },
            None => deletion(history.erased_through)?,
        };
        Some(Self {
            id,
            change,
            messages,
        })
    }
}

/// The post of a message of a conversation with this history.
fn posted_message(
    message: StoredMessage,
    conversation: &ConversationHistory,
) -> Option<PostedMessage> {
    let change = match message.content {
        Some(content) => PostedChange::Fields {
            updated_at: content.fields.updated_at,
            patch: MessagePatch::from(*content),
        },
        None => deletion(message.history.deleted_at.or(conversation.erased_through))?,
    };
    Some(PostedMessage {
        id: message.id,
        content: PostedContent::Read {
            digest: message.digest,
            change: Box::new(change),
        },
    })
}

fn deletion<P>(deleted_at: Option<Timestamp>) -> Option<PostedChange<P>> {
    Some(PostedChange::Deletion {
        deleted_at: deleted_at?,
        updated_at: None,
    })
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
