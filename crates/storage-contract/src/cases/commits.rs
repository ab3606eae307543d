//! A change set is written whole under one number, or not at all.
//!
//! `Write` says of every item whether it is stored. On the heads of its counter the merge is never
//! wrong about that; a store that finds it otherwise fails the change set, so that a defect shows as
//! a refused post and not as a success that has lost an item. Which error that is, is the store's.

use std::sync::Arc;

use convosync_domain::change_set::{ConversationChange, Erasure, Write};
use convosync_domain::ports::StoreError;

use crate::Store;
use crate::fixtures::{
    at, conversation, insert, insert_messages, message, update, update_messages, write_messages,
};
use crate::owner::Owner;
use crate::support::join;

/// The returned counter, the visitor's, that of the heads and that of the pages rise by one.
pub async fn commits_count_up(store: Arc<dyn Store>) {
    let ada = Owner::registered(&store, "ada").await;
    assert_eq!(ada.commit([insert(conversation(1, 1), [])]).await, 1);
    assert_eq!(ada.commit([update(conversation(1, 2), [])]).await, 2);
    assert_eq!(ada.commit([insert_messages(1, [message(1, 1)])]).await, 3);
    assert_eq!(ada.counter().await, 3);
    assert_eq!(ada.heads(Vec::new()).await.change_counter, 3);
    assert_eq!(ada.page(None, 1).await.change_counter, 3);
}

/// What changes nothing takes no number; computed on a counter that is gone, it conflicts too.
pub async fn an_empty_change_set_keeps_the_counter(store: Arc<dyn Store>) {
    let ada = Owner::registered(&store, "ada").await;
    assert_eq!(ada.commit([]).await, 0);
    ada.commit([insert(conversation(1, 1), [])]).await;
    assert_eq!(ada.commit([]).await, 1);
    assert_eq!(ada.counter().await, 1);
    let result = ada.commit_on(0, Vec::new()).await;
    assert!(matches!(result, Err(StoreError::Conflict)), "{result:?}");
}

/// All items of a change set get one number, and no others get it: neither a conversation whose
/// messages change nor the messages beside them.
pub async fn only_what_is_written_gets_the_number(store: Arc<dyn Store>) {
    let ada = Owner::registered(&store, "ada").await;
    let messages = || [message(1, 1), message(2, 1)];
    ada.commit([
        insert(conversation(1, 1), messages()),
        insert(conversation(2, 1), messages()),
    ])
    .await;
    assert_eq!(ada.numbered_above(0).await, "1[] 1[1] 1[2] 2[] 2[1] 2[2]");
    let edit = [Write::Update(message(2, 2)), Write::Insert(message(3, 2))];
    ada.commit([write_messages(1, edit), update(conversation(2, 2), [])])
        .await;
    assert_eq!(ada.numbered_above(1).await, "1[2] 1[3] 2[]");
    ada.commit([update(conversation(1, 3), [message(1, 3)])])
        .await;
    assert_eq!(ada.numbered_above(2).await, "1[] 1[1]");
    assert_eq!(ada.numbered_above(1).await, "2[] 1[] 1[2] 1[3] 1[1]");
    assert_eq!(ada.numbered_above(3).await, "");
}

/// Of two change sets that were computed on one counter, the second is a lost race: nothing of it
/// is stored. So is one that is ahead.
pub async fn a_lost_race_stores_nothing(store: Arc<dyn Store>) {
    let ada = owner_of_two_conversations(&store).await;
    for counter in [0, 2] {
        let changes = vec![
            insert(conversation(3, 5), [message(1, 5)]),
            update(conversation(1, 5), [message(1, 5)]),
        ];
        let result = ada.commit_on(counter, changes).await;
        assert!(
            matches!(result, Err(StoreError::Conflict)),
            "{counter}: {result:?}"
        );
    }
    assert_unchanged(&ada).await;
}

/// The heads that a change set was computed on may be gone, so a conversation that is stored by now
/// is no reason for anything but the conflict.
pub async fn a_lost_race_for_one_new_item_is_a_conflict(store: Arc<dyn Store>) {
    let ada = Owner::registered(&store, "ada").await;
    let changes = vec![insert(conversation(1, 1), [message(1, 1)])];
    assert_eq!(ada.commit_on(0, changes.clone()).await.unwrap(), 1);
    let result = ada.commit_on(0, changes).await;
    assert!(matches!(result, Err(StoreError::Conflict)), "{result:?}");
    ada.assert_holds(&conversation(1, 1), &[message(1, 1)])
        .await;
}

/// A new conversation that is stored fails its change set, and all that was written before it.
pub async fn inserting_a_stored_conversation_fails_whole(store: Arc<dyn Store>) {
    assert_rolled_back(&store, insert(conversation(2, 5), [])).await;
}

/// A new message that is stored fails its change set, and all that was written before it.
pub async fn inserting_a_stored_message_fails_whole(store: Arc<dyn Store>) {
    assert_rolled_back(&store, insert_messages(2, [message(3, 5), message(1, 5)])).await;
}

/// A stored conversation that is not there fails its change set.
pub async fn updating_an_absent_conversation_fails_whole(store: Arc<dyn Store>) {
    assert_rolled_back(&store, update(conversation(4, 5), [])).await;
}

/// A stored message that is not there fails its change set.
pub async fn updating_an_absent_message_fails_whole(store: Arc<dyn Store>) {
    assert_rolled_back(&store, update_messages(2, [message(1, 5), message(3, 5)])).await;
}

/// A message without its conversation fails its change set.
pub async fn a_message_of_an_absent_conversation_fails_whole(store: Arc<dyn Store>) {
    assert_rolled_back(&store, insert_messages(4, [message(1, 5)])).await;
}

/// Stores may write for several visitors in one transaction: a change set that fails takes no
/// other with it.
pub async fn a_failing_change_set_takes_no_other_with_it(store: Arc<dyn Store>) {
    let mut owners = Vec::new();
    for name in ["ada", "bob", "cyd", "dan"] {
        owners.push(Owner::registered(&store, name).await);
    }
    for round in 1..=25 {
        let tasks = owners
            .iter()
            .cloned()
            .zip([true, false].into_iter().cycle());
        let tasks = tasks.map(|(owner, fails)| {
            tokio::spawn(async move {
                let mut changes = vec![insert(conversation(round, 1), [message(1, 1)])];
                if fails {
                    changes.push(update(conversation(1_000, 1), []));
                    owner.commit_on(0, changes).await.unwrap_err();
                } else {
                    owner.commit(changes).await;
                }
            })
        });
        join(tasks.collect()).await;
    }
    for (owner, living) in owners.iter().zip([0, 25].into_iter().cycle()) {
        assert_eq!(owner.living().await.len(), living);
    }
}

async fn owner_of_two_conversations(store: &Arc<dyn Store>) -> Owner {
    let ada = Owner::registered(store, "ada").await;
    let first = insert(conversation(1, 1), [message(1, 1), message(2, 1)]);
    let second = insert(conversation(2, 1), [message(1, 1)]);
    ada.commit([first, second]).await;
    ada
}

/// Asserts that nothing has changed since, and that the store still takes a post.
async fn assert_unchanged(ada: &Owner) {
    assert_eq!(ada.counter().await, 1);
    assert_eq!(ada.living().await, [1, 2]);
    let messages = [message(1, 1), message(2, 1)];
    ada.assert_holds(&conversation(1, 1), &messages).await;
    ada.assert_holds(&conversation(2, 1), &[message(1, 1)])
        .await;
    assert_eq!(ada.numbered_above(0).await, "1[] 1[1] 1[2] 2[] 2[1]");
    let next = insert(conversation(9, 1), [message(1, 1)]);
    assert_eq!(ada.commit([next]).await, 2);
    ada.assert_holds(&conversation(9, 1), &[message(1, 1)])
        .await;
}

/// Asserts that a change set fails by its last change and leaves nothing behind of those before.
async fn assert_rolled_back(store: &Arc<dyn Store>, last: ConversationChange) {
    let ada = owner_of_two_conversations(store).await;
    let mut edit = update(conversation(1, 5), [message(1, 5)]);
    edit.erasure = Some(Erasure::Through(at(1)));
    edit.messages.push(Write::Insert(message(3, 5)));
    let changes = vec![insert(conversation(3, 5), [message(1, 5)]), edit, last];
    ada.commit_on(1, changes).await.unwrap_err();
    assert_unchanged(&ada).await;
}
