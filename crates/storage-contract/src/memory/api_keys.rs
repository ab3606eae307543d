//! The API keys, which are no visitor's.

use std::collections::btree_map::Entry;

use async_trait::async_trait;
use convosync_domain::api_key::{ApiKey, ApiKeyId};
use convosync_domain::ports::{ApiKeyStore, StoreError};
use convosync_domain::timestamp::Timestamp;

use super::{MemoryStore, locked};

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
