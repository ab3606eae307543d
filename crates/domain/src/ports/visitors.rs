use async_trait::async_trait;

use super::StoreError;
use crate::change_set::VisitorRegistration;
use crate::identity::VisitorId;
use crate::usage::Usage;

/// Who may own conversations.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait VisitorStore: Send + Sync {
    /// The visitor of this id, `None` if nobody is registered under it.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    async fn find(&self, visitor: VisitorId) -> Result<Option<Visitor>, StoreError>;

    /// Registers a visitor; one who is known stays as registered first.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be written.
    async fn register(&self, visitor: VisitorRegistration) -> Result<Registration, StoreError>;
}

/// A registered visitor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Visitor {
    /// Who it is.
    pub id: VisitorId,
    /// How many posts have changed something; the highest change number of the visitor's items.
    pub change_counter: u64,
    /// How much it has, at the moment of that counter.
    pub usage: Usage,
}

/// What came of a registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Registration {
    /// The visitor is new.
    Created,
    /// The visitor was registered before.
    AlreadyKnown,
}
