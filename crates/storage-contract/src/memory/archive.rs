//! Everything in the store, to be carried elsewhere and back.

use async_trait::async_trait;
use convosync_domain::archive::{ArchivePlace, ArchivedConversation, ArchivedVisitor};
use convosync_domain::identity::VisitorId;
use convosync_domain::ports::{Restoration, StoreArchive, StoreError};
use convosync_domain::tombstone::VisitorTombstone;
use uuid::Uuid;

use super::{MemoryStore, locked};

#[async_trait]
impl StoreArchive for MemoryStore {
    async fn count_visitors(&self) -> Result<u64, StoreError> {
        let count = self.visitors().living().len();
        Ok(u64::try_from(count).unwrap_or(u64::MAX))
    }

    async fn visitors(
        &self,
        after: Option<VisitorId>,
        limit: usize,
    ) -> Result<Vec<ArchivedVisitor>, StoreError> {
        let visitors = self.visitors();
        let living = visitors.living().iter();
        let later = living.filter(|(id, _)| Some(**id) > after);
        Ok(later
            .map(|(id, items)| items.archived(*id))
            .take(limit)
            .collect())
    }

    async fn tombstones(
        &self,
        after: Option<VisitorId>,
        limit: usize,
    ) -> Result<Vec<VisitorTombstone>, StoreError> {
        let visitors = self.visitors();
        let gone = visitors.gone().values();
        let later = gone.filter(|tombstone| Some(tombstone.id) > after);
        Ok(later.take(limit).copied().collect())
    }

    async fn items(
        &self,
        visitor: VisitorId,
        after: Option<ArchivePlace>,
        limit: usize,
    ) -> Result<Vec<ArchivedConversation>, StoreError> {
        match self.visitors().find(visitor)? {
            Some(items) => items.archive_page(after, limit),
            None => Ok(Vec::new()),
        }
    }

    async fn adopt_digest_seed(&self, digest_seed: u64) -> Result<bool, StoreError> {
        let visitors = self.visitors();
        let mut identity = locked(&self.identity);
        if identity.digest_seed != digest_seed && !visitors.living().is_empty() {
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
        match self.visitors().restore(&visitor) {
            Some(items) => items.restore(conversations),
            None => return Ok(Restoration::OtherVisitor),
        }
        Ok(Restoration::Stored)
    }

    async fn restore_tombstone(
        &self,
        tombstone: VisitorTombstone,
    ) -> Result<Restoration, StoreError> {
        Ok(self.visitors().restore_tombstone(tombstone))
    }
}
