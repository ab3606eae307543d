//! The memory that many requests share.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The bytes that may be held at once by whoever asks, a permit each. Clones are the same budget.
#[derive(Clone, Debug)]
pub struct ByteBudget {
    /// `None` where there is no bound.
    permits: Option<Arc<Semaphore>>,
    bytes: usize,
}

impl ByteBudget {
    /// A budget of so many bytes.
    #[must_use]
    pub fn new(bytes: usize) -> Self {
        let bytes = bytes.min(Semaphore::MAX_PERMITS);
        Self {
            permits: Some(Arc::new(Semaphore::new(bytes))),
            bytes,
        }
    }

    /// A budget that never ends, for a program that does one thing alone.
    #[must_use]
    pub fn unbounded() -> Self {
        Self {
            permits: None,
            bytes: usize::MAX,
        }
    }

    /// How many bytes it has in all.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// A reservation of nothing yet.
    #[must_use]
    pub fn reserve(&self) -> Reservation {
        Reservation {
            budget: self.clone(),
            held: None,
        }
    }

    /// How many bytes nobody holds.
    #[must_use]
    pub fn left(&self) -> usize {
        let permits = self.permits.as_ref();
        permits.map_or(usize::MAX, |permits| permits.available_permits())
    }
}

/// What one holds of a budget; dropping it gives everything back.
#[derive(Debug)]
pub struct Reservation {
    budget: ByteBudget,
    held: Option<OwnedSemaphorePermit>,
}

impl Reservation {
    /// Takes so many bytes more; false, and nothing taken, when fewer are left.
    pub fn grow(&mut self, bytes: usize) -> bool {
        let Some(permits) = &self.budget.permits else {
            return true;
        };
        let Ok(bytes) = u32::try_from(bytes) else {
            return false;
        };
        let Ok(more) = Arc::clone(permits).try_acquire_many_owned(bytes) else {
            return false;
        };
        match &mut self.held {
            Some(held) => held.merge(more),
            None => self.held = Some(more),
        }
        true
    }

    /// Holds so many bytes in all, and gives back what is more; false, and nothing changed, when fewer are left.
    pub fn hold(&mut self, bytes: usize) -> bool {
        let held = self
            .held
            .as_ref()
            .map_or(0, OwnedSemaphorePermit::num_permits);
        if bytes > held {
            return self.grow(bytes - held);
        }
        // What is split off is given back.
        self.held
            .as_mut()
            .map(|permit| permit.split(held - bytes).map(drop));
        true
    }

    /// Like [`Self::hold`], but of more than the whole budget it holds all of that: what is too large for it comes
    /// alone.
    pub fn hold_or_all(&mut self, bytes: usize) -> bool {
        self.hold(bytes.min(self.budget.bytes))
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
    fn a_reservation_holds_as_much_as_it_is_told_to() {
        let budget = ByteBudget::new(10);
        let mut reservation = budget.reserve();
        for (bytes, is_held, left) in [
            (0, true, 10),
            (7, true, 3),
            (11, false, 3),
            (2, true, 8),
            (10, true, 0),
            (0, true, 10),
        ] {
            assert_eq!(
                (reservation.hold(bytes), budget.left()),
                (is_held, left),
                "{bytes}"
            );
        }
    }

    #[test]
    fn what_has_no_bound_is_never_used_up() {
        let budget = ByteBudget::unbounded();
        let mut reservation = budget.reserve();
        assert!(reservation.hold(usize::MAX) && reservation.grow(usize::MAX));
        assert!(reservation.hold(0));
        assert_eq!(budget.left(), budget.bytes());
    }

    #[test]
    fn what_is_too_large_for_the_budget_takes_all_of_it() {
        let budget = ByteBudget::new(10);
        let (mut large, mut small) = (budget.reserve(), budget.reserve());
        assert!(small.hold(1));
        assert!(!large.hold_or_all(11) && !large.hold_or_all(10));
        drop(small);
        assert!(large.hold_or_all(11));
        assert_eq!(budget.left(), 0);
        assert!(large.hold_or_all(4));
        assert_eq!(budget.left(), 6);
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
