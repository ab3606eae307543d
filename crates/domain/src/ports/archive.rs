use async_trait::async_trait;

use super::StoreError;
use crate::archive::{ArchivePlace, ArchivedConversation, ArchivedVisitor};
use crate::identity::VisitorId;
use crate::tombstone::VisitorTombstone;

/// Everything in a store, to be carried to another one. Nobody should write meanwhile: each page is
/// read at a moment of its own.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait StoreArchive: Send + Sync {
    /// How many visitors there are.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    async fn count_visitors(&self) -> Result<u64, StoreError>;

    /// The first `limit` visitors after this one, by id.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    async fn visitors(
        &self,
        after: Option<VisitorId>,
        limit: usize,
    ) -> Result<Vec<ArchivedVisitor>, StoreError>;

    /// The first `limit` tombstones of visitors after this one, by id.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    async fn tombstones(
        &self,
        after: Option<VisitorId>,
        limit: usize,
    ) -> Result<Vec<VisitorTombstone>, StoreError>;

    /// A page of a visitor's items, read by [`crate::archive::read_archive_page`].
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    async fn items(
        &self,
        visitor: VisitorId,
        after: Option<ArchivePlace>,
        limit: usize,
    ) -> Result<Vec<ArchivedConversation>, StoreError>;

    /// Makes this the seed of the store's digests, so that those that are carried to it go on to
    /// tell what is unchanged. `false`, and nothing is done, where the store has another seed and
    /// visitors already. [`super::StoreStatus::identity`] tells of it when the store is next opened.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be written.
    async fn adopt_digest_seed(&self, digest_seed: u64) -> Result<bool, StoreError>;

    /// Begins another life of the store, so that cursors from before expire: what was pulled while a
    /// restoration was under way may lack items. [`super::StoreStatus::identity`] tells of it when
    /// the store is next opened.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be written.
    async fn renew_epoch(&self) -> Result<(), StoreError>;

    /// Inserts a visitor and items of it that are not stored yet, with the numbers that they have;
    /// what is stored already stays, so that the same may be restored again. The visitor's usage grows by what is
    /// inserted; no quota is asked.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be written.
    async fn restore(
        &self,
        visitor: ArchivedVisitor,
        conversations: Vec<ArchivedConversation>,
    ) -> Result<Restoration, StoreError>;

    /// Keeps the tombstone of a visitor, so that nobody is registered under its id. One that is there already
    /// stays.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be written.
    async fn restore_tombstone(
        &self,
        tombstone: VisitorTombstone,
    ) -> Result<Restoration, StoreError>;
}

/// What came of restoring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restoration {
    /// What was to be restored is stored now.
    Stored,
    /// The visitor has a life of its own in this store: it is stored with another moment of registration or change
    /// counter, or as one who is gone where it is to live, or the other way round. Nothing has changed.
    OtherVisitor,
}
