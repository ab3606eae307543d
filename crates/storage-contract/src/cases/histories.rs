//! What items remember beside their content, and what is left of them when they die.

use std::sync::Arc;

use convosync_domain::posted::Digest;
use convosync_domain::stored::{ConversationHistory, MessageHistory};

use crate::Store;
use crate::fixtures::{
    at, conversation, dead_conversation, dead_message, insert, message, revived_conversation,
    update, update_messages,
};
use crate::owner::Owner;
use crate::support::since;

/// A conversation keeps each value of its history, and forgets those that it loses.
pub async fn the_history_of_a_conversation_comes_back(store: Arc<dyn Store>) {
    let ada = Owner::registered(&store, "ada").await;
    ada.commit([insert(conversation(1, 1), [])]).await;
    for [stamp, future_stamp, erased_through] in [
        [None, None, None],
        [Some(9), Some(7), Some(8)],
        [Some(-1), None, None],
        [None, Some(0), None],
        [
            Some(-62_135_596_800_000_000),
            Some(253_402_300_799_999_999),
            None,
        ],
    ] {
        let mut edited = conversation(1, 1);
        edited.history = ConversationHistory {
            stamp: stamp.map(at),
            future_stamp: future_stamp.map(at),
            erased_through: erased_through.map(at),
        };
        ada.commit([update(edited.clone(), [])]).await;
        ada.assert_holds(&edited, &[]).await;
    }
}

/// A message keeps each value of its history, and forgets those that it loses.
pub async fn the_history_of_a_message_comes_back(store: Arc<dyn Store>) {
    let ada = Owner::registered(&store, "ada").await;
    ada.commit([insert(conversation(1, 1), [message(1, 1)])])
        .await;
    for [stamp, own_stamp, future_stamp, deleted_at] in [
        [None, None, None, None],
        [Some(9), Some(8), Some(6), Some(7)],
        [Some(-1), None, None, None],
        [Some(3), Some(2), None, None],
        [None, None, Some(0), None],
        [
            Some(253_402_300_799_999_999),
            None,
            Some(-62_135_596_800_000_000),
            None,
        ],
    ] {
        let mut edited = message(1, 1);
        edited.history = MessageHistory {
            stamp: stamp.map(at),
            own_stamp: own_stamp.map(at),
            future_stamp: future_stamp.map(at),
            deleted_at: deleted_at.map(at),
        };
        ada.commit([update_messages(1, [edited.clone()])]).await;
        ada.assert_holds(&conversation(1, 1), &[edited]).await;
    }
}

/// A digest is kept, replaced and cleared with its message.
pub async fn a_digest_is_kept_and_cleared(store: Arc<dyn Store>) {
    let ada = Owner::registered(&store, "ada").await;
    ada.commit([insert(conversation(1, 1), [message(1, 1), message(2, 1)])])
        .await;
    for digest in [None, Some(Digest([0; 16])), None, Some(Digest([255; 16]))] {
        let mut edited = message(1, 1);
        edited.digest = digest;
        ada.commit([update_messages(1, [edited.clone()])]).await;
        ada.assert_holds(&conversation(1, 1), &[edited, message(2, 1)])
            .await;
    }
}

/// Items that are first seen with their deletion are stored as tombstones.
pub async fn items_can_be_dead_when_first_seen(store: Arc<dyn Store>) {
    let ada = Owner::registered(&store, "ada").await;
    let tombstone = dead_message(1, 2, None);
    ada.commit([
        insert(dead_conversation(1, 5), []),
        insert(conversation(2, 5), [tombstone.clone()]),
    ])
    .await;
    ada.assert_holds(&dead_conversation(1, 5), &[]).await;
    ada.assert_holds(&conversation(2, 5), &[tombstone]).await;
    assert_eq!(ada.shown_pages(since(0), 9).await, ["(1)[] 2[(1)]"]);
}

/// A conversation dies and loses its content, and lives again with what that post carries.
pub async fn a_conversation_dies_and_lives_again(store: Arc<dyn Store>) {
    let ada = Owner::registered(&store, "ada").await;
    ada.commit([insert(conversation(1, 1), [])]).await;
    ada.commit([update(dead_conversation(1, 5), [])]).await;
    ada.assert_holds(&dead_conversation(1, 5), &[]).await;
    let mut revived = revived_conversation(1, 5, 9);
    revived.content = Some(Default::default());
    ada.commit([update(revived.clone(), [])]).await;
    ada.assert_holds(&revived, &[]).await;
}

/// A message dies and loses its parts; when it lives again without them, none comes back.
pub async fn a_message_dies_and_lives_again_without_its_parts(store: Arc<dyn Store>) {
    let ada = Owner::registered(&store, "ada").await;
    ada.commit([insert(conversation(1, 1), [message(1, 1), message(2, 1)])])
        .await;
    let tombstone = dead_message(1, 5, 1);
    ada.commit([update_messages(1, [tombstone.clone()])]).await;
    ada.assert_holds(&conversation(1, 1), &[tombstone, message(2, 1)])
        .await;

    let mut revived = message(1, 9);
    revived.history.own_stamp = Some(at(9));
    revived.history.deleted_at = Some(at(5));
    revived.content = Some(Box::default());
    ada.commit([update_messages(1, [revived.clone()])]).await;
    ada.assert_holds(&conversation(1, 1), &[revived, message(2, 1)])
        .await;
}
