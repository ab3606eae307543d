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
        let (_, hashed) = visitor.as_uuid().as_u64_pair();
        let index = usize::try_from(hashed % LOCKS).ok()?;
        Some(self.0.get(index)?.lock().await)
    }
}
