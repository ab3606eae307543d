//! How much a visitor has is counted with every write.

use std::sync::Arc;

use convosync_domain::change_set::{Erasure, Write};
use convosync_domain::stored::{StoredConversation, StoredMessage};
use convosync_domain::usage::Usage;

use super::archive::{fill, other_store, pages, visitors};
use super::reference::sync;
use crate::Store;
use crate::fixtures::{
    at, conversation, dead_conversation, dead_message, erase, insert, message,
    revived_conversation, update, update_messages, write_messages,
};
use crate::history::History;
use crate::owner::Owner;

/// What these items have together.
pub(super) fn usage(conversations: &[StoredConversation], messages: &[StoredMessage]) -> Usage {
    let living = conversations.iter().filter(|it| it.content.is_some());
    let of_conversations = conversations.iter().map(StoredConversation::content_bytes);
    let of_messages = messages.iter().map(StoredMessage::content_bytes);
    let content_bytes: usize = of_conversations.chain(of_messages).sum();
    Usage {
        conversations: living.count().try_into().unwrap(),
        content_bytes: content_bytes.try_into().unwrap(),
    }
}

/// What the rows of a visitor have together.
pub(super) async fn usage_of_rows(owner: &Owner) -> Usage {
    let (mut conversations, mut messages) = (Vec::new(), Vec::new());
    for archived in pages(&owner.store, owner.id, 1_000).await.concat() {
        conversations.push(archived.conversation);
        messages.extend(archived.messages.into_iter().map(|it| it.message));
    }
    usage(&conversations, &messages)
}

/// Asserts what a visitor has, by the counters and by the rows.
pub(super) async fn assert_has(
    owner: &Owner,
    conversations: &[StoredConversation],
    messages: &[StoredMessage],
) {
    let expected = usage(conversations, messages);
    assert_eq!(owner.usage().await, expected, "the counters");
    assert_eq!(usage_of_rows(owner).await, expected, "the rows");
}

/// A message of another length.
pub(super) fn long_message(number: u128, stamp: i64) -> StoredMessage {
    let mut long = message(number, stamp);
    long.content.as_mut().unwrap().fields.img = Some("x".repeat(1_000));
    long
}

/// Conversations and messages count with their content while they live: when they are new, edited, dead and
/// alive again. What is another visitor's does not count.
pub async fn a_visitor_has_what_lives(store: Arc<dyn Store>) {
    let ada = Owner::registered(&store, "ada").await;
    let bob = Owner::registered(&store, "bob").await;
    assert_has(&ada, &[], &[]).await;
    bob.commit([insert(conversation(1, 1), [message(1, 1)])])
        .await;
    let first = insert(conversation(1, 1), [message(1, 1), dead_message(2, 1, 1)]);
    ada.commit([first, insert(dead_conversation(2, 1), [])])
        .await;
    assert_has(&ada, &[conversation(1, 1)], &[message(1, 1)]).await;

    let mut bare = conversation(1, 2);
    bare.content = Some(Default::default());
    let edit = write_messages(1, [Write::Update(long_message(1, 2))]);
    ada.commit([update(bare.clone(), [])]).await;
    ada.commit([edit]).await;
    assert_has(&ada, &[bare.clone()], &[long_message(1, 2)]).await;

    let revived = [message(2, 3), long_message(3, 3)];
    let [second, third] = revived.clone();
    let changes = [Write::Update(second), Write::Insert(third)];
    ada.commit([
        write_messages(1, changes),
        update(revived_conversation(2, 1, 3), []),
    ])
    .await;
    let [second, third] = revived;
    let now = [bare.clone(), revived_conversation(2, 1, 3)];
    assert_has(&ada, &now, &[long_message(1, 2), second, third]).await;

    ada.commit([
        update_messages(1, [dead_message(1, 4, 4), dead_message(3, 4, 4)]),
        update(dead_conversation(2, 4), []),
    ])
    .await;
    assert_has(&ada, &[bare], &[message(2, 3)]).await;
    assert_has(&bob, &[conversation(1, 1)], &[message(1, 1)]).await;
}

/// An erasure takes messages that nobody names, and those that it does not reach stay counted.
pub async fn what_an_erasure_reaches_is_given_back(store: Arc<dyn Store>) {
    let ada = Owner::registered(&store, "ada").await;
    let messages = || {
        [
            message(1, 6),
            long_message(2, 7),
            message(3, 8),
            message(4, None),
            dead_message(5, 6, 5),
        ]
    };
    ada.commit([
        insert(conversation(1, 9), messages()),
        insert(conversation(2, 9), messages()),
    ])
    .await;
    let through = Erasure::Through(at(7));
    ada.commit([
        erase(revived_conversation(1, 7, 9), through),
        erase(dead_conversation(2, 9), Erasure::Everything),
    ])
    .await;
    assert_has(&ada, &[revived_conversation(1, 7, 9)], &[message(3, 8)]).await;
    ada.commit([erase(revived_conversation(1, 7, 10), through)])
        .await;
    assert_has(&ada, &[revived_conversation(1, 7, 10)], &[message(3, 8)]).await;
    ada.commit([erase(dead_conversation(1, 10), Erasure::Everything)])
        .await;
    assert_has(&ada, &[], &[]).await;
}

/// A message that is named and that the erasure of the same change reaches is given back once, and one that is
/// named and not reached is replaced.
pub async fn what_is_erased_and_written_again_counts_once(store: Arc<dyn Store>) {
    let ada = Owner::registered(&store, "ada").await;
    let messages = || {
        [
            long_message(1, 6),
            message(2, 6),
            message(3, None),
            message(4, 8),
            dead_message(5, 6, 5),
        ]
    };
    ada.commit([
        insert(conversation(1, 6), messages()),
        insert(conversation(2, 6), messages()),
    ])
    .await;
    let written = || [message(1, 9), long_message(3, 9), long_message(4, 9)];
    let again = |number, erasure| {
        let mut again = erase(revived_conversation(number, 7, 9), erasure);
        again.messages = written().map(Write::Update).into();
        again.messages.push(Write::Update(message(5, 9)));
        again.messages.push(Write::Insert(message(6, 9)));
        again
    };
    ada.commit([
        again(1, Erasure::Through(at(7))),
        again(2, Erasure::Everything),
    ])
    .await;
    let [first, third, fourth] = written();
    let of_one = [first, third, fourth, message(5, 9), message(6, 9)];
    let conversations = [1, 2].map(|number| revived_conversation(number, 7, 9));
    assert_has(&ada, &conversations, &[of_one.clone(), of_one].concat()).await;
}

/// After every post of generated histories the counters are what the rows have.
pub async fn the_usage_is_that_of_the_rows_after_every_post(store: Arc<dyn Store>) {
    for (name, seed) in [("ada", 0x05a6e), ("bob", 0xb0b), ("cyd", 0xc1d)] {
        let owner = Owner::registered(&store, name).await;
        let mut history = History::new(seed);
        let mut most = Usage::default();
        for round in 0..60 {
            sync(&owner, history.post()).await;
            let counted = owner.usage().await;
            assert_eq!(counted, usage_of_rows(&owner).await, "{name} {round}");
            most.conversations = most.conversations.max(counted.conversations);
        }
        assert!(most.conversations > 1, "{name} has had little");
    }
}

/// What is restored in pieces, some of them twice, counts once, and goes on from there.
pub async fn what_is_restored_counts_once(store: Arc<dyn Store>) {
    let other = other_store();
    fill(&other).await;
    store.adopt_digest_seed(7).await.unwrap();
    for round in 0..2 {
        for visitor in visitors(&other).await {
            store.restore(visitor.clone(), Vec::new()).await.unwrap();
            for page in pages(&other, visitor.id, 3 + 4 * round).await {
                store.restore(visitor.clone(), page).await.unwrap();
            }
            let restored = Owner::with_id(&store, visitor.id);
            let original = Owner::with_id(&other, visitor.id);
            assert_eq!(restored.usage().await, original.usage().await);
            assert_eq!(restored.usage().await, usage_of_rows(&restored).await);
        }
    }
    let mut history = History::new(0xbee);
    let ada = Owner::new(&store, "ada");
    for _ in 0..10 {
        sync(&ada, history.post()).await;
        assert_eq!(ada.usage().await, usage_of_rows(&ada).await);
    }
}
