//! The feed of a visitor's changes: what a device pulls, page by page.
//!
//! A page walks the conversations by their *latest change*, the highest change number of the
//! conversation itself and its messages, and may end inside one. What changes meanwhile moves to
//! the end and comes again whole, so nothing is missed. [`read_page`] is the walk: it chooses by
//! numbers, ids and sizes alone what the page holds, then has that read. A store gives it three reads, which
//! ask for many things at once.

mod page;

use std::collections::HashSet;
use std::sync::Arc;

pub use page::read_page;

use uuid::Uuid;

use crate::identity::{ConversationKey, MessageKey};
use crate::ports::NamedConversation;
use crate::stored::{StoredConversation, StoredMessage};

/// No change has a higher number: databases have no larger integers.
const MAX_CHANGE_NUMBER: u64 = i64::MAX.cast_unsigned();

/// How far a device has pulled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeedPosition {
    /// The change number that the pull started from: everything up to it has been seen.
    pub since: u64,
    /// In a pull from the very start, the visitor's counter at its first page, or after the post of the turn that it
    /// began with: items that were dead by then are left out.
    pub dead_left_out_through: Option<u64>,
    /// The last item that was given out, while the pull is not drained.
    pub last: Option<FeedPlace>,
}

impl FeedPosition {
    /// Where a pull from the very start begins that leaves out what was dead by this change number.
    #[must_use]
    pub fn start(dead_left_out_through: u64) -> Self {
        Self {
            since: 0,
            dead_left_out_through: Some(dead_left_out_through),
            last: None,
        }
    }

    /// Where a pull is that has brought everything up to this change number.
    #[must_use]
    pub fn drained_at(change_counter: u64) -> Self {
        Self {
            since: change_counter,
            dead_left_out_through: None,
            last: None,
        }
    }
}

/// An item's place in the walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeedPlace {
    /// The latest change of the conversation.
    pub latest_change: u64,
    /// The conversation.
    pub conversation: ConversationKey,
    /// The last message of it, by change number and id; `None` while only the conversation itself
    /// was given out.
    pub message: Option<(u64, MessageKey)>,
}

/// Which page of changes to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageRequest {
    /// How far the device has pulled; `None` for the first page of all.
    pub position: Option<FeedPosition>,
    /// The most changed conversations and messages, counting no conversation that only wraps a changed message.
    pub limit: usize,
    /// The page ends with the item that brings its content to so many bytes.
    pub content_bytes: usize,
    /// What the device has already.
    pub left_out: Arc<LeftOut>,
}

/// Items that a page passes over, as the device has them already.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// The conversations themselves, and messages of them, in the state of this change number or an earlier one.
    pub items: HashSet<(ConversationKey, Option<MessageKey>)>,
    /// That change number.
    pub through: u64,
}

impl LeftOut {
    fn has(&self, item: (ConversationKey, Option<MessageKey>), change_number: u64) -> bool {
        change_number <= self.through && self.items.contains(&item)
    }
}

/// Asked before the content of a page is read, with about how many bytes it has: whether there is memory for
/// it. It may be asked again for the same page, if a read has to be repeated.
pub type Admit = Arc<dyn Fn(usize) -> bool + Send + Sync>;

/// What came of reading a page.
#[derive(Clone, Debug, PartialEq)]
pub enum PageRead {
    /// The page.
    Page(ChangesPage),
    /// Its content was not admitted, and not read.
    NotAdmitted,
}

/// One page of changes.
#[derive(Clone, Debug, PartialEq)]
pub struct ChangesPage {
    /// The conversations that changed or whose messages did, oldest change first.
    pub conversations: Vec<ChangedConversation>,
    /// Where the next page begins.
    pub next: FeedPosition,
    /// Whether there is more to pull at this moment.
    pub has_more: bool,
    /// The visitor's change counter at the moment of the read.
    pub change_counter: u64,
}

/// A conversation as a page shows it: always whole, with those of its messages that changed.
#[derive(Clone, Debug, PartialEq)]
pub struct ChangedConversation {
    /// The conversation.
    pub conversation: StoredConversation,
    /// The messages that changed, oldest change first; none of a dead conversation.
    pub messages: Vec<StoredMessage>,
}

/// The conversations to walk through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChangedHeads {
    /// Only this one, by latest change and id, and those that come after it.
    pub from: (u64, ConversationKey),
    /// Leave out tombstones up to this change number.
    pub dead_left_out_through: Option<u64>,
    /// Only the first so many by latest change and id; all, if `None`.
    pub limit: Option<usize>,
}

impl ChangedHeads {
    /// All that live.
    #[must_use]
    pub fn living() -> Self {
        Self {
            from: (0, ConversationKey::from_uuid(Uuid::nil())),
            dead_left_out_through: Some(MAX_CHANGE_NUMBER),
            limit: None,
        }
    }

    /// Whether it is one of them, the limit aside.
    #[must_use]
    pub fn has(&self, head: &ChangedHead) -> bool {
        let left_out = head.is_dead() && Some(head.change_number) <= self.dead_left_out_through;
        (head.latest_change, head.key) >= self.from && !left_out
    }
}

/// A conversation that changed after the start of the pull. They sort as they are walked through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ChangedHead {
    /// The highest change number of the conversation itself and its messages.
    pub latest_change: u64,
    /// Which conversation.
    pub key: ConversationKey,
    /// The change number of the conversation itself.
    pub change_number: u64,
    /// About how many bytes the content of the conversation itself has; 0 if it is dead.
    pub content_bytes: usize,
}

impl ChangedHead {
    /// Whether the conversation is a tombstone.
    #[must_use]
    pub fn is_dead(&self) -> bool {
        self.content_bytes == 0
    }
}

/// A changed message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChangedMessage {
    /// The number of the change that wrote it last, and which message it is.
    pub place: NumberedMessage,
    /// About how many bytes its content has; 0 if it is dead.
    pub content_bytes: usize,
}

/// The messages to read of one conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChangedMessages {
    /// Which conversation.
    pub conversation: ConversationKey,
    /// Only those with a higher change number.
    pub since: u64,
    /// Leave out tombstones up to this change number.
    pub dead_left_out_through: Option<u64>,
    /// Only those that come after this one by change number and id.
    pub after: Option<(u64, MessageKey)>,
    /// At most so many.
    pub limit: usize,
}

/// What [`read_page`] asks of a store, all of it about one visitor and at one moment.
pub trait FeedRows {
    /// How a read fails.
    type Error;

    /// The visitor's conversations that are wanted, in any order.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn changed_heads(&mut self, wanted: &ChangedHeads) -> Result<Vec<ChangedHead>, Self::Error>;

    /// Which messages changed in each of these conversations, by change number and id.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn changed_messages(
        &mut self,
        wanted: &[ChangedMessages],
    ) -> Result<Vec<Vec<ChangedMessage>>, Self::Error>;

    /// The items of the page in its order, whole.
    ///
    /// # Errors
    /// When the store cannot be read, or does not hold one of them.
    fn read(
        &mut self,
        items: Vec<NamedConversation>,
    ) -> Result<Vec<ChangedConversation>, Self::Error>;
}

/// A message and the number of the change that wrote it last.
pub type NumberedMessage = (u64, MessageKey);
