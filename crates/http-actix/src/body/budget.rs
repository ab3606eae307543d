//! The bytes that all bodies in flight may hold together.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The bytes that all bodies in flight may hold together, a permit each. Clones are the same budget.
#[derive(Clone, Debug)]
pub(super) struct ByteBudget(Arc<Semaphore>);

impl ByteBudget {
    pub(super) fn new(bytes: usize) -> Self {
        Self(Arc::new(Semaphore::new(bytes.min(Semaphore::MAX_PERMITS))))
    }

    /// A reservation of nothing yet.
    pub(super) fn reserve(&self) -> Reservation {
        Reservation {
            budget: Arc::clone(&self.0),
            held: None,
        }
    }

    #[cfg(test)]
    pub(super) fn left(&self) -> usize {
        self.0.available_permits()
    }
}

/// What one body holds of the budget; dropping it gives everything back.
#[derive(Debug)]
pub(super) struct Reservation {
    budget: Arc<Semaphore>,
    held: Option<OwnedSemaphorePermit>,
}

impl Reservation {
    /// Takes so many bytes more; false, and nothing taken, when fewer are left.
    pub(super) fn grow(&mut self, bytes: usize) -> bool {
        let Ok(bytes) = u32::try_from(bytes) else {
            return false;
        };
        let Ok(more) = Arc::clone(&self.budget).try_acquire_many_owned(bytes) else {
            return false;
        };
        match &mut self.held {
            Some(held) => held.merge(more),
            None => self.held = Some(more),
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::thread;

    use super::*;

    #[test]
    fn reservations_are_given_back() {
        let budget = ByteBudget::new(10);
        let mut first = budget.reserve();
        let mut second = budget.reserve();
        assert!(first.grow(4) && second.grow(3) && first.grow(2));
        assert!(!second.grow(2));
        assert_eq!(budget.left(), 1);
        drop(first);
        assert_eq!(budget.left(), 7);
        assert!(second.grow(7));
        assert!(second.grow(0) && !second.grow(1));
        drop(second);
        assert_eq!(budget.left(), 10);
    }

    #[test]
    fn a_panic_gives_a_reservation_back() {
        let budget = ByteBudget::new(10);
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            let mut reservation = budget.reserve();
            assert!(reservation.grow(10));
            panic!("marker");
        }));
        assert!(panicked.is_err());
        assert_eq!(budget.left(), 10);
    }

    #[test]
    fn no_more_is_taken_than_there_is_whoever_takes_it() {
        let budget = ByteBudget::new(1_000);
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..1_000 {
                        let mut reservation = budget.reserve();
                        while reservation.grow(7) {
                            assert!(budget.left() <= 1_000 - 7);
                        }
                    }
                });
            }
        });
        assert_eq!(budget.left(), 1_000);
    }
}
