//! What a store holds, whole, as it is carried to another one: content, history, numbers.
//!
//! [`read_archive_page`] is the walk through one visitor's items; a store gives it two plain reads.
//! It measures what they bring, so that a page is short in bytes, too.

use crate::change_set::VisitorRegistration;
use crate::conversation::Conversation;
use crate::identity::{ConversationKey, MessageKey, VisitorId};
use crate::message::Message;
use crate::stored::{StoredConversation, StoredMessage};
use crate::timestamp::Timestamp;

/// A page ends with the items that bring its content to so many bytes.
const PAGE_BYTES: usize = 4 << 20;
/// How many messages are read at most at once; a page begins with one, as nobody knows how long they
/// are.
const MESSAGES_AT_ONCE: usize = 8;

/// A visitor as it is at rest: an `anon_id` is not stored, so it is not carried either.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArchivedVisitor {
    /// Who it is.
    pub id: VisitorId,
    /// The `user_id` of a registered visitor; `None` for an anonymous one.
    pub user_id: Option<String>,
    /// When it was registered.
    pub registered_at: Timestamp,
    /// Its change counter.
    pub change_counter: u64,
    /// When something of it last changed, as far as that is known.
    pub last_changed_at: Option<Timestamp>,
}

impl ArchivedVisitor {
    /// A visitor who registers, as it is then at rest; one with a change has changed at that moment.
    #[must_use]
    pub fn new(registration: &VisitorRegistration, change_counter: u64) -> Self {
        Self {
            id: VisitorId::from(&registration.identity),
            user_id: registration.identity.user_id().map(str::to_owned),
            registered_at: registration.registered_at,
            change_counter,
            last_changed_at: (change_counter > 0).then_some(registration.registered_at),
        }
    }

    /// Whether both are one visitor in one state. When something last changed may be known of one alone.
    #[must_use]
    pub fn is_same_life(&self, other: &Self) -> bool {
        let Self {
            id,
            user_id,
            registered_at,
            change_counter,
            last_changed_at: _,
        } = self;
        (id, user_id, registered_at, change_counter)
            == (
                &other.id,
                &other.user_id,
                &other.registered_at,
                &other.change_counter,
            )
    }
}

/// A conversation with messages of it.
#[derive(Clone, Debug, PartialEq)]
pub struct ArchivedConversation {
    /// The conversation itself.
    pub conversation: StoredConversation,
    /// The number of the change that wrote it last.
    pub change_number: u64,
    /// Messages of it, by id. Those of a long conversation may come in several pieces.
    pub messages: Vec<ArchivedMessage>,
}

/// A message.
#[derive(Clone, Debug, PartialEq)]
pub struct ArchivedMessage {
    /// The message itself.
    pub message: StoredMessage,
    /// The number of the change that wrote it last.
    pub change_number: u64,
}

impl ArchivedConversation {
    /// The highest change number of the conversation itself and these messages.
    #[must_use]
    pub fn latest_change(&self) -> u64 {
        let of_messages = self.messages.iter().map(|message| message.change_number);
        of_messages.fold(self.change_number, u64::max)
    }

    /// About how many bytes the content of the conversation and these messages has.
    #[must_use]
    pub fn content_bytes(&self) -> usize {
        let messages = self.messages.iter().map(ArchivedMessage::content_bytes);
        messages.fold(self.own_bytes(), usize::saturating_add)
    }

    fn own_bytes(&self) -> usize {
        let content = self.conversation.content.as_ref();
        content.map_or(0, Conversation::content_bytes)
    }

    /// Where the next page goes on that ends with this.
    #[must_use]
    pub fn place(&self) -> ArchivePlace {
        ArchivePlace {
            conversation: self.conversation.id.key(),
            message: self.messages.last().map(|message| message.message.id.key()),
        }
    }
}

impl ArchivedMessage {
    fn content_bytes(&self) -> usize {
        let content = self.message.content.as_deref();
        content.map_or(0, Message::content_bytes)
    }
}

/// The last item of a page: its conversation and, if it has one, its last message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArchivePlace {
    /// The conversation.
    pub conversation: ConversationKey,
    /// The last message of it.
    pub message: Option<MessageKey>,
}

/// What [`read_archive_page`] asks of a store, all of it about one visitor and at one moment.
pub trait ArchiveRows {
    /// How a read fails.
    type Error;

    /// The first `limit` conversations from this id on, dead ones included, by id, without messages.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn conversations(
        &mut self,
        from: Option<ConversationKey>,
        limit: usize,
    ) -> Result<Vec<ArchivedConversation>, Self::Error>;

    /// The first `limit` messages of a conversation after this id, dead ones included, by id.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn messages(
        &mut self,
        conversation: ConversationKey,
        after: Option<MessageKey>,
        limit: usize,
    ) -> Result<Vec<ArchivedMessage>, Self::Error>;
}

/// Reads the items after a place in the order of their ids, at most `limit` conversations and
/// messages together and about 4 MiB of content; nothing when there are no more. A conversation that
/// has more messages comes again with the next page.
///
/// # Errors
/// When the store cannot be read.
pub fn read_archive_page<R: ArchiveRows>(
    rows: &mut R,
    after: Option<ArchivePlace>,
    limit: usize,
) -> Result<Vec<ArchivedConversation>, R::Error> {
    let mut page = Vec::new();
    let mut room = Room {
        items: limit.max(1),
        bytes: PAGE_BYTES,
        at_once: 1,
    };
    let from = after.map(|place| place.conversation);
    // One more, as the first may be finished.
    for mut archived in rows.conversations(from, room.items.saturating_add(1))? {
        if room.is_full() {
            break;
        }
        let begun = after.filter(|place| place.conversation == archived.conversation.id.key());
        if begun.is_none() {
            room.take(1, archived.own_bytes());
        }
        room.read_messages(rows, &mut archived, begun.and_then(|place| place.message))?;
        if begun.is_none() || !archived.messages.is_empty() {
            page.push(archived);
        }
    }
    Ok(page)
}

/// What a page has room for.
struct Room {
    items: usize,
    bytes: usize,
    /// How many messages are read next.
    at_once: usize,
}

impl Room {
    fn is_full(&self) -> bool {
        self.items == 0 || self.bytes == 0
    }

    fn take(&mut self, items: usize, bytes: usize) {
        self.items = self.items.saturating_sub(items);
        self.bytes = self.bytes.saturating_sub(bytes);
    }

    /// Reads those messages of a conversation after this one that there is room for.
    fn read_messages<R: ArchiveRows>(
        &mut self,
        rows: &mut R,
        archived: &mut ArchivedConversation,
        mut after: Option<MessageKey>,
    ) -> Result<(), R::Error> {
        while !self.is_full() {
            let wanted = self.items.min(self.at_once);
            self.at_once = MESSAGES_AT_ONCE.min(self.at_once * 2);
            let messages = rows.messages(archived.conversation.id.key(), after, wanted)?;
            let is_last = messages.len() < wanted;
            let bytes = messages.iter().map(ArchivedMessage::content_bytes);
            self.take(messages.len(), bytes.fold(0, usize::saturating_add));
            archived.messages.extend(messages);
            if is_last {
                break;
            }
            after = archived
                .messages
                .last()
                .map(|message| message.message.id.key());
        }
        Ok(())
    }
}
