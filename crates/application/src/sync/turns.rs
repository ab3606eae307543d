//! The posts of one visitor take turns, so that they do not overtake each other in this process.

use convosync_domain::identity::VisitorId;
use tokio::sync::{Mutex, MutexGuard};

/// Enough that two visitors who post at the same moment seldom share one.
const LOCKS: u64 = 4_096;

/// A fixed set of locks; each visitor always takes the same one.
#[derive(Debug)]
pub(super) struct Turns {
    locks: Vec<Mutex<()>>,
    /// For a visitor whose lock is not in the vector, which cannot be.
    spare: Mutex<()>,
}

impl Turns {
    pub(super) fn new() -> Self {
        Self {
            locks: (0..LOCKS).map(|_| Mutex::default()).collect(),
            spare: Mutex::default(),
        }
    }

    /// Waits for the visitor's turn, which lasts until the guard is dropped.
    pub(super) async fn wait(&self, visitor: VisitorId) -> MutexGuard<'_, ()> {
        let (_, hashed) = visitor.as_uuid().as_u64_pair();
        let lock = usize::try_from(hashed % LOCKS)
            .ok()
            .and_then(|index| self.locks.get(index));
        lock.unwrap_or(&self.spare).lock().await
    }
}
