//! How a device learns what others have changed.

use std::sync::Arc;

use convosync_domain::feed::{ChangesPage, FeedPosition};
use convosync_domain::identity::{VisitorId, VisitorIdentity};
use convosync_domain::ports::{ChangeFeed, StoreError, VisitorStore};
use uuid::Uuid;

use crate::cursor::Cursor;

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
}

/// One page and where the next one begins.
#[derive(Debug)]
pub struct Pulled {
    /// The changes.
    pub page: ChangesPage,
    /// The cursor to pull on from.
    pub cursor: String,
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
    /// The store failed.
    #[error("the changes could not be read")]
    Store(#[source] StoreError),
}

impl PullChanges {
    /// Pulls from this store, which is in this epoch.
    #[must_use]
    pub fn new(feed: Arc<dyn ChangeFeed>, visitors: Arc<dyn VisitorStore>, epoch: Uuid) -> Self {
        Self {
            feed,
            visitors,
            epoch,
        }
    }

    /// The change counter that a page after the cursor would have now, without reading the page.
    ///
    /// # Errors
    /// Those of [`Self::run`].
    pub async fn change_counter(
        &self,
        identity: &VisitorIdentity,
        since: Option<&str>,
    ) -> Result<u64, PullError> {
        let visitor = VisitorId::from(identity);
        let since = decode(since, visitor)?;
        let found = self.visitors.find(visitor).await;
        let found = found.map_err(PullError::Store)?;
        let change_counter = found.ok_or(PullError::UnknownVisitor)?.change_counter;
        self.refuse_expired(since, change_counter)?;
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
        identity: &VisitorIdentity,
        since: Option<&str>,
        limit: usize,
    ) -> Result<Pulled, PullError> {
        let visitor = VisitorId::from(identity);
        let since = decode(since, visitor)?;
        let position = since.map(|cursor| cursor.position);
        let page = self
            .feed
            .changes(visitor, position, limit.clamp(1, LIMIT_MAX))
            .await
            .map_err(PullError::Store)?
            .ok_or(PullError::UnknownVisitor)?;
        self.refuse_expired(since, page.change_counter)?;
        let cursor = Cursor {
            epoch: self.epoch,
            position: page.next,
        }
        .encode(visitor);
        Ok(Pulled { page, cursor })
    }

    fn refuse_expired(&self, since: Option<Cursor>, change_counter: u64) -> Result<(), PullError> {
        if since.is_some_and(|cursor| self.is_expired(cursor, change_counter)) {
            return Err(PullError::CursorExpired);
        }
        Ok(())
    }

    /// Whether the cursor is of another life of the store: by its epoch, or because it has seen
    /// more changes than there were.
    fn is_expired(&self, cursor: Cursor, change_counter: u64) -> bool {
        let FeedPosition {
            since,
            dead_left_out_through,
            last,
        } = cursor.position;
        let seen = since
            .max(dead_left_out_through.unwrap_or(0))
            .max(last.map_or(0, |last| last.latest_change));
        cursor.epoch != self.epoch || seen > change_counter
    }
}

fn decode(since: Option<&str>, visitor: VisitorId) -> Result<Option<Cursor>, PullError> {
    since
        .map(|text| Cursor::decode(text, visitor))
        .transpose()
        .or(Err(PullError::InvalidCursor))
}

#[cfg(test)]
mod tests {
    use super::*;
    use convosync_domain::ports::{MockChangeFeed, MockVisitorStore, Visitor};
    use mockall::predicate::{always, eq};

    const EPOCH: Uuid = Uuid::from_u128(5);

    fn position(since: u64) -> FeedPosition {
        FeedPosition {
            since,
            dead_left_out_through: None,
            last: None,
        }
    }

    fn page(change_counter: u64) -> ChangesPage {
        ChangesPage {
            conversations: Vec::new(),
            next: position(change_counter),
            has_more: false,
            change_counter,
        }
    }

    fn ada() -> VisitorIdentity {
        VisitorIdentity::registered("ada").unwrap()
    }

    fn cursor(since: u64, epoch: Uuid) -> String {
        let position = position(since);
        Cursor { epoch, position }.encode(VisitorId::from(&ada()))
    }

    fn pulling(feed: MockChangeFeed, visitors: MockVisitorStore) -> PullChanges {
        PullChanges::new(Arc::new(feed), Arc::new(visitors), EPOCH)
    }

    /// Pulls of a visitor whose counter is 3, or of an unknown one, and tells both ways what is
    /// wrong, which has to be the same.
    async fn refusal(is_known: bool, since: &str) -> PullError {
        let mut feed = MockChangeFeed::new();
        feed.expect_changes()
            .returning(move |_, _, _| Ok(is_known.then(|| page(3))));
        let mut visitors = MockVisitorStore::new();
        visitors.expect_find().returning(move |id| {
            Ok(is_known.then_some(Visitor {
                id,
                change_counter: 3,
            }))
        });
        let pull = pulling(feed, visitors);
        let refusal = pull.run(&ada(), Some(since), 1).await.unwrap_err();
        let of_counter = pull.change_counter(&ada(), Some(since)).await.unwrap_err();
        assert_eq!(refusal.to_string(), of_counter.to_string());
        refusal
    }

    #[tokio::test]
    async fn pulls_on_from_the_cursor_it_gave() {
        let mut feed = MockChangeFeed::new();
        feed.expect_changes()
            .with(always(), eq(None), eq(500))
            .once()
            .returning(|_, _, _| Ok(Some(page(3))));
        feed.expect_changes()
            .with(always(), eq(Some(position(3))), eq(1))
            .once()
            .returning(|_, _, _| Ok(Some(page(3))));
        let pull = pulling(feed, MockVisitorStore::new());
        let first = pull.run(&ada(), None, 500).await.unwrap();
        let second = pull.run(&ada(), Some(&first.cursor), 0).await.unwrap();
        assert_eq!(first.cursor, second.cursor);
    }

    #[tokio::test]
    async fn the_counter_comes_without_a_page() {
        let mut visitors = MockVisitorStore::new();
        visitors
            .expect_find()
            .with(eq(VisitorId::from(&ada())))
            .times(2)
            .returning(|id| {
                Ok(Some(Visitor {
                    id,
                    change_counter: 3,
                }))
            });
        let pull = pulling(MockChangeFeed::new(), visitors);
        for since in [None, Some(cursor(3, EPOCH))] {
            let counter = pull.change_counter(&ada(), since.as_deref()).await;
            assert_eq!(counter.unwrap(), 3);
        }
    }

    #[tokio::test]
    async fn a_bad_cursor_is_told_before_the_store_is_asked() {
        let pull = pulling(MockChangeFeed::new(), MockVisitorStore::new());
        let error = pull.run(&ada(), Some("x"), 1).await;
        assert!(matches!(error, Err(PullError::InvalidCursor)));
        let error = pull.change_counter(&ada(), Some("x")).await;
        assert!(matches!(error, Err(PullError::InvalidCursor)));
    }

    #[tokio::test]
    async fn an_unknown_visitor_is_told_before_an_expired_cursor() {
        let error = refusal(false, &cursor(1, Uuid::nil())).await;
        assert!(matches!(error, PullError::UnknownVisitor));
    }

    #[tokio::test]
    async fn a_cursor_of_another_epoch_or_from_the_future_has_expired() {
        for (since, epoch) in [(1, Uuid::nil()), (4, EPOCH)] {
            let error = refusal(true, &cursor(since, epoch)).await;
            assert!(matches!(error, PullError::CursorExpired));
        }
    }
}
