//! The posts of one visitor take turns, so that they do not overtake each other in this process.

use convosync_domain::identity::VisitorId;
use tokio::sync::{Mutex, MutexGuard};

/// Enough that two visitors who post at the same moment seldom share one.
const LOCKS: u64 = 4_096;

/// A fixed set of locks; each visitor always takes the same one.
#[derive(Debug)]
pub(super) struct Turns(Vec<Mutex<()>>);

impl Turns {
    pub(super) fn new() -> Self {
        Self((0..LOCKS).map(|_| Mutex::default()).collect())
    }

    /// Waits for the visitor's turn, which lasts until the guard is dropped. Where there were no lock
    /// there would be no waiting: turns save tries, the change counter alone decides who has won.
    pub(super) async fn wait(&self, visitor: VisitorId) -> Option<MutexGuard<'_, ()>> {
        let (_, hashed) = visitor.as_uuid().as_u64_pair();
        let index = usize::try_from(hashed % LOCKS).ok()?;
        Some(self.0.get(index)?.lock().await)
    }
}
