//! Who is known to the store: those who live, with what they have, and those who are gone.

use std::collections::BTreeMap;

use convosync_domain::archive::ArchivedVisitor;
use convosync_domain::change_set::{ChangeSet, VisitorRegistration};
use convosync_domain::identity::VisitorId;
use convosync_domain::ports::{MergedVisitor, Registration, Restoration, StoreError};
use convosync_domain::timestamp::Timestamp;
use convosync_domain::tombstone::{VisitorGone, VisitorTombstone};

use super::items::Items;

/// Everything that the store holds of visitors; nobody is both alive and gone.
#[derive(Debug, Default)]
pub(super) struct Visitors {
    living: BTreeMap<VisitorId, Items>,
    gone: BTreeMap<VisitorId, VisitorTombstone>,
}

impl Visitors {
    /// What a visitor has; `None` for an unknown one.
    pub(super) fn find(&self, visitor: VisitorId) -> Result<Option<&Items>, StoreError> {
        match self.gone.get(&visitor) {
            Some(tombstone) => Err(StoreError::VisitorGone(tombstone.gone)),
            None => Ok(self.living.get(&visitor)),
        }
    }

    /// Those who live, by id.
    pub(super) fn living(&self) -> &BTreeMap<VisitorId, Items> {
        &self.living
    }

    /// Those who are gone, by id.
    pub(super) fn gone(&self) -> &BTreeMap<VisitorId, VisitorTombstone> {
        &self.gone
    }

    pub(super) fn register(
        &mut self,
        registration: &VisitorRegistration,
    ) -> Result<Registration, StoreError> {
        let id = VisitorId::from(&registration.identity);
        if self.find(id)?.is_some() {
            return Ok(Registration::AlreadyKnown);
        }
        self.living.insert(id, Items::of_new_visitor(registration));
        Ok(Registration::Created)
    }

    pub(super) fn commit(
        &mut self,
        visitor: VisitorId,
        changes: ChangeSet,
    ) -> Result<u64, StoreError> {
        let items = self.changed(visitor, changes)?;
        Ok(self.keep(visitor, items))
    }

    pub(super) fn erase(
        &mut self,
        visitor: VisitorId,
        gone: VisitorGone,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let is_known = self.find(visitor)?.is_some();
        if is_known {
            self.living.remove(&visitor);
            let id = visitor;
            self.gone.insert(id, VisitorTombstone { id, gone, at });
        }
        Ok(is_known)
    }

    pub(super) fn merge(
        &mut self,
        into: VisitorId,
        changes: ChangeSet,
        merged: MergedVisitor,
    ) -> Result<u64, StoreError> {
        let read_at = self.find(merged.id)?.map(Items::change_counter);
        let items = self.changed(into, changes)?;
        if read_at != Some(merged.change_counter) {
            return Err(StoreError::Conflict);
        }
        self.erase(merged.id, VisitorGone::Merged { into }, merged.at)?;
        Ok(self.keep(into, items))
    }

    /// What a visitor has after a change set: a copy, so that one that fails leaves nothing behind.
    fn changed(&self, visitor: VisitorId, changes: ChangeSet) -> Result<Items, StoreError> {
        let mut items = match (self.find(visitor)?, &changes.registers) {
            (Some(stored), None) => stored.clone(),
            (None, Some(registration)) => Items::of_new_visitor(registration),
            _ => return Err(StoreError::Conflict),
        };
        if items.change_counter() != changes.change_counter {
            return Err(StoreError::Conflict);
        }
        let before = items.usage();
        items.apply(changes.conversations, changes.received_at)?;
        let checked = changes.quota.check(before, items.usage());
        checked.map_err(StoreError::QuotaExceeded)?;
        Ok(items)
    }

    fn keep(&mut self, visitor: VisitorId, items: Items) -> u64 {
        let change_counter = items.change_counter();
        self.living.insert(visitor, items);
        change_counter
    }

    /// Puts a visitor there, unless it is; `None` for one who has another life in this store.
    pub(super) fn restore(&mut self, visitor: &ArchivedVisitor) -> Option<&mut Items> {
        if self.gone.contains_key(&visitor.id) {
            return None;
        }
        let items = self.living.entry(visitor.id);
        let items = items.or_insert_with(|| Items::of_archived(visitor));
        let stored = items.archived(visitor.id);
        stored.is_same_life(visitor).then_some(items)
    }

    pub(super) fn restore_tombstone(&mut self, tombstone: VisitorTombstone) -> Restoration {
        if self.living.contains_key(&tombstone.id) {
            return Restoration::OtherVisitor;
        }
        self.gone.entry(tombstone.id).or_insert(tombstone);
        Restoration::Stored
    }
}
