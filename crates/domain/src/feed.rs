//! The feed of a visitor's changes: what a device pulls, page by page.
//!
//! A page walks the conversations by their *latest change*, the highest change number of the
//! conversation itself and its messages, and may end inside one. What changes meanwhile moves to
//! the end and comes again whole, so nothing is missed. [`read_page`] is the walk: it chooses by
//! numbers and ids alone what the page holds, then has that read. A store gives it three reads, which
//! ask for many things at once.

use crate::identity::{ConversationId, MessageId};
use crate::ports::NamedConversation;
use crate::stored::{StoredConversation, StoredMessage};

/// How far a device has pulled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeedPosition {
    /// The change number that the pull started from: everything up to it has been seen.
    pub since: u64,
    /// In a pull from the very start, the visitor's counter at its first page: items that were dead
    /// by then are left out.
    pub dead_left_out_through: Option<u64>,
    /// The last item that was given out, while the pull is not drained.
    pub last: Option<FeedPlace>,
}

/// An item's place in the walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeedPlace {
    /// The latest change of the conversation.
    pub latest_change: u64,
    /// The conversation.
    pub conversation: ConversationId,
    /// The last message of it, by change number and id; `None` while only the conversation itself
    /// was given out.
    pub message: Option<(u64, MessageId)>,
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

/// A conversation that changed after the start of the pull.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChangedHead {
    /// Which conversation.
    pub id: ConversationId,
    /// The highest change number of the conversation itself and its messages.
    pub latest_change: u64,
    /// The change number of the conversation itself.
    pub change_number: u64,
    /// Whether it is dead, so that it has no content.
    pub is_dead: bool,
}

/// The messages to read of one conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChangedMessages {
    /// Which conversation.
    pub conversation: ConversationId,
    /// Only those with a higher change number.
    pub since: u64,
    /// Leave out tombstones up to this change number.
    pub dead_left_out_through: Option<u64>,
    /// Only those that come after this one by change number and id.
    pub after: Option<(u64, MessageId)>,
    /// At most so many.
    pub limit: usize,
}

/// What [`read_page`] asks of a store, all of it about one visitor and at one moment.
pub trait FeedRows {
    /// How a read fails.
    type Error;

    /// The visitor's conversations with a latest change above `since`, in any order.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn changed_heads(&mut self, since: u64) -> Result<Vec<ChangedHead>, Self::Error>;

    /// Which messages changed in each of these conversations, by change number and id.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn changed_messages(
        &mut self,
        wanted: &[ChangedMessages],
    ) -> Result<Vec<Vec<NumberedMessage>>, Self::Error>;

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
pub type NumberedMessage = (u64, MessageId);

/// How many conversations are asked at most at once for their changed messages; it begins with one,
/// as that may fill the page.
const CONVERSATIONS_AT_ONCE: usize = 32;

/// Reads the page after `position`, or the first of a pull from the very start: at most `limit`
/// changed conversations and messages, counting no conversation that only wraps a changed message.
/// `change_counter` is the visitor's counter at the moment of the read.
///
/// # Errors
/// When the store cannot be read.
pub fn read_page<R: FeedRows>(
    rows: &mut R,
    position: Option<FeedPosition>,
    change_counter: u64,
    limit: usize,
) -> Result<ChangesPage, R::Error> {
    let position = position.unwrap_or(FeedPosition {
        since: 0,
        dead_left_out_through: Some(change_counter),
        last: None,
    });
    let mut heads = Vec::new();
    if change_counter > position.since {
        heads = rows.changed_heads(position.since)?;
    }
    heads.sort_unstable_by_key(|head| (head.latest_change, head.id));
    let seen = position
        .last
        .map(|last| (last.latest_change, last.conversation));
    let begun = heads.partition_point(|head| Some((head.latest_change, head.id)) < seen);
    let mut heads = heads.split_off(begun).into_iter();

    let mut page = PageBuilder {
        since: position.since,
        dead_left_out_through: position.dead_left_out_through,
        last: position.last,
        room: limit,
        items: Vec::new(),
    };
    let mut at_once = 1;
    loop {
        let batch: Vec<_> = heads.by_ref().take(at_once).collect();
        if batch.is_empty() {
            break;
        }
        at_once = CONVERSATIONS_AT_ONCE.min(at_once * 2);
        if !page.take_all(rows, batch)? {
            return Ok(ChangesPage {
                next: page.position(),
                conversations: page.read(rows)?,
                has_more: true,
                change_counter,
            });
        }
    }
    Ok(ChangesPage {
        conversations: page.read(rows)?,
        next: FeedPosition {
            since: change_counter,
            dead_left_out_through: None,
            last: None,
        },
        has_more: false,
        change_counter,
    })
}

struct PageBuilder {
    since: u64,
    dead_left_out_through: Option<u64>,
    last: Option<FeedPlace>,
    room: usize,
    items: Vec<NamedConversation>,
}

impl PageBuilder {
    /// Takes what comes next of these conversations; `false` when there was more than the page holds.
    fn take_all<R: FeedRows>(
        &mut self,
        rows: &mut R,
        heads: Vec<ChangedHead>,
    ) -> Result<bool, R::Error> {
        let living = heads.iter().filter(|head| !head.is_dead);
        let wanted: Vec<_> = living
            .map(|head| ChangedMessages {
                conversation: head.id,
                since: self.since,
                dead_left_out_through: self.dead_left_out_through,
                after: self.begun(head).and_then(|place| place.message),
                // One more than there is room for tells whether the page ends inside.
                limit: self.room.saturating_add(1),
            })
            .collect();
        let mut messages = Vec::new();
        if !wanted.is_empty() {
            messages = rows.changed_messages(&wanted)?;
        }
        let mut messages = messages.into_iter();
        for head in heads {
            let of_this = if head.is_dead { None } else { messages.next() };
            if !self.take(head, of_this.unwrap_or_default()) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The place inside this conversation where the page before ended.
    fn begun(&self, head: &ChangedHead) -> Option<FeedPlace> {
        let seen = |last: &FeedPlace| {
            (last.latest_change, last.conversation) == (head.latest_change, head.id)
        };
        self.last.filter(seen)
    }

    fn take(&mut self, head: ChangedHead, mut messages: Vec<NumberedMessage>) -> bool {
        let itself = self.begun(&head).is_none()
            && head.change_number > self.since
            && !(head.is_dead && Some(head.change_number) <= self.dead_left_out_through);
        if itself {
            if self.room == 0 {
                return false;
            }
            self.room -= 1;
        }
        let fits = messages.len() <= self.room;
        messages.truncate(self.room);
        if itself || !messages.is_empty() {
            self.room -= messages.len();
            self.last = Some(FeedPlace {
                latest_change: head.latest_change,
                conversation: head.id,
                message: messages.last().copied(),
            });
            self.items.push(NamedConversation {
                id: head.id,
                messages: messages.into_iter().map(|(_, id)| id).collect(),
            });
        }
        fits
    }

    /// The items, whole. Of a page without any nothing is asked.
    fn read<R: FeedRows>(self, rows: &mut R) -> Result<Vec<ChangedConversation>, R::Error> {
        if self.items.is_empty() {
            return Ok(Vec::new());
        }
        rows.read(self.items)
    }

    /// Where the next page begins.
    fn position(&self) -> FeedPosition {
        FeedPosition {
            since: self.since,
            dead_left_out_through: self.dead_left_out_through,
            last: self.last,
        }
    }
}
