//! Every item belongs to one visitor, and every message to one conversation.

use std::sync::Arc;

use convosync_domain::change_set::Erasure;
use convosync_domain::ports::Heads;

use crate::Store;
use crate::fixtures::{
    at, conversation, dead_conversation, erase, insert, insert_messages, message,
    revived_conversation, update, update_messages,
};
use crate::owner::Owner;
use crate::support::{named, since};

/// Two visitors with the same ids neither see nor move anything of each other, whatever one does.
pub async fn visitors_with_the_same_ids_share_nothing(store: Arc<dyn Store>) {
    let ada = Owner::registered(&store, "ada").await;
    let bob = Owner::registered(&store, "bob").await;
    let adas = [message(1, 1), message(2, 1)];
    ada.commit([
        insert(conversation(1, 1), adas.clone()),
        insert(conversation(2, 1), []),
    ])
    .await;

    assert_eq!(bob.heads(vec![named(1, [1, 2])]).await, Heads::default());
    assert_eq!(bob.messages(1, [1, 2]).await, []);
    assert_eq!(bob.shown_pages(None, 9).await, [""]);
    bob.commit([insert(conversation(1, 3), [message(1, 3), message(2, 3)])])
        .await;
    bob.commit([update_messages(1, [message(1, 4)])]).await;
    bob.commit([insert_messages(1, [message(3, 3)])]).await;
    bob.assert_holds(
        &conversation(1, 3),
        &[message(1, 4), message(2, 3), message(3, 3)],
    )
    .await;
    bob.commit([erase(
        revived_conversation(1, 3, 4),
        Erasure::Through(at(3)),
    )])
    .await;
    bob.commit([erase(dead_conversation(1, 9), Erasure::Everything)])
        .await;
    assert_eq!(bob.counter().await, 5);
    assert_eq!(bob.living().await, []);

    assert_eq!(ada.counter().await, 1);
    assert_eq!(ada.living().await, [1, 2]);
    ada.assert_holds(&conversation(1, 1), &adas).await;
    assert_eq!(ada.messages(1, [3]).await, []);
    assert_eq!(ada.numbered_above(0).await, "1[] 1[1] 1[2] 2[]");
    assert_eq!(ada.shown_pages(since(1), 9).await, [""]);
}

/// A cloned chat keeps its message ids: its messages are others than those of the original.
pub async fn conversations_with_the_same_message_ids_share_nothing(store: Arc<dyn Store>) {
    let ada = Owner::registered(&store, "ada").await;
    let originals = [message(1, 1), message(2, 1)];
    ada.commit([insert(conversation(1, 1), originals.clone())])
        .await;
    ada.commit([insert(conversation(2, 3), [message(1, 3)])])
        .await;
    assert_eq!(ada.messages(2, [1, 2]).await, [message(1, 3)]);
    ada.commit([update_messages(2, [message(1, 4)])]).await;
    ada.commit([update(conversation(2, 5), [message(1, 5)])])
        .await;
    ada.assert_holds(&conversation(2, 5), &[message(1, 5)])
        .await;
    ada.commit([erase(dead_conversation(2, 9), Erasure::Everything)])
        .await;
    ada.assert_holds(&conversation(1, 1), &originals).await;
    assert_eq!(ada.numbered_above(0).await, "1[] 1[1] 1[2] (2)[]");
}
