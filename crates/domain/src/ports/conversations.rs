use async_trait::async_trait;

use super::StoreError;
use crate::identity::{ConversationId, VisitorId};

/// Which conversations a visitor has.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait ConversationList: Send + Sync {
    /// The ids of the visitor's living conversations and the visitor's change counter, all at one
    /// moment; `None` for an unknown visitor.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    async fn living_ids(&self, visitor: VisitorId) -> Result<Option<LivingIds>, StoreError>;
}

/// Which conversations a visitor has at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LivingIds {
    /// The visitor's change counter at that moment.
    pub change_counter: u64,
    /// The ids of the living conversations in ascending order.
    pub ids: Vec<ConversationId>,
}

impl LivingIds {
    /// What a visitor has at this change counter; the ids may come in any order.
    #[must_use]
    pub fn new(change_counter: u64, ids: impl IntoIterator<Item = ConversationId>) -> Self {
        let mut ids: Vec<_> = ids.into_iter().collect();
        ids.sort();
        Self {
            change_counter,
            ids,
        }
    }
}
