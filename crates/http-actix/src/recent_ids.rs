//! The lists of ids that were sent lately: most devices ask again before anything has changed.

use std::collections::HashMap;
use std::mem;
use std::sync::{Mutex, MutexGuard, PoisonError};

use actix_web::web::Bytes;
use convosync_domain::identity::VisitorId;

/// What the lists may take together, in bytes: those of 400 visitors with 1,000 conversations each.
const BYTES_MAX: usize = 16 << 20;
/// What a list takes beside its text.
const OVERHEAD: usize = 256;

/// The bodies of lists that were sent lately, each as of a change counter of its visitor: where a store is
/// restored to an earlier moment, the servers before it have to be started again, as it is another life of
/// the store with counters that are given out again.
#[derive(Debug, Default)]
pub(crate) struct RecentIds(Mutex<Lists>);

#[derive(Debug, Default)]
struct Lists {
    lists: HashMap<VisitorId, (u64, Bytes)>,
    bytes: usize,
}

impl RecentIds {
    /// The list that the visitor was sent last, with the change counter that it is as of.
    pub(crate) fn of(&self, visitor: VisitorId) -> Option<(u64, Bytes)> {
        self.lock().lists.get(&visitor).cloned()
    }

    /// Notes a list, in place of the one that the visitor had before.
    pub(crate) fn note(&self, visitor: VisitorId, change_counter: u64, body: Bytes) {
        let bytes = body.len() + OVERHEAD;
        if bytes > BYTES_MAX {
            return;
        }
        let mut lists = self.lock();
        let mut forgotten = Lists::default();
        if lists.bytes + bytes > BYTES_MAX {
            forgotten = mem::take(&mut *lists);
        }
        lists.bytes += bytes;
        if let Some((_, before)) = lists.lists.insert(visitor, (change_counter, body)) {
            lists.bytes -= before.len() + OVERHEAD;
        }
        drop(lists);
        // Others need not wait while they go.
        drop(forgotten);
    }

    fn lock(&self) -> MutexGuard<'_, Lists> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use convosync_domain::identity::VisitorIdentity;

    use super::*;

    fn visitor(number: u32) -> VisitorId {
        let identity = VisitorIdentity::anonymous(format!("visitor {number}")).unwrap();
        VisitorId::from(&identity)
    }

    #[test]
    fn the_last_list_of_a_visitor_is_kept() {
        let recent = RecentIds::default();
        recent.note(visitor(1), 7, Bytes::from_static(b"one"));
        assert_eq!(
            recent.of(visitor(1)).unwrap(),
            (7, Bytes::from_static(b"one"))
        );
        assert_eq!(recent.of(visitor(2)), None);
        recent.note(visitor(1), 8, Bytes::from_static(b"two"));
        assert_eq!(
            recent.of(visitor(1)).unwrap(),
            (8, Bytes::from_static(b"two"))
        );
    }

    #[test]
    fn the_lists_never_take_more_than_they_may() {
        let recent = RecentIds::default();
        let quarter = Bytes::from(vec![0; BYTES_MAX / 4 - OVERHEAD]);
        for number in 0..10 {
            for change_counter in [1, 2] {
                recent.note(visitor(number), change_counter, quarter.clone());
                let (at, body) = recent.of(visitor(number)).unwrap();
                assert_eq!((at, body.len()), (change_counter, quarter.len()));
            }
            let held = recent.lock();
            let bodies = held.lists.values().map(|(_, body)| body);
            let bytes: usize = bodies.map(|body| body.len() + OVERHEAD).sum();
            assert_eq!(held.bytes, bytes);
            assert!(bytes <= BYTES_MAX);
        }
        recent.note(visitor(99), 1, Bytes::from(vec![0; BYTES_MAX + 1]));
        assert_eq!(recent.of(visitor(99)), None);
    }
}
