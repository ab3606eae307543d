use async_trait::async_trait;

use super::StoreError;
use crate::identity::{ConversationId, VisitorId};

/// Which conversations a visitor has.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait ConversationList: Send + Sync {
    /// The ids of the visitor's living conversations in ascending order; `None` for an unknown
    /// visitor.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    async fn living_ids(
        &self,
        visitor: VisitorId,
    ) -> Result<Option<Vec<ConversationId>>, StoreError>;
}
