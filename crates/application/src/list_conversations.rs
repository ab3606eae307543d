//! Which conversations a visitor has.

use std::sync::Arc;

use convosync_domain::identity::{ConversationId, VisitorId, VisitorIdentity};
use convosync_domain::ports::{ConversationList, StoreError};

/// Lists the ids of a visitor's living conversations.
#[derive(Clone)]
pub struct ListConversations {
    conversations: Arc<dyn ConversationList>,
}

/// Why there is no list.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    /// Nobody is registered under this identity.
    #[error("visitor not found")]
    UnknownVisitor,
    /// The store failed.
    #[error("the conversations could not be read")]
    Store(#[source] StoreError),
}

impl ListConversations {
    /// Lists from this store.
    #[must_use]
    pub fn new(conversations: Arc<dyn ConversationList>) -> Self {
        Self { conversations }
    }

    /// The ids in ascending order.
    ///
    /// # Errors
    /// [`ListError`] for an unknown visitor or when the store fails.
    pub async fn run(&self, identity: &VisitorIdentity) -> Result<Vec<ConversationId>, ListError> {
        self.conversations
            .living_ids(VisitorId::from(identity))
            .await
            .map_err(ListError::Store)?
            .ok_or(ListError::UnknownVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use convosync_domain::ports::MockConversationList;
    use mockall::predicate::eq;

    #[tokio::test]
    async fn asks_for_the_visitor_of_the_identity() {
        let identity = VisitorIdentity::registered("ada").unwrap();
        let mut store = MockConversationList::new();
        store
            .expect_living_ids()
            .with(eq(VisitorId::from(&identity)))
            .once()
            .returning(|_| Ok(Some(Vec::new())));
        let ids = ListConversations::new(Arc::new(store)).run(&identity).await;
        assert_eq!(ids.unwrap(), []);
    }

    #[tokio::test]
    async fn an_unknown_visitor_is_an_error() {
        let mut store = MockConversationList::new();
        store.expect_living_ids().returning(|_| Ok(None));
        let identity = VisitorIdentity::anonymous("nobody").unwrap();
        let error = ListConversations::new(Arc::new(store)).run(&identity).await;
        assert!(matches!(error, Err(ListError::UnknownVisitor)));
    }
}
