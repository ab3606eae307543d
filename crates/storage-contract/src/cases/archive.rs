//! Everything in a store can be carried to another one, where it reads as before.

use std::sync::Arc;

use convosync_domain::archive::{ArchivedConversation, ArchivedVisitor};
use convosync_domain::identity::VisitorId;
use convosync_domain::ports::{Restoration, StoreIdentity};
use uuid::Uuid;

use super::gone::tombstones;
use super::reference::{compare, sync};
use crate::fixtures::{at, registration, visitor_id};
use crate::history::History;
use crate::owner::Owner;
use crate::{MemoryStore, Store};

const NAMES: [&str; 2] = ["ada", "bob"];

pub(super) fn other_store() -> Arc<dyn Store> {
    Arc::new(MemoryStore::new(StoreIdentity {
        epoch: Uuid::from_u128(7),
        digest_seed: 7,
    }))
}

/// Gives two visitors posts, deletions and revivals among them; a third has nothing, and a fourth is gone.
pub(super) async fn fill(store: &Arc<dyn Store>) {
    let mut history = History::new(0xa11);
    for name in NAMES {
        let owner = Owner::registered(store, name).await;
        for _ in 0..60 {
            sync(&owner, history.post()).await;
        }
    }
    store.register(registration("empty")).await.unwrap();
    let gone = Owner::registered(store, "gone").await;
    store.erase(gone.id, at(50)).await.unwrap();
}

pub(super) async fn visitors(store: &Arc<dyn Store>) -> Vec<ArchivedVisitor> {
    store.visitors(None, 100).await.unwrap()
}

/// The items of a visitor in pages of so many.
pub(super) async fn pages(
    store: &Arc<dyn Store>,
    visitor: VisitorId,
    limit: usize,
) -> Vec<Vec<ArchivedConversation>> {
    let mut pages = Vec::new();
    let mut after = None;
    loop {
        let page = store.items(visitor, after, limit).await.unwrap();
        let Some(last) = page.last() else {
            return pages;
        };
        after = Some(last.place());
        pages.push(page);
    }
}

pub(super) async fn carry(from: &Arc<dyn Store>, to: &Arc<dyn Store>, limit: usize) {
    let seed = from.identity().digest_seed;
    assert!(to.adopt_digest_seed(seed).await.unwrap());
    for tombstone in tombstones(from).await {
        let restored = to.restore_tombstone(tombstone).await.unwrap();
        assert_eq!(restored, Restoration::Stored);
    }
    for visitor in visitors(from).await {
        let restored = to.restore(visitor.clone(), Vec::new()).await.unwrap();
        assert_eq!(restored, Restoration::Stored);
        for page in pages(from, visitor.id, limit).await {
            let restored = to.restore(visitor.clone(), page).await.unwrap();
            assert_eq!(restored, Restoration::Stored);
        }
    }
}

async fn assert_reads_as(store: &Arc<dyn Store>, expected: &Arc<dyn Store>) {
    assert_eq!(visitors(store).await, visitors(expected).await);
    assert_eq!(tombstones(store).await, tombstones(expected).await);
    for name in NAMES {
        let (owner, of_expected) = (Owner::new(store, name), Owner::new(expected, name));
        let counter = of_expected.counter().await;
        assert_eq!(owner.counter().await, counter);
        compare(&owner, &of_expected, counter / 2).await;
    }
    for visitor in visitors(store).await {
        let all = pages(store, visitor.id, 1_000).await;
        assert_eq!(all, pages(expected, visitor.id, 1_000).await);
    }
}

/// Carried to another store, everything reads as before: the numbers, histories and digests, and
/// what is dead.
pub async fn what_is_carried_away_reads_as_before(store: Arc<dyn Store>) {
    fill(&store).await;
    let other = other_store();
    carry(&store, &other, 5).await;
    assert_reads_as(&other, &store).await;
}

/// So does what is carried to the store, in pieces, and posts go on where they were.
pub async fn what_is_restored_reads_as_before(store: Arc<dyn Store>) {
    let other = other_store();
    fill(&other).await;
    carry(&other, &store, 3).await;
    assert_reads_as(&store, &other).await;
    let mut history = History::new(0xbee);
    for name in NAMES {
        let (owner, of_other) = (Owner::new(&store, name), Owner::new(&other, name));
        for _ in 0..10 {
            let posted = history.post();
            let counter = sync(&of_other, posted.clone()).await;
            assert_eq!(sync(&owner, posted).await, counter);
        }
    }
    assert_reads_as(&store, &other).await;
}

/// A page holds as many items as its limit says, a conversation that goes on comes again, and the
/// pages together are everything.
pub async fn pages_of_an_archive_end_where_the_limit_says(store: Arc<dyn Store>) {
    fill(&store).await;
    assert_eq!(store.count_visitors().await.unwrap(), 3);
    let all = visitors(&store).await;
    assert_eq!(all.len(), 3);
    let mut one_by_one = Vec::new();
    while let [visitor] = &*store
        .visitors(one_by_one.last().map(|it: &ArchivedVisitor| it.id), 1)
        .await
        .unwrap()
    {
        one_by_one.push(visitor.clone());
    }
    assert_eq!(one_by_one, all);

    for visitor in &all {
        let whole = pages(&store, visitor.id, 1_000).await.concat();
        for limit in [1, 2, 7] {
            let mut put_together: Vec<ArchivedConversation> = Vec::new();
            for page in pages(&store, visitor.id, limit).await {
                let mut items = 0;
                for piece in page {
                    items += piece.messages.len();
                    match put_together.last_mut() {
                        Some(begun) if begun.conversation == piece.conversation => {
                            begun.messages.extend(piece.messages);
                        }
                        _ => {
                            items += 1;
                            put_together.push(piece);
                        }
                    }
                }
                assert!(items <= limit, "{items} items in a page of {limit}");
            }
            assert_eq!(put_together, whole);
        }
    }
    let nobody = store.items(visitor_id("nobody"), None, 10).await.unwrap();
    assert!(nobody.is_empty());
}

/// What was restored by half is restored whole by doing it again, and then nothing changes.
pub async fn restoring_again_completes_what_is_there(store: Arc<dyn Store>) {
    let other = other_store();
    fill(&other).await;
    let all = visitors(&other).await;
    let ada = all.into_iter().find(|it| it.id == visitor_id("ada"));
    let ada = ada.unwrap();
    let begun = pages(&other, ada.id, 4).await.remove(0);
    store.adopt_digest_seed(7).await.unwrap();
    store.restore(ada, begun).await.unwrap();
    for _ in 0..2 {
        carry(&other, &store, 1_000).await;
        assert_reads_as(&store, &other).await;
    }
}

/// Another life of the store has everything that the one before had.
pub async fn a_new_life_keeps_everything(store: Arc<dyn Store>) {
    let other = other_store();
    fill(&other).await;
    carry(&other, &store, 1_000).await;
    store.renew_epoch().await.unwrap();
    assert_reads_as(&store, &other).await;
}

/// A visitor who has a life of its own in the store keeps it.
pub async fn a_visitor_with_another_life_is_not_restored(store: Arc<dyn Store>) {
    let other = other_store();
    fill(&other).await;
    let ada = Owner::registered(&store, "ada").await;
    let of_other = Owner::new(&other, "ada");
    let all = visitors(&other).await;
    let archived = all.into_iter().find(|it| it.id == of_other.id).unwrap();
    let items = pages(&other, archived.id, 1_000).await.concat();
    let restored = store.restore(archived, items).await.unwrap();
    assert_eq!(restored, Restoration::OtherVisitor);
    assert_eq!(ada.counter().await, 0);
    assert!(ada.living().await.is_empty());
}

/// The digests that are carried along are worth something only with their seed.
pub async fn a_digest_seed_is_adopted_before_there_are_visitors(store: Arc<dyn Store>) {
    assert!(store.adopt_digest_seed(1).await.unwrap());
    assert!(store.adopt_digest_seed(u64::MAX).await.unwrap());
    store.register(registration("ada")).await.unwrap();
    assert!(store.adopt_digest_seed(u64::MAX).await.unwrap());
    assert!(!store.adopt_digest_seed(1).await.unwrap());
}
