//! What a store holds, whole, as it is carried to another one: content, history, numbers.
//!
//! [`read_archive_page`] is the walk through one visitor's items; a store gives it two plain reads.

use crate::change_set::VisitorRegistration;
use crate::conversation::Conversation;
use crate::identity::{ConversationId, MessageId, VisitorId};
use crate::message::Message;
use crate::stored::{StoredConversation, StoredMessage};
use crate::timestamp::Timestamp;

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
}

impl ArchivedVisitor {
    /// A visitor who registers, as it is then at rest.
    #[must_use]
    pub fn new(registration: &VisitorRegistration, change_counter: u64) -> Self {
        Self {
            id: VisitorId::from(&registration.identity),
            user_id: registration.identity.user_id().map(str::to_owned),
            registered_at: registration.registered_at,
            change_counter,
        }
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
        let conversation = self.conversation.content.as_ref();
        let own = conversation.map_or(0, Conversation::content_bytes);
        let messages = self.messages.iter();
        let contents = messages.filter_map(|archived| archived.message.content.as_deref());
        contents
            .map(Message::content_bytes)
            .fold(own, usize::saturating_add)
    }

    /// Where the next page goes on that ends with this.
    #[must_use]
    pub fn place(&self) -> ArchivePlace {
        ArchivePlace {
            conversation: self.conversation.id,
            message: self.messages.last().map(|message| message.message.id),
        }
    }
}

/// The last item of a page: its conversation and, if it has one, its last message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArchivePlace {
    /// The conversation.
    pub conversation: ConversationId,
    /// The last message of it.
    pub message: Option<MessageId>,
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
        from: Option<ConversationId>,
        limit: usize,
    ) -> Result<Vec<ArchivedConversation>, Self::Error>;

    /// The first `limit` messages of a conversation after this id, dead ones included, by id.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn messages(
        &mut self,
        conversation: ConversationId,
        after: Option<MessageId>,
        limit: usize,
    ) -> Result<Vec<ArchivedMessage>, Self::Error>;
}

/// Reads the items after a place in the order of their ids, at most `limit` conversations and
/// messages together; nothing when there are no more. A conversation that has more messages comes
/// again with the next page.
///
/// # Errors
/// When the store cannot be read.
pub fn read_archive_page<R: ArchiveRows>(
    rows: &mut R,
    after: Option<ArchivePlace>,
    limit: usize,
) -> Result<Vec<ArchivedConversation>, R::Error> {
    let mut page = Vec::new();
    let mut room = limit.max(1);
    let from = after.map(|place| place.conversation);
    // One more, as the first may be finished.
    for mut archived in rows.conversations(from, room.saturating_add(1))? {
        if room == 0 {
            break;
        }
        let id = archived.conversation.id;
        let begun = after.filter(|place| place.conversation == id);
        let read_through = begun.and_then(|place| place.message);
        archived.messages = rows.messages(id, read_through, room)?;
        if begun.is_none() {
            room -= 1;
            archived.messages.truncate(room);
        } else if archived.messages.is_empty() {
            continue;
        }
        room -= archived.messages.len();
        page.push(archived);
    }
    Ok(page)
}
