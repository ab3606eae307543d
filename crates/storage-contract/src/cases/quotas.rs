//! A quota bounds how much a visitor has.

use std::sync::Arc;

use convosync_domain::change_set::{ChangeSet, Erasure, Write};
use convosync_domain::ports::StoreError;
use convosync_domain::usage::{Quota, QuotaExceeded, Usage};

use super::usage::{assert_has, long_message, usage, usage_of_rows};
use crate::Store;
use crate::fixtures::{
    at, change_set, conversation, dead_conversation, dead_message, erase, insert, insert_messages,
    message, registration, revived_conversation, update, update_messages,
};
use crate::owner::Owner;
use crate::support::join;

/// A limit is what a visitor may have: the last byte is, and one more is not.
pub async fn a_quota_is_kept_to_the_last_byte(store: Arc<dyn Store>) {
    let ada = Owner::registered(&store, "ada").await;
    let changes = || {
        [
            insert(conversation(1, 1), [message(1, 1)]),
            insert(conversation(2, 1), []),
        ]
    };
    let Usage {
        conversations,
        content_bytes,
    } = usage(&[conversation(1, 1), conversation(2, 1)], &[message(1, 1)]);
    let quota = |max_conversations, max_content_bytes| Quota {
        max_conversations: Some(max_conversations),
        max_content_bytes: Some(max_content_bytes),
    };
    let refused = ada.commit_within(quota(1, content_bytes), changes()).await;
    assert_eq!(refused, Err(QuotaExceeded::Conversations(1)));
    let one_less = content_bytes - 1;
    let refused = ada.commit_within(quota(conversations, one_less), changes());
    assert_eq!(refused.await, Err(QuotaExceeded::ContentBytes(one_less)));
    assert_has(&ada, &[], &[]).await;

    let exact = quota(conversations, content_bytes);
    assert_eq!(ada.commit_within(exact, changes()).await, Ok(()));
    let tombstone = insert(dead_conversation(3, 1), []);
    assert_eq!(ada.commit_within(exact, [tombstone]).await, Ok(()));
    let longer = update_messages(1, [long_message(1, 2)]);
    let refused = ada.commit_within(exact, [longer]).await;
    assert_eq!(refused, Err(QuotaExceeded::ContentBytes(content_bytes)));
    // One that dies makes room for another in the same change set.
    let exchange = [
        update(dead_conversation(2, 2), []),
        insert(conversation(4, 1), []),
    ];
    assert_eq!(ada.commit_within(exact, exchange).await, Ok(()));
    assert_eq!(ada.living().await, [1, 4]);
}

/// Nothing of a change set beyond the quota is written, and the next one finds everything as it was.
pub async fn a_change_set_beyond_the_quota_is_refused_whole(store: Arc<dyn Store>) {
    let ada = Owner::registered(&store, "ada").await;
    let messages = [message(1, 1), message(2, 1)];
    ada.commit([insert(conversation(1, 1), messages.clone())])
        .await;
    let two = Quota {
        max_conversations: Some(2),
        max_content_bytes: None,
    };
    let mut edit = erase(revived_conversation(1, 1, 5), Erasure::Through(at(1)));
    edit.messages = vec![Write::Update(message(1, 5)), Write::Insert(message(3, 5))];
    let beyond = [
        edit,
        insert(conversation(2, 5), [message(1, 5)]),
        insert(conversation(3, 5), []),
    ];
    let refused = ada.commit_within(two, beyond).await;
    assert_eq!(refused, Err(QuotaExceeded::Conversations(2)));
    assert_eq!(ada.counter().await, 1);
    assert_eq!(ada.living().await, [1]);
    ada.assert_holds(&conversation(1, 1), &messages).await;
    assert_has(&ada, &[conversation(1, 1)], &messages).await;
    store.check().await.unwrap();
    let within = insert(conversation(2, 5), [message(1, 5)]);
    assert_eq!(ada.commit_within(two, [within]).await, Ok(()));
    assert_eq!(ada.counter().await, 2);
}

/// Where the limit was lowered below what the visitor has, what grows is refused, and everything else passes.
pub async fn whoever_is_above_the_quota_may_still_shrink(store: Arc<dyn Store>) {
    let ada = Owner::registered(&store, "ada").await;
    ada.commit([
        insert(conversation(1, 1), [message(1, 1), long_message(2, 1)]),
        insert(conversation(2, 1), [message(1, 1)]),
        insert(conversation(3, 1), [message(1, 1)]),
    ])
    .await;
    let nothing = Quota {
        max_conversations: Some(0),
        max_content_bytes: Some(0),
    };
    let grows = ada
        .commit_within(nothing, [insert_messages(1, [message(3, 1)])])
        .await;
    assert_eq!(grows, Err(QuotaExceeded::ContentBytes(0)));
    let grows = ada
        .commit_within(nothing, [insert(conversation(4, 1), [])])
        .await;
    assert_eq!(grows, Err(QuotaExceeded::Conversations(0)));
    for passes in [
        update(conversation(1, 1), [message(1, 1)]),
        update_messages(1, [message(2, 2)]),
        update_messages(1, [dead_message(1, 3, 3)]),
        erase(revived_conversation(2, 2, 3), Erasure::Through(at(2))),
        erase(dead_conversation(3, 3), Erasure::Everything),
    ] {
        assert_eq!(ada.commit_within(nothing, [passes]).await, Ok(()));
    }
    assert_eq!(ada.commit_within(nothing, []).await, Ok(()));
    let now = [conversation(1, 1), revived_conversation(2, 2, 3)];
    assert_has(&ada, &now, &[message(2, 2)]).await;
}

/// A first post beyond the quota is refused with its registration; within it, it registers and counts.
pub async fn a_first_post_beyond_the_quota_registers_nobody(store: Arc<dyn Store>) {
    let ada = Owner::new(&store, "ada");
    let expected = usage(&[conversation(1, 1)], &[message(1, 1)]);
    let first_post = |max_content_bytes, conversations: Vec<_>| ChangeSet {
        registers: Some(registration("ada")),
        quota: Quota {
            max_conversations: Some(1),
            max_content_bytes: Some(max_content_bytes),
        },
        ..change_set(0, conversations)
    };
    let one = || vec![insert(conversation(1, 1), [message(1, 1)])];
    let beyond = first_post(expected.content_bytes - 1, one());
    let refused = store.commit(ada.id, beyond).await;
    assert!(
        matches!(refused, Err(StoreError::QuotaExceeded(_))),
        "{refused:?}"
    );
    assert_eq!(store.find(ada.id).await.unwrap(), None);
    let exact = first_post(expected.content_bytes, one());
    assert_eq!(store.commit(ada.id, exact).await.unwrap(), 1);
    assert_has(&ada, &[conversation(1, 1)], &[message(1, 1)]).await;
}

/// Many writers near the limit: as many get in as there is room for, and the visitor is never above.
pub async fn a_quota_holds_among_many_writers(store: Arc<dyn Store>) {
    let ada = Owner::registered(&store, "ada").await;
    let content_bytes = usage(&[conversation(1, 1)], &[message(1, 1)]).content_bytes;
    let by_number = Quota {
        max_conversations: Some(5),
        max_content_bytes: None,
    };
    let by_bytes = Quota {
        max_conversations: None,
        max_content_bytes: Some(content_bytes * 8 + content_bytes / 2),
    };
    for (quota, first, room) in [(by_number, 10, 5), (by_bytes, 20, 3)] {
        let tasks = (first..first + 8).map(|number: u128| {
            let ada = ada.clone();
            tokio::spawn(async move {
                let change = insert(conversation(number, 1), [message(1, 1)]);
                let done = ada.commit_within(quota, [change]).await;
                let usage = ada.usage().await;
                assert!(usage.conversations <= quota.max_conversations.unwrap_or(8));
                assert!(usage.content_bytes <= quota.max_content_bytes.unwrap_or(u64::MAX));
                done.is_ok()
            })
        });
        let taken = join(tasks.collect()).await;
        assert_eq!(taken.iter().filter(|taken| **taken).count(), room);
    }
    assert_eq!(ada.usage().await, usage_of_rows(&ada).await);
}
