//! One lock for each visitor, so that posts of one visitor do not race each other in this process.

use convosync_domain::identity::VisitorId;
use tokio::sync::{Mutex, MutexGuard};

/// Enough that two visitors who post at the same moment seldom share one.
const LOCKS: u64 = 4_096;

/// A fixed set of locks; each visitor always has the same one.
#[derive(Debug)]
pub(super) struct VisitorLocks(Vec<Mutex<()>>);

impl VisitorLocks {
    pub(super) fn new() -> Self {
        Self((0..LOCKS).map(|_| Mutex::default()).collect())
    }

    /// Waits for the visitor's lock and holds it until the guard is dropped. It only saves lost races:
    /// what is stored stays right without it, by the compare-and-swap on the change counter.
    pub(super) async fn lock(&self, visitor: VisitorId) -> Option<MutexGuard<'_, ()>> {
        Some(self.0.get(index_of(visitor)?)?.lock().await)
    }

    /// Waits for the locks of two visitors, who may share one. Whoever wants both takes them in the same order, so
    /// that nobody waits for ever.
    pub(super) async fn lock_both(
        &self,
        one: VisitorId,
        other: VisitorId,
    ) -> Vec<MutexGuard<'_, ()>> {
        let mut indices: Vec<_> = [one, other].into_iter().filter_map(index_of).collect();
        indices.sort_unstable();
        indices.dedup();
        let mut guards = Vec::with_capacity(indices.len());
        for lock in indices.into_iter().filter_map(|index| self.0.get(index)) {
            guards.push(lock.lock().await);
        }
        guards
    }
}

fn index_of(visitor: VisitorId) -> Option<usize> {
    let (_, hashed) = visitor.as_uuid().as_u64_pair();
    usize::try_from(hashed % LOCKS).ok()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;
    use uuid::Uuid;

    use super::*;

    fn visitor(id: u128) -> VisitorId {
        VisitorId::from_uuid(Uuid::from_u128(id))
    }

    #[tokio::test(start_paused = true)]
    async fn two_visitors_are_locked_together() {
        let locks = VisitorLocks::new();
        let guards = locks.lock_both(visitor(1), visitor(2)).await;
        for id in [1, 2] {
            let waited = timeout(Duration::from_secs(1), locks.lock(visitor(id))).await;
            assert!(waited.is_err(), "{id}");
        }
        assert!(locks.lock(visitor(3)).await.is_some());
        drop(guards);
        assert!(locks.lock(visitor(2)).await.is_some());
        // Two who share a lock, and one with itself.
        for other in [1, 1 + u128::from(LOCKS)] {
            let guards = locks.lock_both(visitor(1), visitor(other)).await;
            assert_eq!(guards.len(), 1);
        }
    }

    #[tokio::test]
    async fn nobody_waits_for_ever_whoever_is_named_first() {
        let locks = VisitorLocks::new();
        let both = async |one, other| {
            for _ in 0..100 {
                let _guards = locks.lock_both(visitor(one), visitor(other)).await;
                tokio::task::yield_now().await;
            }
        };
        let all = async { tokio::join!(both(1, 2), both(2, 1), both(2, 3), both(3, 1)) };
        assert!(timeout(Duration::from_secs(10), all).await.is_ok());
    }
}
