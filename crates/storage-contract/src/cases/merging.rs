//! An anonymous visitor becomes a part of another, and goes.

use std::sync::Arc;

use convosync_domain::archive::{ArchivedConversation, ArchivedVisitor};
use convosync_domain::change_set::{
    ChangeSet, ConversationChange, Erasure, VisitorRegistration, Write,
};
use convosync_domain::identity::{VisitorId, VisitorIdentity};
use convosync_domain::ports::{MergedVisitor, StoreError};
use convosync_domain::tombstone::{VisitorGone, VisitorTombstone};
use convosync_domain::usage::Quota;

use super::archive::{pages, visitors};
use super::gone::{assert_gone, gone_of, tombstones};
use super::usage::{assert_has, usage_of_rows};
use crate::Store;
use crate::fixtures::{
    at, change_set, conversation, erase, insert, insert_messages, message, registration,
    revived_conversation, visitor_id,
};
use crate::owner::Owner;
use crate::support::{join, shown, since};

/// Somebody anonymous, with two conversations in two changes.
async fn guest(store: &Arc<dyn Store>) -> Owner {
    let identity = VisitorIdentity::anonymous("guest").unwrap();
    let guest = Owner::with_id(store, VisitorId::from(&identity));
    let registration = VisitorRegistration {
        identity,
        registered_at: at(0),
    };
    store.register(registration).await.unwrap();
    guest
        .commit([insert(conversation(8, 1), [message(1, 1), message(2, 1)])])
        .await;
    guest.commit([insert(conversation(9, 1), [])]).await;
    guest
}

/// The visitor as it is at this change counter, to be merged.
fn merged(guest: &Owner, change_counter: u64) -> MergedVisitor {
    MergedVisitor {
        id: guest.id,
        change_counter,
        at: at(50),
    }
}

/// What another visitor gets of the guest.
fn of_guest() -> [ConversationChange; 2] {
    [
        insert(conversation(8, 1), [message(1, 1), message(2, 1)]),
        insert(conversation(9, 1), []),
    ]
}

/// Everything that the store holds.
async fn everything(
    store: &Arc<dyn Store>,
) -> (
    Vec<(ArchivedVisitor, Vec<ArchivedConversation>)>,
    Vec<VisitorTombstone>,
) {
    let mut all = Vec::new();
    for visitor in visitors(store).await {
        let items = pages(store, visitor.id, 100).await.concat();
        all.push((visitor, items));
    }
    (all, tombstones(store).await)
}

/// The change set is written as a post of the visitor who goes on, and the other is gone with everything.
pub async fn a_merge_writes_and_lets_go(store: Arc<dyn Store>) {
    let guest = guest(&store).await;
    let ada = Owner::registered(&store, "ada").await;
    ada.commit([insert(conversation(1, 1), [message(1, 1)])])
        .await;
    let mut edit = erase(revived_conversation(1, 1, 5), Erasure::Through(at(1)));
    edit.messages = vec![Write::Insert(message(3, 5))];
    let changes = ChangeSet {
        received_at: at(50),
        ..change_set(1, of_guest().into_iter().chain([edit]))
    };
    let counter = store.merge(ada.id, changes, merged(&guest, 2)).await;
    assert_eq!(counter.unwrap(), 2);

    assert_eq!(ada.counter().await, 2);
    assert_eq!(ada.living().await, [1, 8, 9]);
    ada.assert_holds(&conversation(8, 1), &[message(1, 1), message(2, 1)])
        .await;
    let page = ada.page(since(1), 100).await;
    assert_eq!(shown(&page), "1[(1),3] 8[1,2] 9[]");
    assert_has(
        &ada,
        &[
            revived_conversation(1, 1, 5),
            conversation(8, 1),
            conversation(9, 1),
        ],
        &[message(3, 5), message(1, 1), message(2, 1)],
    )
    .await;
    let summary = store.summarize(ada.id).await.unwrap().unwrap();
    assert_eq!(summary.last_changed_at, Some(at(50)));

    let gone = VisitorGone::Merged { into: ada.id };
    assert_gone(&guest, gone).await;
    let tombstone = VisitorTombstone {
        id: guest.id,
        gone,
        at: at(50),
    };
    assert_eq!(tombstones(&store).await, [tombstone]);
    assert_eq!(visitors(&store).await.len(), 1);
    ada.commit([insert_messages(9, [message(1, 1)])]).await;
}

/// Where the other visitor has everything already, only the one goes.
pub async fn a_merge_without_changes_lets_go(store: Arc<dyn Store>) {
    let guest = guest(&store).await;
    let ada = Owner::registered(&store, "ada").await;
    ada.commit(of_guest()).await;
    let before = store.summarize(ada.id).await.unwrap();
    let changes = ChangeSet {
        received_at: at(50),
        ..change_set(1, [])
    };
    let counter = store.merge(ada.id, changes, merged(&guest, 2)).await;
    assert_eq!(counter.unwrap(), 1);
    assert_eq!(store.summarize(ada.id).await.unwrap(), before);
    assert_gone(&guest, VisitorGone::Merged { into: ada.id }).await;
}

/// A merge may be the first that is heard of the visitor who goes on.
pub async fn a_merge_may_register_who_goes_on(store: Arc<dyn Store>) {
    let guest = guest(&store).await;
    let ada = Owner::new(&store, "ada");
    let changes = ChangeSet {
        registers: Some(registration("ada")),
        ..change_set(0, of_guest())
    };
    let counter = store.merge(ada.id, changes, merged(&guest, 2)).await;
    assert_eq!(counter.unwrap(), 1);
    assert_eq!(ada.living().await, [8, 9]);
    assert_gone(&guest, VisitorGone::Merged { into: ada.id }).await;
    let summary = store.summarize(ada.id).await.unwrap().unwrap();
    assert_eq!(summary.user_id.as_deref(), Some("ada"));
}

/// What was computed on another state of either visitor is not written, and nobody goes.
pub async fn a_merge_that_lost_a_race_changes_nothing(store: Arc<dyn Store>) {
    let guest = guest(&store).await;
    let ada = Owner::registered(&store, "ada").await;
    ada.commit([insert(conversation(1, 1), [])]).await;
    let nobody = Owner::new(&store, "nobody");
    let before = everything(&store).await;
    let registers = |name| Some(registration(name));
    for (into, target_at, registered, source, source_at) in [
        // The visitor who goes on has changed, is known already, or is not known at all.
        (&ada, 0, None, &guest, 2),
        (&ada, 2, None, &guest, 2),
        (&ada, 0, registers("ada"), &guest, 2),
        (&nobody, 0, None, &guest, 2),
        // The one who goes has changed, or is not known.
        (&ada, 1, None, &guest, 1),
        (&ada, 1, None, &guest, 3),
        (&ada, 1, None, &nobody, 0),
        (&nobody, 0, registers("nobody"), &guest, 1),
    ] {
        for conversations in [vec![], of_guest().to_vec()] {
            let changes = ChangeSet {
                registers: registered.clone(),
                ..change_set(target_at, conversations)
            };
            let answer = store.merge(into.id, changes, merged(source, source_at));
            let answer = answer.await;
            assert!(matches!(answer, Err(StoreError::Conflict)), "{answer:?}");
            assert_eq!(everything(&store).await, before);
        }
    }
}

/// What the visitor who goes on may not have is not written, and nobody goes.
pub async fn a_merge_beyond_the_quota_changes_nothing(store: Arc<dyn Store>) {
    let guest = guest(&store).await;
    let ada = Owner::registered(&store, "ada").await;
    ada.commit([insert(conversation(1, 1), [])]).await;
    let before = everything(&store).await;
    let within = |max_conversations| ChangeSet {
        quota: Quota {
            max_conversations: Some(max_conversations),
            max_content_bytes: None,
        },
        ..change_set(1, of_guest())
    };
    let refused = store.merge(ada.id, within(2), merged(&guest, 2)).await;
    assert!(
        matches!(refused, Err(StoreError::QuotaExceeded(_))),
        "{refused:?}"
    );
    assert_eq!(everything(&store).await, before);
    let done = store.merge(ada.id, within(3), merged(&guest, 2)).await;
    assert_eq!(done.unwrap(), 2);
}

/// Where one item cannot be written, nothing is, and nobody goes.
pub async fn a_merge_that_fails_changes_nothing(store: Arc<dyn Store>) {
    let guest = guest(&store).await;
    let ada = Owner::registered(&store, "ada").await;
    ada.commit([insert(conversation(9, 1), [])]).await;
    let before = everything(&store).await;
    let changes = change_set(1, of_guest());
    let failed = store.merge(ada.id, changes, merged(&guest, 2)).await;
    failed.unwrap_err();
    assert_eq!(everything(&store).await, before);
    store.check().await.unwrap();
}

/// Whoever is gone is neither merged nor merged into.
pub async fn nobody_is_merged_with_one_who_is_gone(store: Arc<dyn Store>) {
    let guest = guest(&store).await;
    let ada = Owner::registered(&store, "ada").await;
    let bob = Owner::registered(&store, "bob").await;
    store.erase(bob.id, at(50)).await.unwrap();
    let before = everything(&store).await;
    let registers = ChangeSet {
        registers: Some(registration("bob")),
        ..change_set(0, of_guest())
    };
    for changes in [change_set(0, of_guest()), registers] {
        let refused = store.merge(bob.id, changes, merged(&guest, 2)).await;
        assert_eq!(gone_of(refused), VisitorGone::Erased);
    }
    let refused = store
        .merge(ada.id, change_set(0, of_guest()), merged(&bob, 0))
        .await;
    assert_eq!(gone_of(refused), VisitorGone::Erased);
    assert_eq!(everything(&store).await, before);

    let done = store
        .merge(ada.id, change_set(0, of_guest()), merged(&guest, 2))
        .await;
    done.unwrap();
    let again = store
        .merge(ada.id, change_set(1, []), merged(&guest, 2))
        .await;
    assert_eq!(gone_of(again), VisitorGone::Merged { into: ada.id });
}

/// Of many who merge one visitor into different ones at the same moment, one does.
pub async fn a_visitor_is_merged_once_among_many(store: Arc<dyn Store>) {
    let guest = guest(&store).await;
    let tasks = (0..8).map(|number| {
        let (store, guest) = (Arc::clone(&store), guest.clone());
        tokio::spawn(async move {
            let name = format!("visitor {number}");
            let changes = ChangeSet {
                registers: Some(registration(&name)),
                ..change_set(0, of_guest())
            };
            let id = visitor_id(&name);
            (id, store.merge(id, changes, merged(&guest, 2)).await)
        })
    });
    let mut into = Vec::new();
    let mut refusals = Vec::new();
    for (id, answer) in join(tasks.collect()).await {
        match answer {
            Ok(_) => into.push(id),
            answer => refusals.push(gone_of(answer)),
        }
    }
    let [into] = into[..] else {
        panic!("one is merged into: {into:?}");
    };
    assert_eq!(refusals, [VisitorGone::Merged { into }; 7]);
    let known: Vec<_> = visitors(&store).await.iter().map(|it| it.id).collect();
    assert_eq!(known, [into]);
}

/// What is written while its visitor is merged is in what the other gets, or is refused.
pub async fn a_commit_beside_a_merge_is_merged_or_refused(store: Arc<dyn Store>) {
    let guest = guest(&store).await;
    let ada = Owner::registered(&store, "ada").await;
    let writers = (1..=4).map(|writer| {
        let guest = guest.clone();
        tokio::spawn(async move {
            let mut written = Vec::new();
            for number in writer * 1_000..writer * 1_000 + 30 {
                let counter = match guest.store.find(guest.id).await {
                    Ok(found) => found.unwrap().change_counter,
                    Err(_) => break,
                };
                let new = vec![insert(conversation(number, 1), [message(1, 1)])];
                match guest.commit_on(counter, new).await {
                    Ok(_) => written.push(number),
                    Err(StoreError::Conflict) => tokio::task::yield_now().await,
                    answer => {
                        gone_of(answer);
                        break;
                    }
                }
            }
            written
        })
    });
    let writers = writers.collect();
    while guest.counter().await < 10 {
        tokio::task::yield_now().await;
    }
    loop {
        let read_at = guest.counter().await;
        let all = pages(&store, guest.id, 1_000).await.concat();
        let changes = all.into_iter().map(|archived| {
            let messages = archived.messages.into_iter().map(|it| it.message);
            insert(archived.conversation, messages)
        });
        let changes = change_set(0, changes);
        match store.merge(ada.id, changes, merged(&guest, read_at)).await {
            Err(StoreError::Conflict) => tokio::task::yield_now().await,
            done => {
                done.unwrap();
                break;
            }
        }
    }
    let mut expected: Vec<u128> = join(writers).await.concat();
    expected.extend([8, 9]);
    expected.sort_unstable();
    assert_eq!(ada.living().await, expected);
    assert_eq!(ada.usage().await, usage_of_rows(&ada).await);
    assert_gone(&guest, VisitorGone::Merged { into: ada.id }).await;
}
