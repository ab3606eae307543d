//! How many calls work on a store at once, and how many may wait.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// Lets so many calls through at once. A bounded number wait, and no longer than they are told; the
/// others are refused at once, so that a store that is slower than its callers does not collect them.
#[derive(Debug)]
pub(crate) struct Gate {
    places: Arc<Semaphore>,
    waiting: AtomicUsize,
    queue: usize,
    patience: Duration,
}

/// The store has more to do than it can.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refused {
    #[error("too many calls wait for the store")]
    QueueFull,
    #[error("the store was busy for too long")]
    WaitedTooLong,
}

impl Gate {
    /// Lets `places` through at once, and `queue` more wait for up to `patience`.
    pub(crate) fn new(places: u32, queue: usize, patience: Duration) -> Self {
        let places = usize::try_from(places).unwrap_or(usize::MAX);
        Self {
            places: Arc::new(Semaphore::new(places.min(Semaphore::MAX_PERMITS))),
            waiting: AtomicUsize::new(0),
            queue,
            patience,
        }
    }

    /// Waits for a place, which is free again when what is returned goes.
    pub(crate) async fn enter(&self) -> Result<OwnedSemaphorePermit, Refused> {
        if let Ok(place) = Arc::clone(&self.places).try_acquire_owned() {
            return Ok(place);
        }
        let _waiting = Waiting::among(&self.waiting, self.queue).ok_or(Refused::QueueFull)?;
        let place = timeout(self.patience, Arc::clone(&self.places).acquire_owned()).await;
        // The semaphore is never closed.
        place
            .ok()
            .and_then(Result::ok)
            .ok_or(Refused::WaitedTooLong)
    }
}

/// One of those who wait; it no longer counts when it goes, even if the wait is given up.
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
        let gate = Gate::new(1, 1, Duration::from_secs(10));
        let place = gate.enter().await.unwrap();
        let (entered, ()) = tokio::join!(gate.enter(), async { drop(place) });
        assert!(entered.is_ok());
    }

    #[tokio::test]
    async fn those_who_cannot_wait_are_refused() {
        let gate = Gate::new(1, 1, Duration::from_millis(20));
        let _place = gate.enter().await.unwrap();
        let (first, second) = tokio::join!(gate.enter(), gate.enter());
        assert_eq!(first.unwrap_err(), Refused::WaitedTooLong);
        assert_eq!(second.unwrap_err(), Refused::QueueFull);
        // Nobody who has given up is still counted.
        assert_eq!(gate.enter().await.unwrap_err(), Refused::WaitedTooLong);
    }
}
