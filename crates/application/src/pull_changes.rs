//! How a device learns what others have changed.

use std::sync::Arc;

use convosync_domain::feed::{ChangesPage, FeedPosition};
use convosync_domain::identity::{VisitorId, VisitorIdentity};
use convosync_domain::ports::{ChangeFeed, StoreError};
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
    pub fn new(feed: Arc<dyn ChangeFeed>, epoch: Uuid) -> Self {
        Self { feed, epoch }
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
        let since = since
            .map(|text| Cursor::decode(text, visitor))
            .transpose()
            .or(Err(PullError::InvalidCursor))?;
        let position = since.map(|cursor| cursor.position);
        let page = self
            .feed
            .changes(visitor, position, limit.clamp(1, LIMIT_MAX))
            .await
            .map_err(PullError::Store)?
            .ok_or(PullError::UnknownVisitor)?;
        if since.is_some_and(|cursor| self.is_expired(cursor, page.change_counter)) {
            return Err(PullError::CursorExpired);
        }
        let cursor = Cursor {
            epoch: self.epoch,
            position: page.next,
        }
        .encode(visitor);
        Ok(Pulled { page, cursor })
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

#[cfg(test)]
mod tests {
    use super::*;
    use convosync_domain::ports::MockChangeFeed;
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
        let pull = PullChanges::new(Arc::new(feed), EPOCH);
        let first = pull.run(&ada(), None, 500).await.unwrap();
        let second = pull.run(&ada(), Some(&first.cursor), 0).await.unwrap();
        assert_eq!(first.cursor, second.cursor);
    }

    #[tokio::test]
    async fn a_bad_cursor_is_told_before_the_store_is_asked() {
        let pull = PullChanges::new(Arc::new(MockChangeFeed::new()), EPOCH);
        let error = pull.run(&ada(), Some("x"), 1).await;
        assert!(matches!(error, Err(PullError::InvalidCursor)));
    }

    #[tokio::test]
    async fn an_unknown_visitor_is_told_before_an_expired_cursor() {
        let mut feed = MockChangeFeed::new();
        feed.expect_changes().returning(|_, _, _| Ok(None));
        let pull = PullChanges::new(Arc::new(feed), EPOCH);
        let error = pull.run(&ada(), Some(&cursor(1, Uuid::nil())), 1).await;
        assert!(matches!(error, Err(PullError::UnknownVisitor)));
    }

    #[tokio::test]
    async fn a_cursor_of_another_epoch_or_from_the_future_has_expired() {
        for (since, epoch) in [(1, Uuid::nil()), (4, EPOCH)] {
            let mut feed = MockChangeFeed::new();
            feed.expect_changes().returning(|_, _, _| Ok(Some(page(3))));
            let pull = PullChanges::new(Arc::new(feed), EPOCH);
            let error = pull.run(&ada(), Some(&cursor(since, epoch)), 1).await;
            assert!(matches!(error, Err(PullError::CursorExpired)));
        }
    }
}
