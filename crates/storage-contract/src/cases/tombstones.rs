//! Tombstones of visitors are carried along with a store, so that nobody comes back by it.

use std::sync::Arc;

use convosync_domain::identity::VisitorId;
use convosync_domain::ports::Restoration;
use convosync_domain::tombstone::{VisitorGone, VisitorTombstone};

use super::archive::{carry, fill, other_store, pages, visitors};
use super::gone::{assert_gone, gone_of, tombstones};
use crate::Store;
use crate::fixtures::{at, registration, visitor_id};
use crate::owner::Owner;

fn tombstone(name: &str, gone: VisitorGone) -> VisitorTombstone {
    VisitorTombstone {
        id: visitor_id(name),
        gone,
        at: at(50),
    }
}

/// Whoever is gone in one store is gone in the store that it is carried to, since the same moment and for the same
/// reason.
pub async fn whoever_is_gone_is_gone_where_the_store_is_carried_to(store: Arc<dyn Store>) {
    let into = visitor_id("ada");
    let gone = [
        tombstone("bob", VisitorGone::Erased),
        tombstone("cyd", VisitorGone::Merged { into }),
    ];
    let first = other_store();
    for tombstone in gone {
        first.restore_tombstone(tombstone).await.unwrap();
    }
    carry(&first, &store, 10).await;
    let last = other_store();
    carry(&store, &last, 10).await;
    for store in [&store, &last] {
        assert_eq!(tombstones(store).await, tombstones(&first).await);
        for tombstone in gone {
            let owner = Owner::with_id(store, tombstone.id);
            assert_gone(&owner, tombstone.gone).await;
        }
        let again = store.register(registration("bob")).await;
        assert_eq!(gone_of(again), VisitorGone::Erased);
    }
}

/// A tombstone that is there already stays.
pub async fn a_tombstone_is_restored_once(store: Arc<dyn Store>) {
    let first = tombstone("ada", VisitorGone::Erased);
    let into = visitor_id("bob");
    let later = VisitorTombstone {
        at: at(60),
        gone: VisitorGone::Merged { into },
        ..first
    };
    for tombstone in [first, first, later] {
        let restored = store.restore_tombstone(tombstone).await.unwrap();
        assert_eq!(restored, Restoration::Stored);
        assert_eq!(tombstones(&store).await, [first]);
    }
    assert!(store.adopt_digest_seed(9).await.unwrap());
    assert_eq!(store.count_visitors().await.unwrap(), 0);
}

/// A tombstone takes nothing from one who lives here.
pub async fn nobody_dies_by_a_restored_tombstone(store: Arc<dyn Store>) {
    fill(&store).await;
    let before = visitors(&store).await;
    for name in ["ada", "empty"] {
        let tombstone = tombstone(name, VisitorGone::Erased);
        let restored = store.restore_tombstone(tombstone).await.unwrap();
        assert_eq!(restored, Restoration::OtherVisitor);
        assert!(store.find(tombstone.id).await.unwrap().is_some());
    }
    assert_eq!(visitors(&store).await, before);
    assert_eq!(tombstones(&store).await.len(), 1);
}

/// Nobody who is gone here lives again by being restored.
pub async fn nobody_who_is_gone_is_restored(store: Arc<dyn Store>) {
    let other = other_store();
    fill(&other).await;
    for visitor in visitors(&other).await {
        let owner = Owner::with_id(&store, visitor.id);
        let gone = VisitorTombstone {
            id: owner.id,
            gone: VisitorGone::Erased,
            at: at(50),
        };
        store.restore_tombstone(gone).await.unwrap();
        for items in [vec![], pages(&other, visitor.id, 1_000).await.concat()] {
            let restored = store.restore(visitor.clone(), items).await.unwrap();
            assert_eq!(restored, Restoration::OtherVisitor);
        }
        assert_gone(&owner, VisitorGone::Erased).await;
    }
    let known: Vec<VisitorId> = visitors(&store).await.iter().map(|it| it.id).collect();
    assert_eq!(known, []);
}

/// An archive need not tell when a visitor last changed: the store keeps what it knows.
pub async fn when_a_visitor_last_changed_may_be_untold(store: Arc<dyn Store>) {
    let other = other_store();
    fill(&other).await;
    for told in visitors(&other).await {
        let mut untold = told.clone();
        untold.last_changed_at = None;
        for visitor in [told.clone(), untold] {
            let restored = store.restore(visitor, Vec::new()).await.unwrap();
            assert_eq!(restored, Restoration::Stored);
        }
        let summary = store.summarize(told.id).await.unwrap().unwrap();
        assert_eq!(summary.last_changed_at, told.last_changed_at);
    }
}
