use async_trait::async_trait;

use super::StoreError;
use crate::change_set::VisitorRegistration;
use crate::identity::VisitorId;
use crate::timestamp::Timestamp;
use crate::usage::Usage;

/// Who may own conversations.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait VisitorStore: Send + Sync {
    /// The visitor of this id, `None` if nobody is registered under it.
    ///
    /// # Errors
    /// [`StoreError::VisitorGone`] for one who is; others when the store cannot be read.
    async fn find(&self, visitor: VisitorId) -> Result<Option<Visitor>, StoreError>;

    /// What there is to tell of the visitor, all at one moment; `None` for an unknown visitor. It counts
    /// messages, which takes longer than [`Self::find`].
    ///
    /// # Errors
    /// [`StoreError::VisitorGone`] for one who is; others when the store cannot be read.
    async fn summarize(&self, visitor: VisitorId) -> Result<Option<VisitorSummary>, StoreError>;

    /// Registers a visitor; one who is known stays as registered first.
    ///
    /// # Errors
    /// [`StoreError::VisitorGone`] for one who is; others when the store cannot be written.
    async fn register(&self, visitor: VisitorRegistration) -> Result<Registration, StoreError>;

    /// Erases everything of a visitor as of this moment, in one transaction. A tombstone stays, so that nobody
    /// is registered under this id again. `false`, and nothing is done, for an unknown visitor.
    ///
    /// # Errors
    /// [`StoreError::VisitorGone`] for one who is already; others when the store cannot be written.
    async fn erase(&self, visitor: VisitorId, at: Timestamp) -> Result<bool, StoreError>;
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

/// What there is to tell of a visitor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VisitorSummary {
    /// Who it is.
    pub id: VisitorId,
    /// The `user_id` of a registered visitor; `None` for an anonymous one.
    pub user_id: Option<String>,
    /// When it was registered.
    pub registered_at: Timestamp,
    /// When something of it last changed, as far as that is known: stores of before this was kept do not tell,
    /// nor is there such a moment while nothing has changed.
    pub last_changed_at: Option<Timestamp>,
    /// How many posts have changed something.
    pub change_counter: u64,
    /// How much it has.
    pub usage: Usage,
    /// How many messages live.
    pub messages: u64,
}

/// What came of a registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Registration {
    /// The visitor is new.
    Created,
    /// The visitor was registered before.
    AlreadyKnown,
}
