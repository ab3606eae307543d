//! What became of an item that was posted, once the whole post is merged.

use crate::conversation::{Conversation, ConversationPatch};
use crate::message::{Message, MessagePatch};
use crate::posted::PostedChange;
use crate::stored::{ConversationHistory, StoredConversation, StoredMessage};
use crate::timestamp::Timestamp;

/// What became of an item that was posted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The item is what was sent, and nothing else.
    AsSent,
    /// Everything that was sent is there; other fields are, too.
    Taken,
    /// A value that was sent is not there: its stamp was older, a deletion holds, a null did not clear.
    NotTaken,
}

/// What became of a conversation, which is like this now.
#[must_use]
pub fn conversation_outcome(
    posted: &PostedChange<ConversationPatch>,
    stored: &StoredConversation,
) -> Outcome {
    let deleted_at = stored.history.erased_through;
    outcome(posted, stored.content.as_ref(), deleted_at)
}

/// What became of a message, which is like this now, or not stored at all, in a conversation with this history.
#[must_use]
pub fn message_outcome(
    posted: &PostedChange<MessagePatch>,
    stored: Option<&StoredMessage>,
    conversation: &ConversationHistory,
) -> Outcome {
    let content = stored.and_then(|stored| stored.content.as_deref());
    let deleted_at = stored.and_then(|stored| stored.history.deleted_at);
    outcome(posted, content, deleted_at.or(conversation.erased_through))
}

/// What a post says about the content of an item.
trait PatchOf<C> {
    fn would_change(&self, content: &C) -> bool;
    fn names_all_of(&self, content: &C) -> bool;
}

macro_rules! patch_of {
    ($($patch:ty => $content:ty),+) => {$(
        impl PatchOf<$content> for $patch {
            fn would_change(&self, content: &$content) -> bool {
                content.would_change(self)
            }

            fn names_all_of(&self, content: &$content) -> bool {
                content.is_named_by(self)
            }
        }
    )+};
}

patch_of!(ConversationPatch => Conversation, MessagePatch => Message);

/// (The tombstone of a dead item shows its moment.)
fn outcome<C, P: PatchOf<C>>(
    posted: &PostedChange<P>,
    content: Option<&C>,
    tombstone: Option<Timestamp>,
) -> Outcome {
    let (is_taken, is_all) = match (posted, content) {
        (PostedChange::Fields { patch, .. }, Some(content)) => {
            (!patch.would_change(content), patch.names_all_of(content))
        }
        // Even if nothing was said about it: it was posted as one that lives.
        (PostedChange::Fields { .. }, None) => (false, false),
        (PostedChange::Deletion { .. }, Some(_)) => (false, false),
        (PostedChange::Deletion { deleted_at, .. }, None) => {
            let is_that_deletion = tombstone == Some(*deleted_at);
            (is_that_deletion, is_that_deletion)
        }
    };
    match (is_taken, is_all) {
        (false, _) => Outcome::NotTaken,
        (true, false) => Outcome::Taken,
        (true, true) => Outcome::AsSent,
    }
}
