//! The feed of a visitor's changes: what a device pulls, page by page.
//!
//! A page walks the conversations by their *latest change*, the highest change number of the
//! conversation itself and its messages, and may end inside one. What changes meanwhile moves to
//! the end and comes again whole, so nothing is missed. [`read_page`] is the walk; a store gives it
//! three plain reads.

use crate::identity::{ConversationId, MessageId};
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

    /// The visitor's conversation of this id, which [`Self::changed_heads`] named.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn conversation(&mut self, id: ConversationId) -> Result<StoredConversation, Self::Error>;

    /// Messages of one conversation with their change numbers, by change number and id.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn changed_messages(
        &mut self,
        wanted: ChangedMessages,
    ) -> Result<Vec<(u64, StoredMessage)>, Self::Error>;
}

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
    let mut page = PageBuilder {
        since: position.since,
        dead_left_out_through: position.dead_left_out_through,
        last: position.last,
        room: limit,
        conversations: Vec::new(),
    };
    let mut heads = Vec::new();
    if change_counter > position.since {
        heads = rows.changed_heads(position.since)?;
    }
    heads.sort_unstable_by_key(|head| (head.latest_change, head.id));
    for head in heads {
        if !page.take(rows, head)? {
            return Ok(page.unfinished(change_counter));
        }
    }
    Ok(ChangesPage {
        conversations: page.conversations,
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
    conversations: Vec<ChangedConversation>,
}

impl PageBuilder {
    /// Takes what comes next of a conversation; `false` when there was more than the page holds.
    fn take<R: FeedRows>(&mut self, rows: &mut R, head: ChangedHead) -> Result<bool, R::Error> {
        let mut after = None;
        let mut itself = head.change_number > self.since
            && !(head.is_dead && Some(head.change_number) <= self.dead_left_out_through);
        if let Some(last) = self.last {
            let seen = (last.latest_change, last.conversation);
            if (head.latest_change, head.id) < seen {
                return Ok(true);
            }
            if (head.latest_change, head.id) == seen {
                itself = false;
                after = last.message;
            }
        }
        if itself {
            if self.room == 0 {
                return Ok(false);
            }
            self.room -= 1;
        }
        let mut messages = Vec::new();
        let mut fits = true;
        if !head.is_dead {
            // One more than there is room for tells whether the page ends inside.
            messages = rows.changed_messages(ChangedMessages {
                conversation: head.id,
                since: self.since,
                dead_left_out_through: self.dead_left_out_through,
                after,
                limit: self.room.saturating_add(1),
            })?;
            fits = messages.len() <= self.room;
            messages.truncate(self.room);
        }
        if itself || !messages.is_empty() {
            self.room -= messages.len();
            let message = messages
                .last()
                .map(|(number, message)| (*number, message.id));
            self.last = Some(FeedPlace {
                latest_change: head.latest_change,
                conversation: head.id,
                message,
            });
            self.conversations.push(ChangedConversation {
                conversation: rows.conversation(head.id)?,
                messages: messages.into_iter().map(|(_, message)| message).collect(),
            });
        }
        Ok(fits)
    }

    fn unfinished(self, change_counter: u64) -> ChangesPage {
        ChangesPage {
            conversations: self.conversations,
            next: FeedPosition {
                since: self.since,
                dead_left_out_through: self.dead_left_out_through,
                last: self.last,
            },
            has_more: true,
            change_counter,
        }
    }
}
