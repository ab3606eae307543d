//! The reference store: a map behind a lock, slow and plain, so that one can see that it is right.

mod api_keys;
mod archive;
mod items;
mod visitors;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use convosync_domain::api_key::{ApiKey, ApiKeyId};
use convosync_domain::change_set::{ChangeSet, VisitorRegistration};
use convosync_domain::feed::{Admit, ChangedHead, PageRead, PageRequest};
use convosync_domain::identity::{ConversationKey, VisitorId};
use convosync_domain::ports::{
    ChangeFeed, ConversationList, ConversationReader, Heads, LivingIds, MergeStore, MergedVisitor,
    NamedConversation, Registration, StoreError, StoreIdentity, StoreStatus, SyncStore, Visitor,
    VisitorStore, VisitorSummary,
};
use convosync_domain::reading::{ConversationRead, ConversationRequest, ListRead, ListRequest};
use convosync_domain::stored::StoredMessage;
use convosync_domain::timestamp::Timestamp;
use convosync_domain::tombstone::VisitorGone;

use items::Items;
use visitors::Visitors;

/// A store in memory, for unit tests and as the reference that adapters are compared with. Its
/// clones share what they hold; what it holds ends with the last of them.
#[derive(Clone, Debug)]
pub struct MemoryStore {
    identity: Arc<Mutex<StoreIdentity>>,
    visitors: Arc<Mutex<Visitors>>,
    api_keys: Arc<Mutex<BTreeMap<ApiKeyId, ApiKey>>>,
}

impl MemoryStore {
    /// An empty store. Randomness is the caller's: every store should have an identity of its own.
    #[must_use]
    pub fn new(identity: StoreIdentity) -> Self {
        Self {
            identity: Arc::new(Mutex::new(identity)),
            visitors: Arc::default(),
            api_keys: Arc::default(),
        }
    }

    /// Everything, locked: no method waits while it holds this, and none leaves it half written.
    fn visitors(&self) -> MutexGuard<'_, Visitors> {
        locked(&self.visitors)
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[async_trait]
impl SyncStore for MemoryStore {
    async fn heads(
        &self,
        visitor: VisitorId,
        named: Vec<NamedConversation>,
    ) -> Result<Option<Heads>, StoreError> {
        let visitors = self.visitors();
        Ok(visitors.find(visitor)?.map(|items| items.heads(&named)))
    }

    async fn load(
        &self,
        visitor: VisitorId,
        named: Vec<NamedConversation>,
    ) -> Result<Vec<(ConversationKey, StoredMessage)>, StoreError> {
        let visitors = self.visitors();
        Ok(visitors
            .find(visitor)?
            .map(|items| items.load(&named))
            .unwrap_or_default())
    }

    async fn commit(&self, visitor: VisitorId, changes: ChangeSet) -> Result<u64, StoreError> {
        self.visitors().commit(visitor, changes)
    }
}

#[async_trait]
impl MergeStore for MemoryStore {
    async fn merge(
        &self,
        into: VisitorId,
        changes: ChangeSet,
        merged: MergedVisitor,
    ) -> Result<u64, StoreError> {
        self.visitors().merge(into, changes, merged)
    }
}

#[async_trait]
impl VisitorStore for MemoryStore {
    async fn find(&self, visitor: VisitorId) -> Result<Option<Visitor>, StoreError> {
        let visitors = self.visitors();
        Ok(visitors.find(visitor)?.map(|items| Visitor {
            id: visitor,
            change_counter: items.change_counter(),
            usage: items.usage(),
        }))
    }

    async fn summarize(&self, visitor: VisitorId) -> Result<Option<VisitorSummary>, StoreError> {
        let visitors = self.visitors();
        Ok(visitors.find(visitor)?.map(|items| items.summary(visitor)))
    }

    async fn register(&self, visitor: VisitorRegistration) -> Result<Registration, StoreError> {
        self.visitors().register(&visitor)
    }

    async fn erase(&self, visitor: VisitorId, at: Timestamp) -> Result<bool, StoreError> {
        self.visitors().erase(visitor, VisitorGone::Erased, at)
    }
}

#[async_trait]
impl ConversationList for MemoryStore {
    async fn living_ids(&self, visitor: VisitorId) -> Result<Option<LivingIds>, StoreError> {
        let visitors = self.visitors();
        Ok(visitors.find(visitor)?.map(Items::living_ids))
    }
}

#[async_trait]
impl ConversationReader for MemoryStore {
    async fn list(
        &self,
        visitor: VisitorId,
        request: ListRequest,
        admit: Admit,
    ) -> Result<Option<ListRead>, StoreError> {
        let visitors = self.visitors();
        let items = visitors.find(visitor)?;
        items.map(|items| items.list(&request, &admit)).transpose()
    }

    async fn read(
        &self,
        visitor: VisitorId,
        request: ConversationRequest,
        admit: Admit,
    ) -> Result<Option<ConversationRead>, StoreError> {
        let visitors = self.visitors();
        let items = visitors.find(visitor)?;
        items.map(|items| items.read(&request, &admit)).transpose()
    }

    async fn head(
        &self,
        visitor: VisitorId,
        conversation: ConversationKey,
    ) -> Result<Option<Option<ChangedHead>>, StoreError> {
        let visitors = self.visitors();
        Ok(visitors
            .find(visitor)?
            .map(|items| items.head(conversation)))
    }
}

#[async_trait]
impl ChangeFeed for MemoryStore {
    async fn changes(
        &self,
        visitor: VisitorId,
        request: PageRequest,
        admit: Admit,
    ) -> Result<Option<PageRead>, StoreError> {
        let visitors = self.visitors();
        let items = visitors.find(visitor)?;
        items.map(|items| items.page(&request, &admit)).transpose()
    }
}

#[async_trait]
impl StoreStatus for MemoryStore {
    async fn check(&self) -> Result<(), StoreError> {
        Ok(())
    }

    fn identity(&self) -> StoreIdentity {
        *locked(&self.identity)
    }
}
