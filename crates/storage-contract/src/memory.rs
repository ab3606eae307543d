//! The reference store: a map behind a lock, slow and plain, so that one can see that it is right.

mod items;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use convosync_domain::api_key::{ApiKey, ApiKeyId};
use convosync_domain::archive::{ArchivePlace, ArchivedConversation, ArchivedVisitor};
use convosync_domain::change_set::{ChangeSet, VisitorRegistration};
use convosync_domain::feed::{Admit, PageRead, PageRequest};
use convosync_domain::identity::{ConversationKey, VisitorId};
use convosync_domain::ports::{
    ApiKeyStore, ChangeFeed, ConversationList, Heads, LivingIds, NamedConversation, Registration,
    Restoration, StoreArchive, StoreError, StoreIdentity, StoreStatus, SyncStore, Visitor,
    VisitorStore,
};
use convosync_domain::stored::StoredMessage;
use convosync_domain::timestamp::Timestamp;
use uuid::Uuid;

use items::Items;

/// A store in memory, for unit tests and as the reference that adapters are compared with. Its
/// clones share what they hold; what it holds ends with the last of them.
#[derive(Clone, Debug)]
pub struct MemoryStore {
    identity: Arc<Mutex<StoreIdentity>>,
    visitors: Arc<Mutex<BTreeMap<VisitorId, Items>>>,
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
    fn visitors(&self) -> MutexGuard<'_, BTreeMap<VisitorId, Items>> {
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
        Ok(visitors.get(&visitor).map(|items| items.heads(&named)))
    }

    async fn load(
        &self,
        visitor: VisitorId,
        named: Vec<NamedConversation>,
    ) -> Result<Vec<(ConversationKey, StoredMessage)>, StoreError> {
        let visitors = self.visitors();
        Ok(visitors
            .get(&visitor)
            .map(|items| items.load(&named))
            .unwrap_or_default())
    }

    async fn commit(&self, visitor: VisitorId, changes: ChangeSet) -> Result<u64, StoreError> {
        let mut visitors = self.visitors();
        // A copy is written, so that a change set that fails leaves nothing behind.
        let mut items = match (visitors.get(&visitor), &changes.registers) {
            (Some(stored), None) => stored.clone(),
            (None, Some(registration)) => Items::of_new_visitor(registration),
            _ => return Err(StoreError::Conflict),
        };
        if items.change_counter() != changes.change_counter {
            return Err(StoreError::Conflict);
        }
        let before = items.usage();
        items.apply(changes.conversations)?;
        let checked = changes.quota.check(before, items.usage());
        checked.map_err(StoreError::QuotaExceeded)?;
        let change_counter = items.change_counter();
        visitors.insert(visitor, items);
        Ok(change_counter)
    }
}

#[async_trait]
impl VisitorStore for MemoryStore {
    async fn find(&self, visitor: VisitorId) -> Result<Option<Visitor>, StoreError> {
        let visitors = self.visitors();
        Ok(visitors.get(&visitor).map(|items| Visitor {
            id: visitor,
            change_counter: items.change_counter(),
            usage: items.usage(),
        }))
    }

    async fn register(&self, visitor: VisitorRegistration) -> Result<Registration, StoreError> {
        let mut visitors = self.visitors();
        let id = VisitorId::from(&visitor.identity);
        if visitors.contains_key(&id) {
            return Ok(Registration::AlreadyKnown);
        }
        visitors.insert(id, Items::of_new_visitor(&visitor));
        Ok(Registration::Created)
    }
}

#[async_trait]
impl ConversationList for MemoryStore {
    async fn living_ids(&self, visitor: VisitorId) -> Result<Option<LivingIds>, StoreError> {
        let visitors = self.visitors();
        Ok(visitors.get(&visitor).map(Items::living_ids))
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
        visitors
            .get(&visitor)
            .map(|items| items.page(&request, &admit))
            .transpose()
    }
}

#[async_trait]
impl StoreArchive for MemoryStore {
    async fn count_visitors(&self) -> Result<u64, StoreError> {
        let count = self.visitors().len();
        Ok(u64::try_from(count).unwrap_or(u64::MAX))
    }

    async fn visitors(
        &self,
        after: Option<VisitorId>,
        limit: usize,
    ) -> Result<Vec<ArchivedVisitor>, StoreError> {
        let visitors = self.visitors();
        let later = visitors.iter().filter(|(id, _)| Some(**id) > after);
        Ok(later
            .map(|(id, items)| items.archived(*id))
            .take(limit)
            .collect())
    }

    async fn items(
        &self,
        visitor: VisitorId,
        after: Option<ArchivePlace>,
        limit: usize,
    ) -> Result<Vec<ArchivedConversation>, StoreError> {
        match self.visitors().get(&visitor) {
            Some(items) => items.archive_page(after, limit),
            None => Ok(Vec::new()),
        }
    }

    async fn adopt_digest_seed(&self, digest_seed: u64) -> Result<bool, StoreError> {
        let visitors = self.visitors();
        let mut identity = locked(&self.identity);
        if identity.digest_seed != digest_seed && !visitors.is_empty() {
            return Ok(false);
        }
        identity.digest_seed = digest_seed;
        Ok(true)
    }

    async fn renew_epoch(&self) -> Result<(), StoreError> {
        let mut identity = locked(&self.identity);
        // Randomness is the caller's, and any other epoch will do.
        identity.epoch = Uuid::from_u128(identity.epoch.as_u128().wrapping_add(1));
        Ok(())
    }

    async fn restore(
        &self,
        visitor: ArchivedVisitor,
        conversations: Vec<ArchivedConversation>,
    ) -> Result<Restoration, StoreError> {
        let mut visitors = self.visitors();
        let items = visitors
            .entry(visitor.id)
            .or_insert_with(|| Items::of_archived(&visitor));
        if items.archived(visitor.id) != visitor {
            return Ok(Restoration::OtherVisitor);
        }
        items.restore(conversations);
        Ok(Restoration::Stored)
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

#[async_trait]
impl ApiKeyStore for MemoryStore {
    async fn add_key(&self, key: ApiKey) -> Result<bool, StoreError> {
        match locked(&self.api_keys).entry(key.id) {
            Entry::Occupied(_) => Ok(false),
            Entry::Vacant(place) => {
                place.insert(key);
                Ok(true)
            }
        }
    }

    async fn find_key(&self, id: ApiKeyId) -> Result<Option<ApiKey>, StoreError> {
        Ok(locked(&self.api_keys).get(&id).cloned())
    }

    async fn list_keys(&self) -> Result<Vec<ApiKey>, StoreError> {
        let mut keys: Vec<_> = locked(&self.api_keys).values().cloned().collect();
        keys.sort_by_key(ApiKey::list_order);
        Ok(keys)
    }

    async fn revoke_key(&self, id: ApiKeyId, at: Timestamp) -> Result<Option<ApiKey>, StoreError> {
        let mut keys = locked(&self.api_keys);
        let revoked = keys.get_mut(&id).map(|key| {
            key.revoked_at.get_or_insert(at);
            key.clone()
        });
        Ok(revoked)
    }
}
