use async_trait::async_trait;

use super::StoreError;
use crate::feed::{Admit, PageRead, PageRequest};
use crate::identity::VisitorId;

/// What has changed for a visitor, to pull page by page.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait ChangeFeed: Send + Sync {
    /// The page that is asked for, read at one moment by [`crate::feed::read_page`], if `admit` admits it;
    /// `None` for an unknown visitor.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    async fn changes(
        &self,
        visitor: VisitorId,
        request: PageRequest,
        admit: Admit,
    ) -> Result<Option<PageRead>, StoreError>;
}
