use async_trait::async_trait;

use super::StoreError;
use crate::archive::{ArchivePlace, ArchivedConversation, ArchivedVisitor};
use crate::identity::VisitorId;

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
}

/// What came of restoring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restoration {
    /// The visitor and the items are stored now.
    Stored,
    /// The visitor is stored with another moment of registration or change counter: it has a life of
    /// its own in this store. Nothing has changed.
    OtherVisitor,
}
