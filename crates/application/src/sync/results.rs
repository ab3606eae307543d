//! What comes of a post.

use convosync_domain::change_set::{ConversationChange, Counts, Write};
use convosync_domain::feed::{ChangedConversation, ChangesPage, LeftOut};
use convosync_domain::identity::{ConversationKey, MessageId};
use convosync_domain::ports::StoreError;
use convosync_domain::usage::QuotaExceeded;

use crate::pull_changes::Since;

/// The most violations that a sync reports; reading stops there.
pub const VIOLATIONS_MAX: usize = 100;

/// Why a post was not taken. In every case it has changed nothing.
#[derive(Debug, thiserror::Error)]
pub enum SyncError<F> {
    /// Nobody is registered under this identity.
    #[error("visitor not found")]
    UnknownVisitor,
    /// The turn begins with a cursor that has expired.
    #[error("cursor expired")]
    TurnExpired,
    /// Messages of the post are invalid: all their violations in order, up to [`VIOLATIONS_MAX`].
    #[error("invalid messages")]
    Invalid(Vec<F>),
    /// It changes more of what is stored than may be in memory at all.
    #[error("the post changes more than {most} bytes of what is stored")]
    TooMuchStored {
        /// The most, in bytes.
        most: usize,
    },
    /// There is no memory left now for what is stored of it.
    #[error("no memory left for what is read")]
    NoMemory,
    /// It would grow the visitor beyond its quota.
    #[error("the visitor would have {0}")]
    QuotaExceeded(QuotaExceeded),
    /// The store failed.
    #[error("the post could not be stored")]
    Store(#[source] StoreError),
}

impl<F> From<StoreError> for SyncError<F> {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::QuotaExceeded(limit) => Self::QuotaExceeded(limit),
            error => Self::Store(error),
        }
    }
}

/// Why what is stored is not read, to be changed.
#[derive(Clone, Copy, Debug)]
pub(super) enum NoRoom {
    /// It is more than may be in memory at all.
    TooMuchStored {
        /// The most, in bytes.
        most: usize,
    },
    /// There is no memory left now.
    NoMemory,
}

impl<F> From<NoRoom> for SyncError<F> {
    fn from(no_room: NoRoom) -> Self {
        match no_room {
            NoRoom::TooMuchStored { most } => Self::TooMuchStored { most },
            NoRoom::NoMemory => Self::NoMemory,
        }
    }
}

/// What came of a post.
#[derive(Debug, PartialEq, Eq)]
pub struct Taken<V> {
    /// What was created and what was updated, as devices are told: what stays as it is counts as updated.
    pub counts: Counts,
    /// What was written.
    pub written: Written,
    /// The messages that were left out as they are invalid, in the order of the post.
    pub rejected: Vec<RejectedMessage<V>>,
}

/// What came of a post, and what the device is told of it.
#[derive(Debug)]
pub(crate) struct Posted<V> {
    /// What came of it.
    pub(crate) taken: Taken<V>,
    /// In a turn, what the device is told beside that.
    pub(crate) told: Told,
}

/// What a post has written, without the messages that an erasure reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Conversations.
    pub conversations: ItemsWritten,
    /// Messages.
    pub messages: ItemsWritten,
}

/// How many items of one kind were written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ItemsWritten {
    /// Those that were not there before.
    pub created: usize,
    /// Those that were.
    pub updated: usize,
}

impl Written {
    /// What these changes write.
    pub(super) fn of(changes: &[ConversationChange]) -> Self {
        let mut written = Self::default();
        for change in changes {
            written.conversations.count(change.conversation.as_slice());
            written.messages.count(&change.messages);
        }
        written
    }
}

impl ItemsWritten {
    fn count<T>(&mut self, writes: &[Write<T>]) {
        let created = writes.iter().filter(|write| write.is_insert()).count();
        self.created += created;
        self.updated += writes.len() - created;
    }
}

/// How many items of a post there are of which a value is not there, once the post is taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ItemsLost {
    /// Conversations.
    pub conversations: usize,
    /// Messages.
    pub messages: usize,
}

/// What a device is told in a turn of what it posted.
#[derive(Debug, Default)]
pub(crate) struct Told {
    /// How many items there are of which a value is not there.
    pub(crate) lost: ItemsLost,
    /// The items of which a value is not there, as they are now: in the order of the post, each in its conversation.
    pub(crate) not_taken: Vec<ChangedConversation>,
    /// Of these conversations, those that the post deletes in vain: the device may have given up their messages.
    pub(crate) undeleted: Vec<ConversationKey>,
    /// What the device does not need to pull any more.
    pub(crate) left_out: LeftOut,
    /// The page after the post, where the store need not be asked for it.
    pub(crate) page: Option<ChangesPage>,
}

/// What a turn begins with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TurnStart {
    /// How far the device has pulled.
    pub(crate) since: Since,
    /// The most changed items of the page.
    pub(crate) limit: usize,
    /// The page ends with the item that brings its content to so many bytes.
    pub(crate) page_bytes: usize,
}

/// A message that was left out of a post.
#[derive(Debug, PartialEq, Eq)]
pub struct RejectedMessage<V> {
    /// Its id.
    pub id: MessageId,
    /// What is wrong with it, in the order of its text.
    pub violations: Vec<V>,
}
