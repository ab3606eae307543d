//! Heads, loads and the list of ids.

use std::sync::Arc;

use convosync_domain::change_set::Erasure;
use convosync_domain::ports::{ConversationHead, Heads, MessageHead};
use convosync_domain::stored::StoredMessage;

use crate::Store;
use crate::fixtures::{
    conversation, conversation_id, dead_conversation, dead_message, erase, insert, insert_messages,
    message, revived_conversation, update,
};
use crate::owner::Owner;
use crate::support::{named, since};

fn head(message: &StoredMessage) -> MessageHead {
    MessageHead {
        key: message.id.key(),
        digest: message.digest,
        content_bytes: message.content_bytes(),
    }
}

/// Heads are of what is named and stored, tombstones included, and of nothing else; a conversation
/// may be named without messages.
pub async fn heads_are_of_what_is_named_and_stored(store: Arc<dyn Store>) {
    let ada = Owner::registered(&store, "ada").await;
    let tombstone = dead_message(3, 1, None);
    let messages = [message(1, 1), message(2, 1), tombstone.clone()];
    ada.commit([
        insert(conversation(1, 1), messages),
        insert(dead_conversation(2, 1), []),
        insert(conversation(3, 1), [message(1, 1)]),
        insert(conversation(4, 1), [message(1, 1)]),
    ])
    .await;
    let asked = vec![
        named(4, []),
        named(9, [1]),
        named(1, [7, 3, 1]),
        named(2, [1]),
    ];
    let conversations = vec![
        ConversationHead {
            conversation: conversation(1, 1),
            messages: vec![head(&message(1, 1)), head(&tombstone)],
        },
        ConversationHead {
            conversation: dead_conversation(2, 1),
            messages: Vec::new(),
        },
        ConversationHead {
            conversation: conversation(4, 1),
            messages: Vec::new(),
        },
    ];
    let expected = Heads {
        change_counter: 1,
        conversations,
    };
    assert_eq!(ada.heads(asked).await, expected);
    let nothing = Heads {
        change_counter: 1,
        conversations: Vec::new(),
    };
    assert_eq!(ada.heads(Vec::new()).await, nothing);
}

/// A load brings what is named and stored, tombstones included, each with its conversation.
pub async fn a_load_is_of_what_is_named_and_stored(store: Arc<dyn Store>) {
    let ada = Owner::registered(&store, "ada").await;
    let tombstone = dead_message(3, 1, None);
    ada.commit([
        insert(
            conversation(1, 1),
            [message(1, 1), message(2, 1), tombstone.clone()],
        ),
        insert(conversation(2, 1), [message(1, 2)]),
    ])
    .await;
    let asked = vec![named(9, [1]), named(2, [1, 2]), named(1, [3, 7, 1])];
    let mut loaded = store.load(ada.id, asked).await.unwrap();
    loaded.sort_by_key(|(conversation, message)| (*conversation, message.id.key()));
    let expected = [
        (conversation_id(1).key(), message(1, 1)),
        (conversation_id(1).key(), tombstone),
        (conversation_id(2).key(), message(1, 2)),
    ];
    assert_eq!(loaded, expected);
    assert_eq!(store.load(ada.id, Vec::new()).await.unwrap(), []);
    assert_eq!(store.load(ada.id, vec![named(1, [])]).await.unwrap(), []);
}

/// The ids of living conversations ascend as unsigned numbers, and follow deaths and revivals.
pub async fn living_ids_ascend_without_the_dead(store: Arc<dyn Store>) {
    let ada = Owner::registered(&store, "ada").await;
    let ids = [u128::MAX, 2, 1 << 127, 0xff, 0x100, (1 << 127) - 1, 0];
    ada.commit(ids.map(|id| insert(conversation(id, 1), [])))
        .await;
    ada.commit([insert(dead_conversation(7, 1), [])]).await;
    let mut ascending = Vec::from(ids);
    ascending.sort_unstable();
    assert_eq!(ada.living().await, ascending);

    ada.commit([erase(dead_conversation(2, 9), Erasure::Everything)])
        .await;
    ada.commit([update(revived_conversation(7, 1, 2), [])])
        .await;
    ascending.retain(|id| *id != 2);
    ascending.insert(1, 7);
    assert_eq!(ada.living().await, ascending);
}

/// The counter that comes with the ids and with a page is the visitor's own, whether or not a change
/// has touched what is read, and stays where nothing changes.
pub async fn ids_and_pages_tell_the_counter_of_their_read(store: Arc<dyn Store>) {
    let ada = Owner::registered(&store, "ada").await;
    let bob = Owner::registered(&store, "bob").await;
    bob.commit([insert(conversation(1, 1), [])]).await;
    let change_sets = [
        vec![insert(conversation(1, 1), [])],
        vec![insert_messages(1, [message(1, 1)])],
        vec![],
        vec![erase(dead_conversation(1, 9), Erasure::Everything)],
    ];
    for (changes, counter) in change_sets.into_iter().zip([1, 2, 2, 3]) {
        ada.commit(changes).await;
        let living = store.living_ids(ada.id).await.unwrap().unwrap();
        assert_eq!(living.change_counter, counter);
        assert_eq!(ada.page(None, 1).await.change_counter, counter);
        let drained = ada.page(since(counter), 1).await;
        assert_eq!(drained.change_counter, counter);
    }
    let of_bob = store.living_ids(bob.id).await.unwrap().unwrap();
    assert_eq!(of_bob.change_counter, 1);
}
