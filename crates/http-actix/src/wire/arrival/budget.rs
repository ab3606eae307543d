//! The bytes that all bodies in flight may hold together.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The bytes that all bodies in flight may hold together. Clones are the same budget.
#[derive(Clone, Debug)]
pub(crate) struct Budget {
    left: Arc<AtomicUsize>,
}

impl Budget {
    pub(crate) fn new(bytes: usize) -> Self {
        Self {
            left: Arc::new(AtomicUsize::new(bytes)),
        }
    }

    /// A share of nothing yet.
    pub(super) fn share(&self) -> Share {
        Share {
            budget: self.clone(),
            bytes: 0,
        }
    }

    #[cfg(test)]
    pub(super) fn left(&self) -> usize {
        self.left.load(Ordering::Relaxed)
    }
}

/// What one body holds of the budget; dropping it gives everything back.
#[derive(Debug)]
pub(crate) struct Share {
    budget: Budget,
    bytes: usize,
}

impl Share {
    /// Takes so many bytes more; false, and nothing taken, when fewer are left.
    pub(super) fn grow(&mut self, bytes: usize) -> bool {
        let left = &self.budget.left;
        let mut seen = left.load(Ordering::Relaxed);
        while let Some(rest) = seen.checked_sub(bytes) {
            match left.compare_exchange_weak(seen, rest, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => {
                    self.bytes += bytes;
                    return true;
                }
                Err(other) => seen = other,
            }
        }
        false
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.budget.left.fetch_add(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::thread;

    use super::*;

    #[test]
    fn shares_are_given_back() {
        let budget = Budget::new(10);
        let mut first = budget.share();
        let mut second = budget.share();
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
    fn a_panic_gives_a_share_back() {
        let budget = Budget::new(10);
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            let mut share = budget.share();
            assert!(share.grow(10));
            panic!("marker");
        }));
        assert!(panicked.is_err());
        assert_eq!(budget.left(), 10);
    }

    #[test]
    fn no_more_is_taken_than_there_is_whoever_takes_it() {
        let budget = Budget::new(1_000);
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..1_000 {
                        let mut share = budget.share();
                        while share.grow(7) {
                            assert!(budget.left() <= 1_000 - 7);
                        }
                    }
                });
            }
        });
        assert_eq!(budget.left(), 1_000);
    }
}
