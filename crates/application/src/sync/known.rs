//! Who posts is mostly who has posted before.

use std::sync::atomic::{AtomicU64, Ordering};

use convosync_domain::identity::VisitorId;

/// As many as post within minutes on a busy server: 128 KiB.
const PLACES: u64 = 16_384;

/// Visitors who were found in the store lately. It is only a hint: whoever is asked for may have been
/// forgotten, may have left the store since or, once in 2^60 times, is somebody else.
#[derive(Debug)]
pub(super) struct KnownVisitors(Vec<AtomicU64>);

impl KnownVisitors {
    pub(super) fn new() -> Self {
        Self((0..PLACES).map(|_| AtomicU64::new(0)).collect())
    }

    pub(super) fn contains(&self, visitor: VisitorId) -> bool {
        let (place, mark) = self.place(visitor);
        place.is_some_and(|place| place.load(Ordering::Relaxed) == mark)
    }

    /// Notes a visitor in place of another one.
    pub(super) fn note(&self, visitor: VisitorId) {
        let (place, mark) = self.place(visitor);
        if let Some(place) = place {
            place.store(mark, Ordering::Relaxed);
        }
    }

    pub(super) fn forget(&self, visitor: VisitorId) {
        let (place, mark) = self.place(visitor);
        if let Some(place) = place {
            let _ = place.compare_exchange(mark, 0, Ordering::Relaxed, Ordering::Relaxed);
        }
    }

    /// Where the visitor is noted, and by what: never 0, as a UUID's version is in it.
    fn place(&self, visitor: VisitorId) -> (Option<&AtomicU64>, u64) {
        let (mark, hashed) = visitor.as_uuid().as_u64_pair();
        let index = usize::try_from(hashed % PLACES).ok();
        (index.and_then(|index| self.0.get(index)), mark)
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
    fn whoever_was_noted_is_known_until_forgotten() {
        let known = KnownVisitors::new();
        assert!(!known.contains(visitor(1)));
        known.note(visitor(1));
        known.note(visitor(2));
        assert!(known.contains(visitor(1)) && known.contains(visitor(2)));
        known.forget(visitor(1));
        known.forget(visitor(3));
        assert!(!known.contains(visitor(1)) && known.contains(visitor(2)));
    }

    #[test]
    fn nobody_is_taken_for_another_however_many_there_are() {
        let known = KnownVisitors::new();
        for number in 0..50_000 {
            known.note(visitor(number));
        }
        let still = |numbers: std::ops::Range<u32>| {
            numbers
                .filter(|number| known.contains(visitor(*number)))
                .count()
        };
        assert_eq!(still(50_000..100_000), 0);
        assert!(still(40_000..50_000) > 5_000, "the latest are known");
    }
}
