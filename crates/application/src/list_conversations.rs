//! Which conversations a visitor has.

use std::sync::Arc;

use convosync_domain::ports::{ConversationList, LivingIds, StoreError, VisitorStore};

use crate::access::AuthorizedVisitor;

/// Lists the ids of a visitor's living conversations.
#[derive(Clone)]
pub struct ListConversations {
    conversations: Arc<dyn ConversationList>,
    visitors: Arc<dyn VisitorStore>,
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
    pub fn new(conversations: Arc<dyn ConversationList>, visitors: Arc<dyn VisitorStore>) -> Self {
        Self {
            conversations,
            visitors,
        }
    }

    /// The change counter that the list would have now, without reading the list.
    ///
    /// # Errors
    /// [`ListError`] for an unknown visitor or when the store fails.
    pub async fn change_counter(&self, visitor: &AuthorizedVisitor) -> Result<u64, ListError> {
        let found = self.visitors.find(visitor.id()).await;
        found
            .map_err(ListError::Store)?
            .map(|visitor| visitor.change_counter)
            .ok_or(ListError::UnknownVisitor)
    }

    /// The ids in ascending order, and the change counter of that moment.
    ///
    /// # Errors
    /// [`ListError`] for an unknown visitor or when the store fails.
    pub async fn run(&self, visitor: &AuthorizedVisitor) -> Result<LivingIds, ListError> {
        self.conversations
            .living_ids(visitor.id())
            .await
            .map_err(ListError::Store)?
            .ok_or(ListError::UnknownVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::OpenAccess;
    use convosync_domain::identity::VisitorIdentity;
    use convosync_domain::ports::{MockConversationList, MockVisitorStore, Visitor};
    use convosync_domain::usage::Usage;
    use mockall::predicate::eq;

    fn listing(list: MockConversationList, visitors: MockVisitorStore) -> ListConversations {
        ListConversations::new(Arc::new(list), Arc::new(visitors))
    }

    #[tokio::test]
    async fn asks_for_the_visitor_of_the_identity() {
        let visitor = OpenAccess.believe(VisitorIdentity::registered("ada").unwrap());
        let mut list = MockConversationList::new();
        list.expect_living_ids()
            .with(eq(visitor.id()))
            .once()
            .returning(|_| Ok(Some(LivingIds::default())));
        let list = listing(list, MockVisitorStore::new());
        assert_eq!(list.run(&visitor).await.unwrap(), LivingIds::default());
    }

    #[tokio::test]
    async fn the_counter_comes_without_the_list() {
        let visitor = OpenAccess.believe(VisitorIdentity::registered("ada").unwrap());
        let mut visitors = MockVisitorStore::new();
        visitors
            .expect_find()
            .with(eq(visitor.id()))
            .once()
            .returning(|id| {
                Ok(Some(Visitor {
                    id,
                    change_counter: 7,
                    usage: Usage::default(),
                }))
            });
        let list = listing(MockConversationList::new(), visitors);
        assert_eq!(list.change_counter(&visitor).await.unwrap(), 7);
    }

    #[tokio::test]
    async fn an_unknown_visitor_is_an_error() {
        let mut list = MockConversationList::new();
        list.expect_living_ids().returning(|_| Ok(None));
        let mut visitors = MockVisitorStore::new();
        visitors.expect_find().returning(|_| Ok(None));
        let visitor = OpenAccess.believe(VisitorIdentity::anonymous("nobody").unwrap());
        let list = listing(list, visitors);
        let error = list.run(&visitor).await;
        assert!(matches!(error, Err(ListError::UnknownVisitor)));
        let error = list.change_counter(&visitor).await;
        assert!(matches!(error, Err(ListError::UnknownVisitor)));
    }
}
