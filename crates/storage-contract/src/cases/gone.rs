//! Whoever is erased is gone for good, and nobody else is touched.

use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use convosync_domain::change_set::ChangeSet;
use convosync_domain::identity::VisitorId;
use convosync_domain::ports::{Registration, StoreError};
use convosync_domain::tombstone::{VisitorGone, VisitorTombstone};

use super::archive::{fill, pages, visitors};
use crate::Store;
use crate::fixtures::{
    admit_all, at, change_set, conversation, conversation_id, dead_conversation, insert,
    insert_messages, message, page_request, registration, update_messages,
};
use crate::history::History;
use crate::owner::Owner;
use crate::support::{join, named, since};

/// Why somebody is gone, as an answer tells that must tell it.
pub(super) fn gone_of<T: Debug>(answer: Result<T, StoreError>) -> VisitorGone {
    match answer {
        Err(StoreError::VisitorGone(gone)) => gone,
        other => panic!("the visitor is gone, and the answer is {other:?}"),
    }
}

/// Asserts that every port tells why a visitor is gone, whatever it is asked.
pub(super) async fn assert_gone(owner: &Owner, expected: VisitorGone) {
    let (store, id) = (&owner.store, owner.id);
    let key = conversation_id(1).key();
    let asked = || vec![named(1, [1])];
    let answers = [
        gone_of(store.find(id).await),
        gone_of(store.summarize(id).await),
        gone_of(store.erase(id, at(99)).await),
        gone_of(store.heads(id, asked()).await),
        gone_of(store.heads(id, vec![named(1, 1..99)]).await),
        gone_of(store.load(id, asked()).await),
        gone_of(store.commit(id, change_set(0, [])).await),
        gone_of(store.commit(id, change_set(7, [])).await),
        gone_of(store.living_ids(id).await),
        gone_of(store.changes(id, page_request(None, 9), admit_all()).await),
        gone_of(
            store
                .list(id, super::reading::list(None, 9), admit_all())
                .await,
        ),
        gone_of(store.read(id, super::reading::of(1), admit_all()).await),
        gone_of(store.head(id, key).await),
        gone_of(store.items(id, None, 9).await),
    ];
    assert_eq!(answers, [expected; 14]);
}

/// The tombstones of the store, by id.
pub(super) async fn tombstones(store: &Arc<dyn Store>) -> Vec<VisitorTombstone> {
    store.tombstones(None, 100).await.unwrap()
}

/// Of an erased visitor only the fact is left, whoever asks.
pub async fn an_erased_visitor_is_gone_everywhere(store: Arc<dyn Store>) {
    let ada = Owner::registered(&store, "ada").await;
    ada.commit([
        insert(conversation(1, 1), [message(1, 1), message(2, 1)]),
        insert(dead_conversation(2, 1), []),
    ])
    .await;
    assert!(store.erase(ada.id, at(50)).await.unwrap());
    assert_gone(&ada, VisitorGone::Erased).await;
    let tombstone = VisitorTombstone {
        id: ada.id,
        gone: VisitorGone::Erased,
        at: at(50),
    };
    assert_eq!(tombstones(&store).await, [tombstone]);
    store.check().await.unwrap();
}

/// There is nothing to erase of somebody who is not known, and who may still come.
pub async fn an_unknown_visitor_is_not_erased(store: Arc<dyn Store>) {
    let ada = Owner::new(&store, "ada");
    assert!(!store.erase(ada.id, at(50)).await.unwrap());
    assert_eq!(tombstones(&store).await, []);
    assert_eq!(store.find(ada.id).await.unwrap(), None);
    let registered = store.register(registration("ada")).await.unwrap();
    assert_eq!(registered, Registration::Created);
}

/// Whoever is gone stays gone since the first time.
pub async fn a_visitor_is_erased_once(store: Arc<dyn Store>) {
    let ada = Owner::registered(&store, "ada").await;
    store.erase(ada.id, at(50)).await.unwrap();
    let again = store.erase(ada.id, at(60)).await;
    assert_eq!(gone_of(again), VisitorGone::Erased);
    assert_eq!(tombstones(&store).await[0].at, at(50));
}

/// Nobody comes back by registering, nor with a first post.
pub async fn an_erased_visitor_is_not_registered_again(store: Arc<dyn Store>) {
    let ada = Owner::registered(&store, "ada").await;
    store.erase(ada.id, at(50)).await.unwrap();
    let again = store.register(registration("ada")).await;
    assert_eq!(gone_of(again), VisitorGone::Erased);
    for conversations in [vec![], vec![insert(conversation(1, 1), [message(1, 1)])]] {
        let first_post = ChangeSet {
            registers: Some(registration("ada")),
            ..change_set(0, conversations)
        };
        let again = store.commit(ada.id, first_post).await;
        assert_eq!(gone_of(again), VisitorGone::Erased);
    }
    assert_gone(&ada, VisitorGone::Erased).await;
    assert_eq!(visitors(&store).await, []);
}

/// Another visitor with the same ids has everything that it had, whether it came before or after, and goes on.
pub async fn an_erasure_touches_nobody_else(store: Arc<dyn Store>) {
    let messages = || [message(1, 1), message(2, 1)];
    let mut owners = Vec::new();
    for name in ["ada", "bob", "cyd"] {
        let owner = Owner::registered(&store, name).await;
        owner.commit([insert(conversation(1, 1), messages())]).await;
        owners.push(owner);
    }
    for owner in &owners {
        owner.commit([insert_messages(1, [message(3, 1)])]).await;
    }
    let mut before = Vec::new();
    for owner in &owners {
        before.push(pages(&store, owner.id, 100).await);
    }
    // The newest rows of the store are among those that go.
    for gone in [1, 2] {
        store.erase(owners[gone].id, at(50)).await.unwrap();
    }
    let ada = &owners[0];
    assert_eq!(pages(&store, ada.id, 100).await, before[0]);
    ada.commit([
        update_messages(1, [message(3, 2)]),
        insert(conversation(2, 2), messages()),
    ])
    .await;
    let now = [message(1, 1), message(2, 1), message(3, 2)];
    ada.assert_holds(&conversation(1, 1), &now).await;
    ada.assert_holds(&conversation(2, 2), &messages()).await;
    let dan = Owner::registered(&store, "dan").await;
    dan.commit([insert(conversation(1, 1), messages())]).await;
    dan.assert_holds(&conversation(1, 1), &messages()).await;
    assert_gone(&owners[1], VisitorGone::Erased).await;
}

/// Of many who erase one visitor at the same moment, one does.
pub async fn a_visitor_is_erased_once_among_many(store: Arc<dyn Store>) {
    let ada = Owner::registered(&store, "ada").await;
    ada.commit([insert(conversation(1, 1), [message(1, 1)])])
        .await;
    let tasks = (0..8).map(|number| {
        let ada = ada.clone();
        tokio::spawn(async move { ada.store.erase(ada.id, at(number)).await })
    });
    let (mut erased, mut refused) = (0, 0);
    for answer in join(tasks.collect()).await {
        match answer {
            Ok(true) => erased += 1,
            answer => {
                assert_eq!(gone_of(answer), VisitorGone::Erased);
                refused += 1;
            }
        }
    }
    assert_eq!((erased, refused), (1, 7));
    assert_eq!(tombstones(&store).await.len(), 1);
}

/// What is written while its visitor is erased was there before and is gone, or is refused; it never stays.
pub async fn a_commit_beside_an_erasure_is_before_it_or_refused(store: Arc<dyn Store>) {
    for round in 0..10 {
        let ada = Owner::registered(&store, &format!("ada {round}")).await;
        let writers = (0..4).map(|writer| {
            let ada = ada.clone();
            tokio::spawn(async move {
                for number in 0.. {
                    let counter = match ada.store.find(ada.id).await {
                        Ok(found) => found.unwrap().change_counter,
                        answer => return gone_of(answer),
                    };
                    let new = insert(conversation(writer * 1_000 + number, 1), [message(1, 1)]);
                    match ada.commit_on(counter, vec![new]).await {
                        Ok(_) | Err(StoreError::Conflict) => tokio::task::yield_now().await,
                        answer => return gone_of(answer),
                    }
                }
                unreachable!("the visitor is gone before the numbers are")
            })
        });
        let writers = writers.collect();
        while ada.counter().await < round {
            tokio::task::yield_now().await;
        }
        assert!(store.erase(ada.id, at(50)).await.unwrap());
        for told in join(writers).await {
            assert_eq!(told, VisitorGone::Erased);
        }
        assert_gone(&ada, VisitorGone::Erased).await;
    }
    assert_eq!(visitors(&store).await, []);
}

/// Whoever reads while a visitor is erased sees all of it, or that it is gone.
pub async fn readers_beside_an_erasure_see_everything_or_nothing(store: Arc<dyn Store>) {
    let ada = Owner::registered(&store, "ada").await;
    let messages = || (0..50).map(|number| message(number, 1));
    ada.commit((0..10).map(|number| insert(conversation(number, 1), messages())))
        .await;
    let has_begun = Arc::new(AtomicBool::new(false));
    let readers = (0..3).map(|_| {
        let (ada, has_begun) = (ada.clone(), Arc::clone(&has_begun));
        tokio::spawn(async move {
            loop {
                let request = page_request(since(0), 1_000);
                match ada.store.changes(ada.id, request, admit_all()).await {
                    Ok(read) => {
                        let read = format!("{:?}", read.unwrap());
                        assert_eq!(read.matches("MessageFields {").count(), 500);
                        has_begun.store(true, Ordering::SeqCst);
                    }
                    answer => return gone_of(answer),
                }
            }
        })
    });
    let readers = readers.collect();
    while !has_begun.load(Ordering::SeqCst) {
        tokio::task::yield_now().await;
    }
    store.erase(ada.id, at(50)).await.unwrap();
    join(readers).await;
}

/// Tombstones are listed by id, page by page.
pub async fn tombstones_are_listed_by_id(store: Arc<dyn Store>) {
    let mut expected = Vec::new();
    for number in 0..5 {
        let owner = Owner::registered(&store, &format!("visitor {number}")).await;
        store.erase(owner.id, at(50 + number)).await.unwrap();
        expected.push(VisitorTombstone {
            id: owner.id,
            gone: VisitorGone::Erased,
            at: at(50 + number),
        });
    }
    Owner::registered(&store, "ada").await;
    expected.sort_by_key(|tombstone| tombstone.id);
    for limit in [1, 2, 5, 6] {
        let mut listed: Vec<VisitorTombstone> = Vec::new();
        loop {
            let after: Option<VisitorId> = listed.last().map(|tombstone| tombstone.id);
            let page = store.tombstones(after, limit).await.unwrap();
            assert!(page.len() <= limit);
            if page.is_empty() {
                break;
            }
            listed.extend(page);
        }
        assert_eq!(listed, expected, "{limit} at once");
    }
}

/// Nothing of an erased visitor is carried away but its tombstone.
pub async fn an_erased_visitor_is_in_no_archive(store: Arc<dyn Store>) {
    fill(&store).await;
    let before = visitors(&store).await;
    let (gone, staying) = before.split_first().unwrap();
    assert!(store.erase(gone.id, at(50)).await.unwrap());
    assert_eq!(visitors(&store).await, staying);
    assert_eq!(store.count_visitors().await.unwrap(), 2);
    assert_eq!(tombstones(&store).await.len(), 2);
    gone_of(store.items(gone.id, None, 9).await);
    // It is passed over, not stopped at.
    let after = store.visitors(Some(gone.id), 9).await.unwrap();
    assert_eq!(after, staying);
    let mut history = History::new(0xe7a5);
    for visitor in staying.iter().filter(|it| it.change_counter > 0) {
        let owner = Owner::with_id(&store, visitor.id);
        super::reference::sync(&owner, history.post()).await;
    }
}
