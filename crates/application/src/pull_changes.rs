//! How a device learns what others have changed.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use convosync_domain::feed::{ChangesPage, FeedPosition, LeftOut, PageRead, PageRequest};
use convosync_domain::identity::VisitorId;
use convosync_domain::ports::{ChangeFeed, StoreError, VisitorStore};
use uuid::Uuid;

use crate::access::AuthorizedVisitor;
use crate::byte_budget::{ByteBudget, Reservation};
use crate::cursor::Cursor;
use crate::page_memory::PageMemory;
use crate::sync::TurnStart;

/// The most changed items of one page.
pub const LIMIT_MAX: usize = 1_000;
/// The changed items of a page for which no limit is given.
pub const LIMIT_DEFAULT: usize = 500;

/// Pulls a visitor's changes page by page.
#[derive(Clone)]
pub struct PullChanges {
    feed: Arc<dyn ChangeFeed>,
    visitors: Arc<dyn VisitorStore>,
    epoch: Uuid,
    settings: PullSettings,
}

/// How pages are bounded.
#[derive(Clone, Debug)]
pub struct PullSettings {
    /// A page ends with the item that brings its content to so many bytes.
    pub page_bytes: usize,
    /// The memory for what is read.
    pub memory: ByteBudget,
}

/// One page and where the next one begins.
#[derive(Debug)]
pub struct Pulled {
    /// The changes.
    pub page: ChangesPage,
    /// The cursor to pull on from.
    pub cursor: String,
    /// The memory that the page may take, until it is dropped.
    pub memory: Reservation,
}

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
pub enum PullError {
    /// The cursor is malformed or another visitor's.
    #[error("invalid cursor")]
    InvalidCursor,
    /// Nobody is registered under this identity.
    #[error("visitor not found")]
    UnknownVisitor,
    /// The store has been restored, so that the cursor means nothing any more.
    #[error("cursor expired")]
    CursorExpired,
    /// There is no memory left for the page now.
    #[error("no memory left for what is read")]
    NoMemory,
    /// The store failed.
    #[error("the changes could not be read")]
    Store(#[source] StoreError),
}

impl PullChanges {
    /// Pulls from this store, which is in this epoch.
    #[must_use]
    pub fn new(
        feed: Arc<dyn ChangeFeed>,
        visitors: Arc<dyn VisitorStore>,
        epoch: Uuid,
        settings: PullSettings,
    ) -> Self {
        Self {
            feed,
            visitors,
            epoch,
            settings,
        }
    }

    /// The change counter that a page after the cursor would have now, without reading the page.
    ///
    /// # Errors
    /// Those of [`Self::run`].
    pub async fn change_counter(
        &self,
        visitor: &AuthorizedVisitor,
        since: Option<&str>,
    ) -> Result<u64, PullError> {
        let visitor = visitor.id();
        let since = self.decode(since, visitor)?;
        let found = self.visitors.find(visitor).await;
        let found = found.map_err(PullError::Store)?;
        let change_counter = found.ok_or(PullError::UnknownVisitor)?.change_counter;
        since.refuse_expired(change_counter)?;
        Ok(change_counter)
    }

    /// The page after the cursor, or the first of all without one. `limit` is at most
    /// [`LIMIT_MAX`].
    ///
    /// # Errors
    /// [`PullError`] as its variants say; a bad cursor is told before an unknown visitor, and that
    /// before an expired one.
    pub async fn run(
        &self,
        visitor: &AuthorizedVisitor,
        since: Option<&str>,
        limit: usize,
    ) -> Result<Pulled, PullError> {
        let visitor = visitor.id();
        let since = self.decode(since, visitor)?;
        self.page(visitor, since, limit, Arc::default()).await
    }

    /// The page after what a cursor stands for, without what the device has already.
    pub(crate) async fn page(
        &self,
        visitor: VisitorId,
        since: Since,
        limit: usize,
        left_out: Arc<LeftOut>,
    ) -> Result<Pulled, PullError> {
        let request = PageRequest {
            position: since.position,
            limit: limit.clamp(1, LIMIT_MAX),
            content_bytes: self.settings.page_bytes,
            left_out,
        };
        let memory = PageMemory::of(&self.settings.memory);
        let read = self.feed.changes(visitor, request, memory.admit());
        let read = read.await.map_err(PullError::Store)?;
        let page = match read.ok_or(PullError::UnknownVisitor)? {
            PageRead::Page(page) => page,
            PageRead::NotAdmitted => return Err(PullError::NoMemory),
        };
        since.refuse_expired(page.change_counter)?;
        Ok(self.pulled(visitor, page, memory.into_reservation()))
    }

    fn pulled(&self, visitor: VisitorId, page: ChangesPage, memory: Reservation) -> Pulled {
        let cursor = Cursor {
            epoch: self.epoch,
            position: page.next,
        };
        Pulled {
            page,
            cursor: cursor.encode(visitor),
            memory,
        }
    }

    /// A page that need not be read, as the store would bring it.
    pub(crate) fn known_page(&self, visitor: VisitorId, page: ChangesPage) -> Pulled {
        self.pulled(visitor, page, self.reserve())
    }

    /// A reservation of the memory for what is read, of nothing yet.
    pub(crate) fn reserve(&self) -> Reservation {
        self.settings.memory.reserve()
    }

    /// What a turn begins with.
    pub(crate) fn start_of_turn(&self, since: Since, limit: usize) -> TurnStart {
        TurnStart {
            since,
            limit: limit.clamp(1, LIMIT_MAX),
            page_bytes: self.settings.page_bytes,
        }
    }

    /// What a cursor stands for.
    pub(crate) fn decode(
        &self,
        since: Option<&str>,
        visitor: VisitorId,
    ) -> Result<Since, PullError> {
        let cursor = since.map(|text| Cursor::decode(text, visitor)).transpose();
        let cursor = cursor.or(Err(PullError::InvalidCursor))?;
        Ok(Since {
            position: cursor.map(|cursor| cursor.position),
            is_of_this_epoch: cursor.is_none_or(|cursor| cursor.epoch == self.epoch),
        })
    }
}

/// How far a device has pulled, by its cursor.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Since {
    pub(crate) position: Option<FeedPosition>,
    is_of_this_epoch: bool,
}

impl Since {
    /// A position of this life of the store.
    #[cfg(test)]
    pub(crate) fn of(position: FeedPosition) -> Self {
        Self {
            position: Some(position),
            is_of_this_epoch: true,
        }
    }

    /// This, or the start of a pull for a device that knows what was dead by this change number.
    pub(crate) fn or_start_of(self, change_number: u64) -> Self {
        let start = FeedPosition::start(change_number);
        Self {
            position: self.position.or(Some(start)),
            ..self
        }
    }

    /// Whether it is of another life of the store: by its epoch, or because it has seen more changes than there
    /// were.
    pub(crate) fn is_expired(&self, change_counter: u64) -> bool {
        let seen = self.position.map_or(0, |position| {
            let FeedPosition {
                since,
                dead_left_out_through,
                last,
            } = position;
            since
                .max(dead_left_out_through.unwrap_or(0))
                .max(last.map_or(0, |last| last.latest_change))
        });
        !self.is_of_this_epoch || seen > change_counter
    }

    fn refuse_expired(&self, change_counter: u64) -> Result<(), PullError> {
        match self.is_expired(change_counter) {
            true => Err(PullError::CursorExpired),
            false => Ok(()),
        }
    }
}
