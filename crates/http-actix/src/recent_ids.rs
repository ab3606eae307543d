//! The lists of ids that were sent lately: most devices ask again before anything has changed.

use actix_web::web::Bytes;
use convosync_domain::identity::VisitorId;
use quick_cache::Weighter;
use quick_cache::sync::Cache;

/// What the lists may take together, in bytes: those of 400 visitors with 1,000 conversations each.
const BYTES_MAX: u64 = 16 << 20;
const VISITORS_EXPECTED: usize = 400;
/// What a list takes beside its text.
const OVERHEAD: u64 = 256;

/// The body of the list that each visitor was sent last, with the change counter that it is as of: where a
/// store is restored to an earlier moment, the servers before it have to be started again, as it is another
/// life of the store with counters that are given out again.
pub(crate) type RecentIds = Cache<VisitorId, (u64, Bytes), Size>;

pub(crate) fn recent_ids() -> RecentIds {
    Cache::with_weighter(VISITORS_EXPECTED, BYTES_MAX, Size)
}

/// The size of a list, in bytes.
#[derive(Clone)]
pub(crate) struct Size;

impl Weighter<VisitorId, (u64, Bytes)> for Size {
    fn weight(&self, _: &VisitorId, (_, body): &(u64, Bytes)) -> u64 {
        OVERHEAD + u64::try_from(body.len()).unwrap_or(BYTES_MAX)
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
    fn the_last_list_of_a_visitor_is_kept() {
        let recent = recent_ids();
        for (change_counter, body) in [(7, "one"), (8, "two")] {
            let list = (change_counter, Bytes::from_static(body.as_bytes()));
            recent.insert(visitor(1), list.clone());
            assert_eq!(recent.get(&visitor(1)), Some(list));
        }
        assert_eq!(recent.get(&visitor(2)), None);
    }

    #[test]
    fn the_lists_never_take_more_than_they_may() {
        let recent = recent_ids();
        for number in 0..1_000 {
            let body = Bytes::from(vec![0; 100_000]);
            for change_counter in [1, 2] {
                recent.insert(visitor(number), (change_counter, body.clone()));
                assert!(recent.weight() <= BYTES_MAX);
            }
        }
        assert!(
            recent.weight() > BYTES_MAX / 2,
            "they are kept while there is room"
        );
        recent.insert(visitor(1_000), (1, Bytes::from(vec![0; 20 << 20])));
        assert_eq!(recent.get(&visitor(1_000)), None, "longer than all may be");
        assert!(recent.weight() <= BYTES_MAX);
    }
}
