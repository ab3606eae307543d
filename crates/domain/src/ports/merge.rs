use async_trait::async_trait;

use super::StoreError;
use crate::change_set::ChangeSet;
use crate::identity::VisitorId;
use crate::timestamp::Timestamp;

/// How an anonymous visitor becomes a part of another.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait MergeStore: Send + Sync {
    /// Writes a change set like [`super::SyncStore::commit`], and in the same transaction erases everything of
    /// the visitor that it was made of, of whom a tombstone stays that names the other. Returns the change counter
    /// of the visitor who goes on.
    ///
    /// Even a change set of no conversations is written, as the visitor goes all the same.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the counter of either visitor is another one by now, or one that is not to be
    /// registered is unknown; [`StoreError::VisitorGone`] when either is; and those of
    /// [`super::SyncStore::commit`].
    async fn merge(
        &self,
        into: VisitorId,
        changes: ChangeSet,
        merged: MergedVisitor,
    ) -> Result<u64, StoreError>;
}

/// A visitor that is merged into another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MergedVisitor {
    /// Who it is.
    pub id: VisitorId,
    /// The change counter at which everything of it was read.
    pub change_counter: u64,
    /// The moment of the merge.
    pub at: Timestamp,
}
