//! An example of a store of one's own: a folder with one file a visitor.
//!
//! It is what an integrator writes who swaps the persistence of Convosync: the seven ports of
//! `convosync_domain::ports` on something else, proved by one line in `tests/contract.rs`. A file
//! holds the lines of an archive, so that it can be read by people and imported elsewhere. Every
//! write replaces the whole file, so this is for a few visitors with a few conversations.

mod api_keys;
mod files;

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use convosync_domain::archive::{ArchivePlace, ArchivedConversation, ArchivedVisitor};
use convosync_domain::change_set::{ChangeSet, VisitorRegistration};
use convosync_domain::feed::{Admit, PageRead, PageRequest};
use convosync_domain::identity::{ConversationKey, VisitorId};
use convosync_domain::ports::{
    ChangeFeed, ConversationList, Heads, LivingIds, NamedConversation, Registration, Restoration,
    StoreArchive, StoreError, StoreIdentity, StoreStatus, SyncStore, Visitor, VisitorStore,
};
use convosync_domain::stored::StoredMessage;
use uuid::Uuid;

use files::Files;

/// A store in a folder.
pub struct FolderStore {
    files: Files,
    identity: Mutex<StoreIdentity>,
    /// Whoever writes holds it, from reading a visitor's file to replacing it: that is the
    /// compare-and-swap that the ports ask for.
    writing: tokio::sync::Mutex<()>,
}

impl FolderStore {
    /// Opens the store in this folder; a new one gets this identity, chosen at random by the caller.
    ///
    /// # Errors
    /// [`StoreError`] when the folder cannot be used.
    pub fn open(folder: &Path, new_identity: StoreIdentity) -> Result<Self, StoreError> {
        let files = Files::in_folder(folder)?;
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
            writing: tokio::sync::Mutex::new(()),
        })
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
        let store = self.files.read(visitor).await?;
        store.heads(visitor, named).await
    }

    async fn load(
        &self,
        visitor: VisitorId,
        named: Vec<NamedConversation>,
    ) -> Result<Vec<(ConversationKey, StoredMessage)>, StoreError> {
        let store = self.files.read(visitor).await?;
        store.load(visitor, named).await
    }

    async fn commit(&self, visitor: VisitorId, changes: ChangeSet) -> Result<u64, StoreError> {
        let _writing = self.writing.lock().await;
        let store = self.files.read(visitor).await?;
        let change_counter = store.commit(visitor, changes).await?;
        self.files.write(visitor, store).await?;
        Ok(change_counter)
    }
}

#[async_trait]
impl VisitorStore for FolderStore {
    async fn find(&self, visitor: VisitorId) -> Result<Option<Visitor>, StoreError> {
        let store = self.files.read(visitor).await?;
        store.find(visitor).await
    }

    async fn register(&self, visitor: VisitorRegistration) -> Result<Registration, StoreError> {
        let _writing = self.writing.lock().await;
        let id = VisitorId::from(&visitor.identity);
        let store = self.files.read(id).await?;
        let registration = store.register(visitor).await?;
        if registration == Registration::Created {
            self.files.write(id, store).await?;
        }
        Ok(registration)
    }
}

#[async_trait]
impl ConversationList for FolderStore {
    async fn living_ids(&self, visitor: VisitorId) -> Result<Option<LivingIds>, StoreError> {
        let store = self.files.read(visitor).await?;
        store.living_ids(visitor).await
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
        let store = self.files.read(visitor).await?;
        store.changes(visitor, request, admit).await
    }
}

#[async_trait]
impl StoreArchive for FolderStore {
    async fn count_visitors(&self) -> Result<u64, StoreError> {
        let visitors = self.files.visitors()?;
        Ok(u64::try_from(visitors.len()).unwrap_or(u64::MAX))
    }

    async fn visitors(
        &self,
        after: Option<VisitorId>,
        limit: usize,
    ) -> Result<Vec<ArchivedVisitor>, StoreError> {
        let ids = self.files.visitors()?;
        let later = ids.into_iter().filter(|id| Some(*id) > after);
        let mut visitors = Vec::new();
        for id in later.take(limit) {
            visitors.extend(self.files.read(id).await?.visitors(None, 1).await?);
        }
        Ok(visitors)
    }

    async fn items(
        &self,
        visitor: VisitorId,
        after: Option<ArchivePlace>,
        limit: usize,
    ) -> Result<Vec<ArchivedConversation>, StoreError> {
        let store = self.files.read(visitor).await?;
        store.items(visitor, after, limit).await
    }

    async fn adopt_digest_seed(&self, digest_seed: u64) -> Result<bool, StoreError> {
        let _writing = self.writing.lock().await;
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
        let _writing = self.writing.lock().await;
        let id = visitor.id;
        let store = self.files.read(id).await?;
        let restoration = store.restore(visitor, conversations).await?;
        if restoration == Restoration::Stored {
            self.files.write(id, store).await?;
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
