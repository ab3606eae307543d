//! Ids that are no UUIDs.

use std::sync::Arc;

use convosync_domain::change_set::Erasure;

use crate::Store;
use crate::fixtures::{
    OPAQUE, conversation, conversation_id, dead_conversation, dead_message, erase, insert,
    insert_messages, message, update, update_messages,
};
use crate::owner::Owner;
use crate::support::{conversation_number, named};

/// The numbers of ids that look alike: in case, in a space, and in how one letter is spelt.
const ALIKE: [u128; 5] = [OPAQUE, OPAQUE + 1, OPAQUE + 2, OPAQUE + 3, OPAQUE + 4];

/// Ids come back as they were given, whichever way one asks; ids that look alike are others, and so are the
/// ids of conversations and of messages.
pub async fn opaque_ids_come_back(store: Arc<dyn Store>) {
    let ada = Owner::registered(&store, "ada").await;
    let messages = ALIKE.map(|number| message(number, 1));
    ada.commit(ALIKE.map(|number| insert(conversation(number, 1), messages.clone())))
        .await;
    for number in ALIKE {
        let heads = ada.heads(vec![named(number, ALIKE)]).await;
        assert_eq!(heads.conversations.len(), 1);
        let mut of_this = messages.to_vec();
        of_this.sort_by_key(|message| message.id.key());
        ada.assert_holds(&conversation(number, 1), &of_this).await;
    }
}

/// An item that is written again and dies keeps its id, and so does one that is dead when it is first seen.
pub async fn an_opaque_id_stays_whatever_happens(store: Arc<dyn Store>) {
    let ada = Owner::registered(&store, "ada").await;
    ada.commit([
        insert(conversation(OPAQUE, 1), [message(OPAQUE, 1)]),
        insert(dead_conversation(OPAQUE + 1, 1), []),
    ])
    .await;
    ada.commit([update(conversation(OPAQUE, 2), [message(OPAQUE, 2)])])
        .await;
    ada.assert_holds(&conversation(OPAQUE, 2), &[message(OPAQUE, 2)])
        .await;
    ada.commit([update_messages(OPAQUE, [dead_message(OPAQUE, 2, 3)])])
        .await;
    ada.commit([insert_messages(OPAQUE, [message(OPAQUE + 1, 4)])])
        .await;
    let dead = dead_conversation(OPAQUE, 9);
    ada.commit([erase(dead.clone(), Erasure::Everything)]).await;
    assert_eq!(ada.conversation(OPAQUE).await, Some(dead));
    let left: Vec<_> = ada.messages(OPAQUE, ALIKE).await;
    assert_eq!(left.len(), 2);
    assert_eq!(ada.shown_pages(crate::support::since(0), 9).await.len(), 1);
}

/// The list has the UUIDs in ascending order, then the other ids in the order of their bytes.
pub async fn uuids_are_listed_before_other_ids(store: Arc<dyn Store>) {
    let ada = Owner::registered(&store, "ada").await;
    let numbers = [
        OPAQUE + 4,
        u128::MAX,
        OPAQUE + 1,
        OPAQUE,
        7,
        OPAQUE + 2,
        OPAQUE + 3,
    ];
    ada.commit(numbers.map(|number| insert(conversation(number, 1), [])))
        .await;
    let mut expected = numbers.map(conversation_id).to_vec();
    expected.sort_by_key(|id| (id.opaque().is_some(), id.to_string()));
    let expected: Vec<_> = expected.iter().map(conversation_number).collect();
    assert_eq!(ada.living().await, expected);
}
