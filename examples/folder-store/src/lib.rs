//! An example of a store of one's own: a folder with one file a visitor.
//!
//! It is what an integrator writes who swaps the persistence of Convosync: the nine ports of
//! `convosync_domain::ports` on something else, proved by one line in `tests/contract.rs`. A file
//! holds the lines of an archive, so that it can be read by people and imported elsewhere. Every
//! write replaces the whole file, so this is for a few visitors with a few conversations.

mod api_keys;
mod files;
mod tombstones;

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use convosync_domain::archive::{ArchivePlace, ArchivedConversation, ArchivedVisitor};
use convosync_domain::change_set::{ChangeSet, VisitorRegistration};
use convosync_domain::feed::{Admit, ChangedHead, PageRead, PageRequest};
use convosync_domain::identity::{ConversationKey, VisitorId};
use convosync_domain::ports::{
    ChangeFeed, ConversationList, ConversationReader, Heads, LivingIds, MergeStore, MergedVisitor,
    NamedConversation, Registration, Restoration, StoreArchive, StoreError, StoreIdentity,
    StoreStatus, SyncStore, Visitor, VisitorStore, VisitorSummary,
};
use convosync_domain::reading::{ConversationRead, ConversationRequest, ListRead, ListRequest};
use convosync_domain::stored::StoredMessage;
use convosync_domain::timestamp::Timestamp;
use convosync_domain::tombstone::{VisitorGone, VisitorTombstone};
use convosync_storage_contract::MemoryStore;
use tokio::sync::RwLock;
use uuid::Uuid;

use files::{Files, name_of};

/// A store in a folder.
pub struct FolderStore {
    files: Files,
    identity: Mutex<StoreIdentity>,
    /// Whoever writes holds it alone, from reading a visitor's file to replacing it: that is the
    /// compare-and-swap that the ports ask for.
    lock: RwLock<()>,
}

impl FolderStore {
    /// Opens the store in this folder; a new one gets this identity, chosen at random by the caller.
    ///
    /// # Errors
    /// [`StoreError`] when the folder cannot be used.
    pub fn open(folder: &Path, new_identity: StoreIdentity) -> Result<Self, StoreError> {
        let files = Files::in_folder(folder)?;
        files.clear_up()?;
        let identity = match files.read_identity()? {
            Some(identity) => identity,
            None => {
                files.write_identity(new_identity)?;
                new_identity
            }
        };
        Ok(Self {
            files,
            identity: Mutex::new(identity),
            lock: RwLock::new(()),
        })
    }

    /// What a visitor has, as of one moment.
    async fn read_visitor(&self, visitor: VisitorId) -> Result<MemoryStore, StoreError> {
        let _reading = self.lock.read().await;
        self.files.read(&[visitor]).await
    }

    fn set_identity(&self, identity: StoreIdentity) -> Result<(), StoreError> {
        self.files.write_identity(identity)?;
        *self.identity.lock().unwrap_or_else(PoisonError::into_inner) = identity;
        Ok(())
    }
}

#[async_trait]
impl SyncStore for FolderStore {
    async fn heads(
        &self,
        visitor: VisitorId,
        named: Vec<NamedConversation>,
    ) -> Result<Option<Heads>, StoreError> {
        let store = self.read_visitor(visitor).await?;
        store.heads(visitor, named).await
    }

    async fn load(
        &self,
        visitor: VisitorId,
        named: Vec<NamedConversation>,
    ) -> Result<Vec<(ConversationKey, StoredMessage)>, StoreError> {
        let store = self.read_visitor(visitor).await?;
        store.load(visitor, named).await
    }

    async fn commit(&self, visitor: VisitorId, changes: ChangeSet) -> Result<u64, StoreError> {
        let _writing = self.lock.write().await;
        let store = self.files.read(&[visitor]).await?;
        let change_counter = store.commit(visitor, changes).await?;
        self.files.write(&name_of(visitor), store).await?;
        Ok(change_counter)
    }
}

#[async_trait]
impl MergeStore for FolderStore {
    async fn merge(
        &self,
        into: VisitorId,
        changes: ChangeSet,
        merged: MergedVisitor,
    ) -> Result<u64, StoreError> {
        let _writing = self.lock.write().await;
        let store = self.files.read(&[into, merged.id]).await?;
        let change_counter = store.merge(into, changes, merged).await?;
        let tombstone = VisitorTombstone {
            id: merged.id,
            gone: VisitorGone::Merged { into },
            at: merged.at,
        };
        self.files.bury_merged(tombstone, into, store).await?;
        Ok(change_counter)
    }
}

#[async_trait]
impl VisitorStore for FolderStore {
    async fn find(&self, visitor: VisitorId) -> Result<Option<Visitor>, StoreError> {
        let store = self.read_visitor(visitor).await?;
        store.find(visitor).await
    }

    async fn summarize(&self, visitor: VisitorId) -> Result<Option<VisitorSummary>, StoreError> {
        let store = self.read_visitor(visitor).await?;
        store.summarize(visitor).await
    }

    async fn register(&self, visitor: VisitorRegistration) -> Result<Registration, StoreError> {
        let _writing = self.lock.write().await;
        let id = VisitorId::from(&visitor.identity);
        let store = self.files.read(&[id]).await?;
        let registration = store.register(visitor).await?;
        if registration == Registration::Created {
            self.files.write(&name_of(id), store).await?;
        }
        Ok(registration)
    }

    async fn erase(&self, visitor: VisitorId, at: Timestamp) -> Result<bool, StoreError> {
        let _writing = self.lock.write().await;
        let store = self.files.read(&[visitor]).await?;
        let is_known = store.erase(visitor, at).await?;
        if is_known {
            self.files.bury(VisitorTombstone {
                id: visitor,
                gone: VisitorGone::Erased,
                at,
            })?;
        }
        Ok(is_known)
    }
}

#[async_trait]
impl ConversationList for FolderStore {
    async fn living_ids(&self, visitor: VisitorId) -> Result<Option<LivingIds>, StoreError> {
        let store = self.read_visitor(visitor).await?;
        store.living_ids(visitor).await
    }
}

#[async_trait]
impl ConversationReader for FolderStore {
    async fn list(
        &self,
        visitor: VisitorId,
        request: ListRequest,
        admit: Admit,
    ) -> Result<Option<ListRead>, StoreError> {
        let store = self.read_visitor(visitor).await?;
        store.list(visitor, request, admit).await
    }

    async fn read(
        &self,
        visitor: VisitorId,
        request: ConversationRequest,
        admit: Admit,
    ) -> Result<Option<ConversationRead>, StoreError> {
        let store = self.read_visitor(visitor).await?;
        store.read(visitor, request, admit).await
    }

    async fn head(
        &self,
        visitor: VisitorId,
        conversation: ConversationKey,
    ) -> Result<Option<Option<ChangedHead>>, StoreError> {
        let store = self.read_visitor(visitor).await?;
        store.head(visitor, conversation).await
    }
}

#[async_trait]
impl ChangeFeed for FolderStore {
    async fn changes(
        &self,
        visitor: VisitorId,
        request: PageRequest,
        admit: Admit,
    ) -> Result<Option<PageRead>, StoreError> {
        let store = self.read_visitor(visitor).await?;
        store.changes(visitor, request, admit).await
    }
}

#[async_trait]
impl StoreArchive for FolderStore {
    async fn count_visitors(&self) -> Result<u64, StoreError> {
        let _reading = self.lock.read().await;
        let visitors = self.files.visitors()?;
        Ok(u64::try_from(visitors.len()).unwrap_or(u64::MAX))
    }

    async fn visitors(
        &self,
        after: Option<VisitorId>,
        limit: usize,
    ) -> Result<Vec<ArchivedVisitor>, StoreError> {
        let _reading = self.lock.read().await;
        let ids = self.files.visitors()?;
        let later = ids.into_iter().filter(|id| Some(*id) > after);
        let mut visitors = Vec::new();
        for id in later.take(limit) {
            let store = self.files.read(&[id]).await?;
            visitors.extend(StoreArchive::visitors(&store, None, 1).await?);
        }
        Ok(visitors)
    }

    async fn tombstones(
        &self,
        after: Option<VisitorId>,
        limit: usize,
    ) -> Result<Vec<VisitorTombstone>, StoreError> {
        let _reading = self.lock.read().await;
        let tombstones = self.files.read_tombstones()?.into_iter();
        let later = tombstones.filter(|tombstone| Some(tombstone.id) > after);
        Ok(later.take(limit).collect())
    }

    async fn items(
        &self,
        visitor: VisitorId,
        after: Option<ArchivePlace>,
        limit: usize,
    ) -> Result<Vec<ArchivedConversation>, StoreError> {
        let store = self.read_visitor(visitor).await?;
        store.items(visitor, after, limit).await
    }

    async fn adopt_digest_seed(&self, digest_seed: u64) -> Result<bool, StoreError> {
        let _writing = self.lock.write().await;
        let mut identity = self.identity();
        if identity.digest_seed != digest_seed {
            if !self.files.visitors()?.is_empty() {
                return Ok(false);
            }
            identity.digest_seed = digest_seed;
            self.set_identity(identity)?;
        }
        Ok(true)
    }

    async fn renew_epoch(&self) -> Result<(), StoreError> {
        let mut identity = self.identity();
        identity.epoch = Uuid::from_u128(identity.epoch.as_u128().wrapping_add(1));
        self.set_identity(identity)
    }

    async fn restore(
        &self,
        visitor: ArchivedVisitor,
        conversations: Vec<ArchivedConversation>,
    ) -> Result<Restoration, StoreError> {
        let _writing = self.lock.write().await;
        let id = visitor.id;
        let store = self.files.read(&[id]).await?;
        let restoration = store.restore(visitor, conversations).await?;
        if restoration == Restoration::Stored {
            self.files.write(&name_of(id), store).await?;
        }
        Ok(restoration)
    }

    async fn restore_tombstone(
        &self,
        tombstone: VisitorTombstone,
    ) -> Result<Restoration, StoreError> {
        let _writing = self.lock.write().await;
        let store = self.files.read(&[tombstone.id]).await?;
        let is_new = store.tombstones(None, 1).await?.is_empty();
        let restoration = store.restore_tombstone(tombstone).await?;
        if is_new && restoration == Restoration::Stored {
            self.files.bury(tombstone)?;
        }
        Ok(restoration)
    }
}

#[async_trait]
impl StoreStatus for FolderStore {
    async fn check(&self) -> Result<(), StoreError> {
        self.files.read_identity().map(|_| ())
    }

    fn identity(&self) -> StoreIdentity {
        *self.identity.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
