//! Many writers and readers at once.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::Store;
use crate::fixtures::{
    conversation, conversation_id, dead_message, insert, insert_messages, message, update,
    update_messages,
};
use crate::owner::Owner;
use crate::support::{join, message_numbers, named, since};

const TASKS: u128 = 8;
const COMMITS: u128 = 25;

/// Writers of one visitor, each of whom tries again after a lost race: every change set is in, each
/// under a number of its own, and that is the number that its writer was told.
pub async fn writers_of_one_visitor_all_get_through(store: Arc<dyn Store>) {
    let ada = Owner::registered(&store, "ada").await;
    ada.commit([insert(conversation(1, 1), [])]).await;
    let tasks = (0..TASKS).map(|task| {
        let ada = ada.clone();
        tokio::spawn(async move {
            let mut written = Vec::new();
            for number in task * COMMITS..(task + 1) * COMMITS {
                let change = insert_messages(1, [message(number, 1)]);
                written.push((ada.commit_amid_others(vec![change]).await, number));
            }
            written
        })
    });
    let mut written = join(tasks.collect()).await.concat();
    written.sort_unstable();
    let (numbers, messages): (Vec<_>, Vec<_>) = written.into_iter().unzip();
    assert_eq!(numbers, (2..202).collect::<Vec<_>>());
    assert_eq!(ada.counter().await, 201);
    assert_eq!(message_numbers(&ada.pages(since(1), 7).await), messages);
}

/// Writers of different visitors do not disturb each other: nobody loses a race.
pub async fn writers_of_different_visitors_meet_no_conflict(store: Arc<dyn Store>) {
    let tasks = (0..TASKS).map(|task| {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            let owner = Owner::registered(&store, &format!("visitor {task}")).await;
            owner.commit([insert(conversation(1, 1), [])]).await;
            for number in 0..COMMITS {
                owner
                    .commit([insert_messages(1, [message(number, 1)])])
                    .await;
            }
            owner
        })
    });
    for owner in join(tasks.collect()).await {
        assert_eq!(owner.counter().await, 26);
        assert_eq!(owner.messages(1, 0..COMMITS).await.len(), 25);
    }
}

/// A device that only pulls, page by page while others write, has everything in the end: no number
/// is ever seen before a lower one.
pub async fn a_puller_beside_writers_misses_nothing(store: Arc<dyn Store>) {
    let ada = Owner::registered(&store, "ada").await;
    ada.commit((0..3).map(|number| insert(conversation(number, 1), [message(1_000, 1)])))
        .await;
    let done = Arc::new(AtomicBool::new(false));
    let puller = tokio::spawn({
        let (ada, done) = (ada.clone(), Arc::clone(&done));
        async move {
            let mut replica = BTreeMap::new();
            let mut position = None;
            loop {
                // Asked first: what was written before that must be in the pages after it.
                let is_last = done.load(Ordering::SeqCst);
                let page = ada.page(position, 3).await;
                position = Some(page.next);
                let has_more = page.has_more;
                for changed in page.conversations {
                    let key = changed.conversation.id.key();
                    replica.extend(
                        changed
                            .messages
                            .into_iter()
                            .map(|it| ((key, it.id.key()), it)),
                    );
                }
                if is_last && !has_more {
                    return replica;
                }
                tokio::task::yield_now().await;
            }
        }
    });
    let tasks = (0..4).map(|task| {
        let ada = ada.clone();
        tokio::spawn(async move {
            for number in task * COMMITS..(task + 1) * COMMITS {
                let conversation = number % 3;
                let stamp = i64::try_from(number).unwrap();
                let new = insert_messages(conversation, [message(number, 1)]);
                ada.commit_amid_others(vec![new]).await;
                let shared = if number % 2 == 0 {
                    message(1_000, stamp)
                } else {
                    dead_message(1_000, stamp, 1)
                };
                ada.commit_amid_others(vec![update_messages(conversation, [shared])])
                    .await;
            }
        })
    });
    join(tasks.collect()).await;
    done.store(true, Ordering::SeqCst);
    let replica = puller.await.unwrap();
    for conversation in 0..3 {
        let stored = ada.messages(conversation, (0..100).chain([1_000])).await;
        assert_eq!(stored.len(), if conversation == 0 { 35 } else { 34 });
        for message in stored {
            let pulled = replica.get(&(conversation_id(conversation).key(), message.id.key()));
            assert_eq!(pulled, Some(&message), "conversation {conversation}");
        }
    }
}

/// Heads and pages are read at one moment: with two conversations that always change together, no
/// reader sees one of them changed without the other, or another counter than theirs.
pub async fn readers_see_one_moment(store: Arc<dyn Store>) {
    let ada = Owner::registered(&store, "ada").await;
    ada.commit([1, 2].map(|number| insert(conversation(number, 1), [message(1, 1)])))
        .await;
    let done = Arc::new(AtomicBool::new(false));
    let readers = (0..2).map(|_| {
        let (ada, done) = (ada.clone(), Arc::clone(&done));
        tokio::spawn(async move {
            while !done.load(Ordering::SeqCst) {
                let heads = ada.heads(vec![named(1, [1]), named(2, [1])]).await;
                let stamp = i64::try_from(heads.change_counter).unwrap();
                assert_eq!(heads.conversations.len(), 2);
                for (number, head) in (1..).zip(heads.conversations) {
                    assert_eq!(head.conversation, conversation(number, stamp));
                }
                let page = ada.page(since(0), 9).await;
                let stamp = i64::try_from(page.change_counter).unwrap();
                assert_eq!(page.conversations.len(), 2);
                for (number, changed) in (1..).zip(page.conversations) {
                    assert_eq!(changed.conversation, conversation(number, stamp));
                    assert_eq!(changed.messages, [message(1, stamp)]);
                }
                tokio::task::yield_now().await;
            }
        })
    });
    let readers = readers.collect();
    for stamp in 2..=100 {
        ada.commit([1, 2].map(|number| update(conversation(number, stamp), [message(1, stamp)])))
            .await;
    }
    done.store(true, Ordering::SeqCst);
    join(readers).await;
}

/// The ids and their counter are read at one moment: where every change adds a conversation, there
/// are as many ids as changes.
pub async fn ids_are_read_with_their_counter(store: Arc<dyn Store>) {
    let ada = Owner::registered(&store, "ada").await;
    let done = Arc::new(AtomicBool::new(false));
    let readers = (0..2).map(|_| {
        let (ada, done) = (ada.clone(), Arc::clone(&done));
        tokio::spawn(async move {
            while !done.load(Ordering::SeqCst) {
                let living = ada.store.living_ids(ada.id).await.unwrap().unwrap();
                let ids = u64::try_from(living.ids.len()).unwrap();
                assert_eq!(ids, living.change_counter);
                tokio::task::yield_now().await;
            }
        })
    });
    let readers = readers.collect();
    for number in 0..100 {
        ada.commit([insert(conversation(number, 1), [])]).await;
    }
    done.store(true, Ordering::SeqCst);
    join(readers).await;
}

/// Whoever waits for a commit may go away: it is written whole then, or not at all, and the store
/// goes on.
pub async fn an_abandoned_commit_is_whole_or_nothing(store: Arc<dyn Store>) {
    let ada = Owner::registered(&store, "ada").await;
    for number in 1..=COMMITS {
        let writer = ada.clone();
        let task = tokio::spawn(async move {
            let change = insert(conversation(number, 1), [message(1, 1), message(2, 1)]);
            writer.commit_amid_others(vec![change]).await
        });
        for _ in 0..number % 5 {
            tokio::task::yield_now().await;
        }
        task.abort();
    }
    let last = insert(conversation(0, 1), [message(1, 1), message(2, 1)]);
    let counter = ada.commit_amid_others(vec![last]).await;
    let page = ada.page(None, 1_000).await;
    assert_eq!(page.change_counter, counter);
    assert_eq!(u64::try_from(page.conversations.len()).unwrap(), counter);
    for changed in &page.conversations {
        assert_eq!(changed.messages, [message(1, 1), message(2, 1)]);
    }
}
