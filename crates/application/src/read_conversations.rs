//! How somebody looks at conversations, page by page.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use convosync_domain::identity::{ConversationId, VisitorId};
use convosync_domain::ports::{ConversationReader, StoreError, VisitorStore};
use convosync_domain::reading::{
    ConversationPage, ConversationRead, ConversationRequest, ListPage, ListPlace, ListRead,
    ListRequest, MessageOrder, MessagePlace,
};
use uuid::Uuid;

use crate::access::AuthorizedVisitor;
use crate::byte_budget::Reservation;
use crate::cursor::pages::{ListCursor, MessagesCursor};
use crate::page_memory::PageMemory;
use crate::pull_changes::PullSettings;

/// The most conversations or messages of one page.
pub const LIMIT_MAX: usize = crate::pull_changes::LIMIT_MAX;
/// The conversations or messages of a page for which no limit is given.
pub const LIMIT_DEFAULT: usize = 100;

/// Reads a visitor's living conversations: the list of them, and one with its living messages.
#[derive(Clone)]
pub struct ReadConversations {
    reader: Arc<dyn ConversationReader>,
    visitors: Arc<dyn VisitorStore>,
    epoch: Uuid,
    settings: PullSettings,
}

/// Which page of a conversation is asked for.
#[derive(Clone, Debug)]
pub struct PageOfConversation {
    /// Which conversation.
    pub id: ConversationId,
    /// Which messages come first.
    pub order: MessageOrder,
    /// Where the page begins: a cursor of this conversation in this order, or `None` for the first page.
    pub cursor: Option<String>,
    /// The most messages, at most [`LIMIT_MAX`].
    pub limit: usize,
}

/// A page, and where the next one begins.
#[derive(Debug)]
pub struct Shown<P> {
    /// The page.
    pub page: P,
    /// The cursor of the next page, if there is one.
    pub next_cursor: Option<String>,
    /// The memory that the page may take, until it is dropped.
    pub memory: Reservation,
}

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The cursor is malformed, another visitor's or of something else.
    #[error("invalid cursor")]
    InvalidCursor,
    /// Nobody is registered under this identity.
    #[error("visitor not found")]
    UnknownVisitor,
    /// No such conversation lives.
    #[error("conversation not found")]
    UnknownConversation,
    /// The store has been restored, so that the cursor means nothing any more.
    #[error("cursor expired")]
    CursorExpired,
    /// There is no memory left for the page now.
    #[error("no memory left for what is read")]
    NoMemory,
    /// The store failed.
    #[error("the conversations could not be read")]
    Store(#[from] StoreError),
}

impl ReadConversations {
    /// Reads from this store, which is in this epoch.
    #[must_use]
    pub fn new(
        reader: Arc<dyn ConversationReader>,
        visitors: Arc<dyn VisitorStore>,
        epoch: Uuid,
        settings: PullSettings,
    ) -> Self {
        Self {
            reader,
            visitors,
            epoch,
            settings,
        }
    }

    /// The change counter that this page of the list would have now, without reading the page.
    ///
    /// # Errors
    /// Those of [`Self::list`].
    pub async fn change_counter(
        &self,
        visitor: &AuthorizedVisitor,
        cursor: Option<&str>,
    ) -> Result<u64, ReadError> {
        let visitor = visitor.id();
        let cursor = decode_list(cursor, visitor)?;
        let found = self.visitors.find(visitor).await?;
        let change_counter = found.ok_or(ReadError::UnknownVisitor)?.change_counter;
        self.refuse_expired(cursor, change_counter)?;
        Ok(change_counter)
    }

    /// The page of the list that begins at the cursor, or the first one without. `limit` is at most [`LIMIT_MAX`].
    /// A conversation that changes meanwhile moves to the beginning of the list: somebody who goes on to read from
    /// a cursor does not see it again.
    ///
    /// # Errors
    /// [`ReadError`] as its variants say; a bad cursor is told before an unknown visitor, and that before an
    /// expired one.
    pub async fn list(
        &self,
        visitor: &AuthorizedVisitor,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Shown<ListPage>, ReadError> {
        let visitor = visitor.id();
        let cursor = decode_list(cursor, visitor)?;
        let request = ListRequest {
            after: cursor.map(|cursor| cursor.place),
            limit: limit.clamp(1, LIMIT_MAX),
            content_bytes: self.settings.page_bytes,
        };
        let memory = PageMemory::of(&self.settings.memory);
        let read = self.reader.list(visitor, request, memory.admit()).await?;
        let page = match read.ok_or(ReadError::UnknownVisitor)? {
            ListRead::Page(page) => page,
            ListRead::NotAdmitted => return Err(ReadError::NoMemory),
        };
        self.refuse_expired(cursor, page.change_counter)?;
        let cursor_at = |place: ListPlace| {
            let epoch = self.epoch;
            ListCursor { epoch, place }.encode(visitor)
        };
        Ok(Shown {
            next_cursor: page.next.map(cursor_at),
            page,
            memory: memory.into_reservation(),
        })
    }

    /// The highest change number of a conversation and its messages, without reading them.
    ///
    /// # Errors
    /// Those of [`Self::read`].
    pub async fn latest_change(
        &self,
        visitor: &AuthorizedVisitor,
        asked: &PageOfConversation,
    ) -> Result<u64, ReadError> {
        let visitor = visitor.id();
        decode_messages(asked, visitor)?;
        let head = self.reader.head(visitor, asked.id.key()).await?;
        let head = head.ok_or(ReadError::UnknownVisitor)?;
        let living = head.filter(|head| !head.is_dead());
        Ok(living.ok_or(ReadError::UnknownConversation)?.latest_change)
    }

    /// A conversation with the page of its messages that is asked for.
    ///
    /// # Errors
    /// [`ReadError`] as its variants say; a bad cursor is told before an unknown visitor or conversation.
    pub async fn read(
        &self,
        visitor: &AuthorizedVisitor,
        asked: &PageOfConversation,
    ) -> Result<Shown<ConversationPage>, ReadError> {
        let visitor = visitor.id();
        let (key, order) = (asked.id.key(), asked.order);
        let request = ConversationRequest {
            key,
            order,
            after: decode_messages(asked, visitor)?,
            limit: asked.limit.clamp(1, LIMIT_MAX),
            content_bytes: self.settings.page_bytes,
        };
        let memory = PageMemory::of(&self.settings.memory);
        let read = self.reader.read(visitor, request, memory.admit()).await?;
        let page = match read.ok_or(ReadError::UnknownVisitor)? {
            ConversationRead::Page(page) => *page,
            ConversationRead::NotThere => return Err(ReadError::UnknownConversation),
            ConversationRead::NotAdmitted => return Err(ReadError::NoMemory),
        };
        let cursor_at = |place| MessagesCursor { place }.encode(visitor, key, order);
        Ok(Shown {
            next_cursor: page.next.map(cursor_at),
            page,
            memory: memory.into_reservation(),
        })
    }

    /// A place is one by change number: it means nothing in another life of the store, nor where it lies above
    /// all changes.
    fn refuse_expired(
        &self,
        cursor: Option<ListCursor>,
        change_counter: u64,
    ) -> Result<(), ReadError> {
        let is_good = |cursor: ListCursor| {
            cursor.epoch == self.epoch && cursor.place.latest_change <= change_counter
        };
        match cursor.is_none_or(is_good) {
            true => Ok(()),
            false => Err(ReadError::CursorExpired),
        }
    }
}

fn decode_list(cursor: Option<&str>, visitor: VisitorId) -> Result<Option<ListCursor>, ReadError> {
    let cursor = cursor.map(|text| ListCursor::decode(text, visitor));
    cursor.transpose().or(Err(ReadError::InvalidCursor))
}

fn decode_messages(
    asked: &PageOfConversation,
    visitor: VisitorId,
) -> Result<Option<MessagePlace>, ReadError> {
    let decode = |text: &String| MessagesCursor::decode(text, visitor, asked.id.key(), asked.order);
    let cursor = asked.cursor.as_ref().map(decode).transpose();
    let cursor = cursor.or(Err(ReadError::InvalidCursor))?;
    Ok(cursor.map(|cursor| cursor.place))
}
