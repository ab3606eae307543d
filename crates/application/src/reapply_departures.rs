//! What a store is told after it was restored: who and what has gone since it was backed up.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use convosync_domain::api_key::ApiKeyId;
use convosync_domain::identity::VisitorId;
use convosync_domain::ports::{ApiKeyStore, StoreArchive, StoreError, VisitorStore};
use convosync_domain::timestamp::Timestamp;
use convosync_domain::tombstone::{VisitorGone, VisitorTombstone};

use crate::sync::{MergeError, MergeVisitors};

/// Who and what is gone, put together from all that is known: what is gone in one life of a store is gone for good.
#[derive(Clone, Debug, Default)]
pub struct Departures {
    visitors: BTreeMap<VisitorId, VisitorTombstone>,
    revoked_keys: BTreeMap<ApiKeyId, Timestamp>,
}

impl Departures {
    /// A visitor who was erased or merged. What is known already stays.
    pub fn add_visitor(&mut self, tombstone: VisitorTombstone) {
        self.visitors.entry(tombstone.id).or_insert(tombstone);
    }

    /// An API key that was revoked. What is known already stays.
    pub fn add_revoked_key(&mut self, id: ApiKeyId, at: Timestamp) {
        self.revoked_keys.entry(id).or_insert(at);
    }

    /// Whose everything of a merged visitor is in the end; `None` where it was erased, at once or with whom it was
    /// merged into.
    fn heir(&self, tombstone: &VisitorTombstone) -> Option<VisitorId> {
        let mut gone = tombstone.gone;
        // So often at most, should they name each other.
        for _ in 0..=self.visitors.len() {
            match gone {
                VisitorGone::Erased => return None,
                VisitorGone::Merged { into } => match self.visitors.get(&into) {
                    Some(next) => gone = next.gone,
                    None => return Some(into),
                },
            }
        }
        None
    }
}

/// How many there were of each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reapplied {
    /// Visitors who were there again, and are erased.
    pub erased: u64,
    /// Anonymous visitors who were there again, and are merged.
    pub merged: u64,
    /// API keys that were good again, and are revoked.
    pub revoked_keys: u64,
}

/// Tells a store who has gone.
pub struct ReapplyDepartures {
    visitors: Arc<dyn VisitorStore>,
    archive: Arc<dyn StoreArchive>,
    keys: Arc<dyn ApiKeyStore>,
    merge: MergeVisitors,
}

impl ReapplyDepartures {
    /// Tells this store, whose visitors are merged by `merge`.
    #[must_use]
    pub fn new(
        visitors: Arc<dyn VisitorStore>,
        archive: Arc<dyn StoreArchive>,
        keys: Arc<dyn ApiKeyStore>,
        merge: MergeVisitors,
    ) -> Self {
        Self {
            visitors,
            archive,
            keys,
            merge,
        }
    }

    /// Has everybody gone from the store who is gone, with a tombstone, and every key revoked that was; then the store
    /// begins another life, so that devices pull anew. It may be done again.
    ///
    /// An anonymous visitor who was merged is merged again, as not everything that became of it is in the store. Where
    /// the user is not in it, the visitor is erased: nobody could have it erased any more.
    ///
    /// # Errors
    /// [`MergeError`] when the store fails; what was done before stays.
    pub async fn run(&self, departures: &Departures) -> Result<Reapplied, MergeError> {
        let mut done = Reapplied::default();
        for tombstone in departures.visitors.values() {
            match self.visitors.find(tombstone.id).await {
                Err(StoreError::VisitorGone(_)) => {}
                Ok(None) => {
                    self.archive.restore_tombstone(*tombstone).await?;
                }
                Ok(Some(_)) => self.send_away(departures, tombstone, &mut done).await?,
                Err(error) => return Err(error.into()),
            }
        }
        for (id, at) in &departures.revoked_keys {
            let found = self.keys.find_key(*id).await?;
            if found.is_some_and(|key| key.revoked_at.is_none()) {
                self.keys.revoke_key(*id, *at).await?;
                done.revoked_keys += 1;
            }
        }
        self.archive.renew_epoch().await?;
        Ok(done)
    }

    async fn send_away(
        &self,
        departures: &Departures,
        tombstone: &VisitorTombstone,
        done: &mut Reapplied,
    ) -> Result<(), MergeError> {
        let heir = departures.heir(tombstone);
        match self
            .if_living(heir.filter(|heir| *heir != tombstone.id))
            .await?
        {
            Some(heir) => {
                self.merge.run_again(heir, tombstone.id).await?;
                done.merged += 1;
            }
            None => {
                self.visitors.erase(tombstone.id, tombstone.at).await?;
                done.erased += 1;
            }
        }
        Ok(())
    }

    async fn if_living(&self, visitor: Option<VisitorId>) -> Result<Option<VisitorId>, StoreError> {
        let Some(visitor) = visitor else {
            return Ok(None);
        };
        match self.visitors.find(visitor).await {
            Ok(found) => Ok(found.map(|found| found.id)),
            Err(StoreError::VisitorGone(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }
}
