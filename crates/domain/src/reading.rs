//! How somebody looks at conversations: a list of them, last changed first, and one conversation with its messages
//! in the order of time. Both come page by page, without what is dead.
//!
//! As in the [`feed`](crate::feed), a page is chosen by places and sizes alone and then read. A page goes on after the
//! place where the last one ended, whatever has changed meanwhile.

#[cfg(test)]
mod tests;

use std::cmp::Ordering;

use crate::feed::{Admit, ChangedHead, ChangedHeads, FeedRows};
use crate::identity::{ConversationKey, MessageKey};
use crate::ports::NamedConversation;
use crate::stored::{StoredConversation, StoredMessage};
use crate::timestamp::Timestamp;

/// Which page of a visitor's conversations to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListRequest {
    /// The last conversation of the page before; `None` for the first page.
    pub after: Option<ListPlace>,
    /// The most conversations; at least one.
    pub limit: usize,
    /// The page ends with the conversation that brings its content to so many bytes.
    pub content_bytes: usize,
}

/// A conversation's place in the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ListPlace {
    /// The highest change number of the conversation itself and its messages.
    pub latest_change: u64,
    /// Which conversation.
    pub key: ConversationKey,
}

/// What came of reading a page of the list.
#[derive(Clone, Debug, PartialEq)]
pub enum ListRead {
    /// The page.
    Page(ListPage),
    /// Its content was not admitted, and not read.
    NotAdmitted,
}

/// A page of the list.
#[derive(Clone, Debug, PartialEq)]
pub struct ListPage {
    /// The conversations, last changed first.
    pub conversations: Vec<ListedConversation>,
    /// Where the next page begins, if there is one.
    pub next: Option<ListPlace>,
    /// The visitor's change counter at the moment of the read.
    pub change_counter: u64,
}

/// A living conversation as the list shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct ListedConversation {
    /// The conversation itself.
    pub conversation: StoredConversation,
    /// How many messages of it live.
    pub message_count: u64,
}

/// Which page of a conversation to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConversationRequest {
    /// Which conversation.
    pub key: ConversationKey,
    /// Which messages come first.
    pub order: MessageOrder,
    /// The last message of the page before; `None` for the first page.
    pub after: Option<MessagePlace>,
    /// The most messages; at least one.
    pub limit: usize,
    /// The page ends with the message that brings its content to so many bytes.
    pub content_bytes: usize,
}

/// Which messages of a conversation come first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MessageOrder {
    /// The oldest.
    #[default]
    OldestFirst,
    /// The newest.
    NewestFirst,
}

/// A message's place in a conversation: by its `timestamp`, those without one before all others, and then by key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MessagePlace {
    /// When it was written.
    pub timestamp: Option<Timestamp>,
    /// Which message.
    pub key: MessageKey,
}

/// What came of reading a page of a conversation.
#[derive(Clone, Debug, PartialEq)]
pub enum ConversationRead {
    /// The page.
    Page(Box<ConversationPage>),
    /// No such conversation lives.
    NotThere,
    /// Its content was not admitted, and not read.
    NotAdmitted,
}

/// A conversation with a page of its messages.
#[derive(Clone, Debug, PartialEq)]
pub struct ConversationPage {
    /// The conversation itself.
    pub conversation: StoredConversation,
    /// Its highest change number, that of its messages included.
    pub latest_change: u64,
    /// The messages, in the order that was asked for.
    pub messages: Vec<StoredMessage>,
    /// Where the next page begins, if there is one.
    pub next: Option<MessagePlace>,
}

/// A living message of a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LivingMessage {
    /// Its place.
    pub place: MessagePlace,
    /// About how many bytes its content has.
    pub content_bytes: usize,
}

/// What reading conversations asks of a store beside what the feed asks, all of it about one visitor and at one
/// moment. What is found here is read by [`FeedRows::read`].
pub trait ReadingRows: FeedRows {
    /// The head of a conversation, a dead one included.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn head(&mut self, conversation: ConversationKey) -> Result<Option<ChangedHead>, Self::Error>;

    /// How many messages live in each of these conversations.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn count_messages(
        &mut self,
        conversations: &[ConversationKey],
    ) -> Result<Vec<u64>, Self::Error>;

    /// The living messages of a conversation, in any order.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn living_messages(
        &mut self,
        conversation: ConversationKey,
    ) -> Result<Vec<LivingMessage>, Self::Error>;
}

/// Reads a page of the list. `change_counter` is the visitor's counter at the moment of the read.
///
/// # Errors
/// When the store cannot be read.
pub fn read_list<R: ReadingRows>(
    rows: &mut R,
    request: &ListRequest,
    admit: &Admit,
    change_counter: u64,
) -> Result<ListRead, R::Error> {
    let mut heads = rows.changed_heads(&ChangedHeads::living())?;
    heads.retain(|head| request.after.is_none_or(|after| place_of(head) < after));
    heads.sort_unstable_by_key(|head| std::cmp::Reverse(place_of(head)));
    let chosen = Chosen::of(
        &heads,
        |head| head.content_bytes,
        (request.limit, request.content_bytes),
    );
    if !admit(chosen.content_bytes) {
        return Ok(ListRead::NotAdmitted);
    }
    let keys: Vec<_> = chosen.items.iter().map(|head| head.key).collect();
    let next = chosen.next(place_of);
    let mut page = ListPage {
        conversations: Vec::new(),
        next,
        change_counter,
    };
    if !keys.is_empty() {
        let counts = rows.count_messages(&keys)?;
        let named = keys.into_iter().map(|key| NamedConversation {
            key,
            messages: Vec::new(),
        });
        let conversations = rows.read(named.collect())?.into_iter().zip(counts);
        let listed = conversations.map(|(read, message_count)| ListedConversation {
            conversation: read.conversation,
            message_count,
        });
        page.conversations = listed.collect();
    }
    Ok(ListRead::Page(page))
}

/// Reads a conversation with a page of its messages.
///
/// # Errors
/// When the store cannot be read.
pub fn read_conversation<R: ReadingRows>(
    rows: &mut R,
    request: &ConversationRequest,
    admit: &Admit,
) -> Result<ConversationRead, R::Error> {
    let head = rows.head(request.key)?.filter(|head| !head.is_dead());
    let Some(head) = head else {
        return Ok(ConversationRead::NotThere);
    };
    let order = |one: &MessagePlace, other: &MessagePlace| match request.order {
        MessageOrder::OldestFirst => one.cmp(other),
        MessageOrder::NewestFirst => other.cmp(one),
    };
    let mut messages = rows.living_messages(request.key)?;
    messages.retain(|message| {
        let is_after = |after: MessagePlace| order(&message.place, &after) == Ordering::Greater;
        request.after.is_none_or(is_after)
    });
    messages.sort_unstable_by(|one, other| order(&one.place, &other.place));
    let chosen = Chosen::of(
        &messages,
        |message| message.content_bytes,
        (request.limit, request.content_bytes),
    );
    if !admit(chosen.content_bytes.saturating_add(head.content_bytes)) {
        return Ok(ConversationRead::NotAdmitted);
    }
    let next = chosen.next(|message| message.place);
    let named = NamedConversation {
        key: request.key,
        messages: chosen.items.iter().map(|it| it.place.key).collect(),
    };
    // It is there: its head was read at the same moment.
    let Some(read) = rows.read(vec![named])?.pop() else {
        return Ok(ConversationRead::NotThere);
    };
    Ok(ConversationRead::Page(Box::new(ConversationPage {
        conversation: read.conversation,
        latest_change: head.latest_change,
        messages: read.messages,
        next,
    })))
}

fn place_of(head: &ChangedHead) -> ListPlace {
    ListPlace {
        latest_change: head.latest_change,
        key: head.key,
    }
}

/// What of a list a page has room for.
struct Chosen<'a, T> {
    items: &'a [T],
    content_bytes: usize,
    has_more: bool,
}

impl<'a, T> Chosen<'a, T> {
    /// The first of them, up to so many and so many bytes, and at least one.
    fn of(
        all: &'a [T],
        bytes_of: impl Fn(&T) -> usize,
        (limit, most_bytes): (usize, usize),
    ) -> Self {
        let mut content_bytes: usize = 0;
        let mut items = 0;
        for item in all.iter().take(limit.max(1)) {
            if items > 0 && content_bytes >= most_bytes {
                break;
            }
            content_bytes = content_bytes.saturating_add(bytes_of(item));
            items += 1;
        }
        let (items, left) = all.split_at(items);
        Self {
            items,
            content_bytes,
            has_more: !left.is_empty(),
        }
    }

    /// The place of the last one, if there are more.
    fn next<P>(&self, place_of: impl Fn(&T) -> P) -> Option<P> {
        self.items.last().filter(|_| self.has_more).map(place_of)
    }
}
