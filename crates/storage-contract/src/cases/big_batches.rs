//! More of everything than a database takes in one statement.

use std::sync::Arc;

use convosync_domain::change_set::Erasure;
use convosync_domain::stored::StoredMessage;

use crate::Store;
use crate::fixtures::{
    conversation, conversation_id, dead_conversation, erase, erased, insert, message, message_id,
    update,
};
use crate::owner::Owner;
use crate::support::{message_numbers, named};

/// Ten thousand messages are one change set, to write, to replace and to erase.
pub async fn ten_thousand_messages_are_one_change(store: Arc<dyn Store>) {
    const MANY: u128 = 10_000;
    let ada = Owner::registered(&store, "ada").await;
    let all = |stamp| (1..=MANY).map(move |number| small(number, stamp));
    assert_eq!(ada.commit([insert(conversation(1, 1), all(1))]).await, 1);
    let heads = ada.heads(vec![named(1, 1..=MANY)]).await;
    assert_eq!(heads.conversations[0].messages.len(), 10_000);

    assert_eq!(ada.commit([update(conversation(1, 2), all(2))]).await, 2);
    let loaded = ada.messages(1, 1..=MANY).await;
    assert!(loaded.into_iter().eq(all(2)), "all are replaced");
    let pages = ada.pages(None, 1_000).await;
    assert_eq!(pages.len(), 11);
    assert!(
        message_numbers(&pages).into_iter().eq(1..=MANY),
        "all are pulled"
    );

    let everything = Erasure::Everything;
    assert_eq!(
        ada.commit([erase(dead_conversation(1, 9), everything)])
            .await,
        3
    );
    let loaded = ada.messages(1, 1..=MANY).await;
    let tombstones = all(2).map(|message| erased(&message, everything));
    assert!(loaded.into_iter().eq(tombstones), "all are erased");
}

/// A thousand conversations with messages are one change set, to write, to replace and to erase.
pub async fn a_thousand_conversations_are_one_change(store: Arc<dyn Store>) {
    const MANY: u128 = 1_000;
    let ada = Owner::registered(&store, "ada").await;
    let messages = |stamp| [1, 2].map(|number| small(number, stamp));
    ada.commit((1..=MANY).map(|id| insert(conversation(id, 1), messages(1))))
        .await;
    assert_eq!(ada.living().await.len(), 1_000);

    ada.commit((1..=MANY).map(|id| update(conversation(id, 2), messages(2))))
        .await;
    let page = ada.page(None, 3_000).await;
    assert!(!page.has_more);
    assert_eq!(page.conversations.len(), 1_000);
    for (id, changed) in (1..).zip(page.conversations) {
        assert_eq!(changed.conversation, conversation(id, 2));
        assert_eq!(changed.messages, messages(2));
    }

    let dead = |id| erase(dead_conversation(id, 9), Erasure::Everything);
    assert_eq!(ada.commit((1..=MANY).map(dead)).await, 3);
    assert_eq!(ada.living().await, []);
    let named = (1..=MANY).map(|id| named(id, [1, 2])).collect();
    let loaded = store.load(ada.id, named).await.unwrap();
    assert_eq!(loaded.len(), 2_000);
    assert!(loaded.iter().all(|(_, message)| message.content.is_none()));
}

/// Ten thousand conversations, as many as a post may name, are one question.
pub async fn ten_thousand_conversations_are_one_question(store: Arc<dyn Store>) {
    const MANY: u128 = 10_000;
    let ada = Owner::registered(&store, "ada").await;
    ada.commit((1..=MANY).map(|id| insert(conversation(id, 1), [small(7, 1)])))
        .await;
    let everything = (1..=MANY).map(|id| named(id, [6, 7])).collect();
    let heads = ada.heads(everything).await;
    assert_eq!(heads.conversations.len(), 10_000);
    for (id, head) in (1..).zip(heads.conversations) {
        assert_eq!(head.conversation.id, conversation_id(id));
        let messages: Vec<_> = head.messages.iter().map(|head| head.key).collect();
        assert_eq!(messages, [message_id(7).key()]);
    }
}

/// Texts that are long together are one change set, to write and to replace.
pub async fn long_texts_are_one_change(store: Arc<dyn Store>) {
    let ada = Owner::registered(&store, "ada").await;
    let long = |stamp: i64| {
        (1..=5).map(move |number| {
            let mut long = small(number, stamp);
            if let Some(content) = &mut long.content {
                content.fields.img = Some(stamp.to_string().repeat(7 << 20));
            }
            long
        })
    };
    ada.commit([insert(conversation(1, 1), long(1))]).await;
    ada.commit([update(conversation(1, 2), long(2))]).await;
    assert!(ada.messages(1, 1..=5).await.into_iter().eq(long(2)));
}

/// A post may name more items than any statement takes parameters, which is up to 65,535.
pub async fn many_names_are_one_question(store: Arc<dyn Store>) {
    const MANY: u128 = 65_537;
    let ada = Owner::registered(&store, "ada").await;
    let messages = [message(1, 1), message(MANY, 1)];
    let last = insert(conversation(MANY, 1), []);
    ada.commit([insert(conversation(1, 1), messages.clone()), last])
        .await;

    let conversations = (1..=MANY).map(|id| named(id, [])).collect();
    let found = ada.heads(conversations).await.conversations;
    let ids: Vec<_> = found.iter().map(|head| &head.conversation.id).collect();
    assert_eq!(ids, [&conversation_id(1), &conversation_id(MANY)]);

    let found = ada.heads(vec![named(1, 1..=MANY)]).await.conversations;
    let heads = found.iter().flat_map(|head| &head.messages);
    let ids: Vec<_> = heads.map(|head| head.key).collect();
    assert_eq!(ids, [1, MANY].map(|number| message_id(number).key()));
    assert_eq!(ada.messages(1, 1..=MANY).await, messages);
}

/// A message with one part.
fn small(number: u128, stamp: i64) -> StoredMessage {
    let mut small = message(number, stamp);
    if let Some(content) = &mut small.content {
        content.request = None;
        content.response = None;
    }
    small
}
