use async_trait::async_trait;

use super::StoreError;
use crate::feed::{ChangesPage, FeedPosition};
use crate::identity::VisitorId;

/// What has changed for a visitor, to pull page by page.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait ChangeFeed: Send + Sync {
    /// The page of at most `limit` items after `position`, or the first of all where there is none,
    /// read at one moment by [`crate::feed::read_page`]; `None` for an unknown visitor.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    async fn changes(
        &self,
        visitor: VisitorId,
        position: Option<FeedPosition>,
        limit: usize,
    ) -> Result<Option<ChangesPage>, StoreError>;
}
