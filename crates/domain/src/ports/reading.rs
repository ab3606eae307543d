use async_trait::async_trait;

use super::StoreError;
use crate::feed::{Admit, ChangedHead};
use crate::identity::{ConversationKey, VisitorId};
use crate::reading::{ConversationRead, ConversationRequest, ListRead, ListRequest};

/// The living conversations of a visitor, for somebody who looks at them page by page.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait ConversationReader: Send + Sync {
    /// A page of the visitor's living conversations, read at one moment by [`crate::reading::read_list`], if
    /// `admit` admits it; `None` for an unknown visitor.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    async fn list(
        &self,
        visitor: VisitorId,
        request: ListRequest,
        admit: Admit,
    ) -> Result<Option<ListRead>, StoreError>;

    /// A conversation with a page of its living messages, read at one moment by
    /// [`crate::reading::read_conversation`], if `admit` admits it; `None` for an unknown visitor.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    async fn read(
        &self,
        visitor: VisitorId,
        request: ConversationRequest,
        admit: Admit,
    ) -> Result<Option<ConversationRead>, StoreError>;

    /// The head of a conversation, a dead one included; `None` for an unknown visitor, and inside for a
    /// conversation that is not stored.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    async fn head(
        &self,
        visitor: VisitorId,
        conversation: ConversationKey,
    ) -> Result<Option<Option<ChangedHead>>, StoreError>;
}
