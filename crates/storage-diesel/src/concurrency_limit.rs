//! How many calls work on a store at once, and how many may wait.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::measures::{self, PoolLoad};

/// Lets so many calls through at once. A bounded number wait, and no longer than they are told; the
/// others are refused at once, so that a store that is slower than its callers does not collect them.
#[derive(Debug)]
pub(crate) struct ConcurrencyLimit {
    permits: Arc<Semaphore>,
    waiting: AtomicUsize,
    waits: AtomicU64,
    most: usize,
    queue: usize,
    wait_max: Duration,
}

/// The store has more to do than it can.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Overloaded {
    #[error("too many calls wait for the store")]
    QueueFull,
    #[error("the store was busy for too long")]
    WaitedTooLong,
}

impl ConcurrencyLimit {
    /// Lets `permits` through at once, and `queue` more wait for up to `wait_max`.
    pub(crate) fn new(permits: u32, queue: usize, wait_max: Duration) -> Self {
        let most = usize::try_from(permits).unwrap_or(usize::MAX);
        let most = most.min(Semaphore::MAX_PERMITS);
        Self {
            permits: Arc::new(Semaphore::new(most)),
            waiting: AtomicUsize::new(0),
            waits: AtomicU64::new(0),
            most,
            queue,
            wait_max,
        }
    }

    /// Waits for a permit, which is given back when it is dropped.
    pub(crate) async fn acquire(&self) -> Result<OwnedSemaphorePermit, Overloaded> {
        if let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned() {
            return Ok(permit);
        }
        self.wait().await.inspect_err(|_| measures::count_refusal())
    }

    async fn wait(&self) -> Result<OwnedSemaphorePermit, Overloaded> {
        let _waiting = Waiting::among(&self.waiting, self.queue).ok_or(Overloaded::QueueFull)?;
        self.waits.fetch_add(1, Ordering::Relaxed);
        let permit = timeout(self.wait_max, Arc::clone(&self.permits).acquire_owned()).await;
        // The semaphore is never closed.
        permit
            .ok()
            .and_then(Result::ok)
            .ok_or(Overloaded::WaitedTooLong)
    }

    /// How many have been let through and are not done.
    pub(crate) fn working(&self) -> usize {
        self.most.saturating_sub(self.permits.available_permits())
    }

    /// A pool whose users are let through here.
    pub(crate) fn of_pool(&self, pool: PoolLoad) -> PoolLoad {
        PoolLoad {
            waiting: self.waiting.load(Ordering::Relaxed),
            waits: self.waits.load(Ordering::Relaxed),
            ..pool
        }
    }
}

/// One of those who wait. It is counted until it is dropped, whether or not it got its permit.
struct Waiting<'g>(&'g AtomicUsize);

impl<'g> Waiting<'g> {
    fn among(waiting: &'g AtomicUsize, most: usize) -> Option<Self> {
        let counted = Self(waiting);
        (waiting.fetch_add(1, Ordering::AcqRel) < most).then_some(counted)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_place_is_free_again_when_its_holder_goes() {
        let concurrency_limit = ConcurrencyLimit::new(1, 1, Duration::from_secs(10));
        let permit = concurrency_limit.acquire().await.unwrap();
        let (entered, ()) = tokio::join!(concurrency_limit.acquire(), async { drop(permit) });
        assert!(entered.is_ok());
    }

    #[tokio::test]
    async fn those_who_cannot_wait_are_refused() {
        let concurrency_limit = ConcurrencyLimit::new(1, 1, Duration::from_millis(20));
        let _place = concurrency_limit.acquire().await.unwrap();
        let (first, second) =
            tokio::join!(concurrency_limit.acquire(), concurrency_limit.acquire());
        assert_eq!(first.unwrap_err(), Overloaded::WaitedTooLong);
        assert_eq!(second.unwrap_err(), Overloaded::QueueFull);
        // Nobody who has given up is still counted.
        assert_eq!(
            concurrency_limit.acquire().await.unwrap_err(),
            Overloaded::WaitedTooLong
        );
        let told = concurrency_limit.of_pool(PoolLoad {
            name: "pool",
            size: 1,
            open: 1,
            busy: 1,
            waiting: 9,
            waits: 9,
        });
        assert_eq!((told.waiting, told.waits), (0, 2));
        assert_eq!(concurrency_limit.working(), 1);
    }
}
