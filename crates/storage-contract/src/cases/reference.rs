//! Generated histories: the store and the reference store are told the same, and answer the same.

use std::sync::Arc;

use convosync_domain::feed::FeedPosition;
use convosync_domain::merge::{Receipt, StoredItems, merge};
use convosync_domain::posted::PostedConversation;
use convosync_domain::reading::{ConversationRequest, MessageOrder};

use super::reading::{conversation_pages, list, list_pages, of};
use crate::fixtures::{at, change_set, conversation_id};
use crate::history::{CONVERSATIONS, History, MESSAGES};
use crate::owner::Owner;
use crate::support::{named, since};
use crate::{MemoryStore, Store};

/// Posts of two visitors with the same ids, deletions and revivals among them, merged and written
/// as the server does: after each, the store shows what the reference store shows, by every read.
pub async fn generated_histories_read_as_in_the_reference_store(store: Arc<dyn Store>) {
    let reference: Arc<dyn Store> = Arc::new(MemoryStore::new(store.identity()));
    let mut history = History::new(0x5eed);
    let mut devices = Vec::new();
    for name in ["ada", "bob"] {
        let tested = Owner::registered(&store, name).await;
        let expected = Owner::registered(&reference, name).await;
        devices.push((tested, expected, None));
    }
    for round in 0..80 {
        for (tested, expected, position) in &mut devices {
            let posted = history.post();
            let counter = sync(expected, posted.clone()).await;
            assert_eq!(sync(tested, posted).await, counter, "round {round}");
            compare(tested, expected, history.below(counter + 1)).await;
            *position = pull_on(tested, expected, *position).await;
        }
    }
}

/// Takes a post as the server does; returns the counter after it.
pub(crate) async fn sync(owner: &Owner, posted: Vec<PostedConversation>) -> u64 {
    let everything: Vec<_> = CONVERSATIONS
        .into_iter()
        .map(|it| named(it, MESSAGES))
        .collect();
    let heads = owner.heads(everything.clone()).await;
    let loaded = owner.store.load(owner.id, everything).await.unwrap();
    let stored = heads.conversations.into_iter().map(|head| {
        let of_this = loaded
            .iter()
            .filter(|(id, _)| *id == head.conversation.id.key());
        StoredItems {
            messages: of_this
                .map(|(_, message)| (message.id.key(), message.clone()))
                .collect(),
            conversation: head.conversation,
        }
    });
    let merged = merge(posted, stored.collect(), Receipt::new(at(40), 1));
    let changes = change_set(heads.change_counter, merged.changes);
    owner.store.commit(owner.id, changes).await.unwrap()
}

pub(crate) async fn compare(tested: &Owner, expected: &Owner, change_number: u64) {
    assert_eq!(tested.living().await, expected.living().await);
    for id in CONVERSATIONS {
        let asked = || vec![named(id, MESSAGES)];
        assert_eq!(tested.heads(asked()).await, expected.heads(asked()).await);
        assert_eq!(
            tested.messages(id, MESSAGES).await,
            expected.messages(id, MESSAGES).await
        );
    }
    compare_what_is_shown(tested, expected).await;
    for (position, limit) in [(None, 5), (since(change_number), 3), (since(0), 1_000)] {
        assert_eq!(
            tested.pages(position, limit).await,
            expected.pages(position, limit).await
        );
    }
}

/// The list, each conversation and what is told of the visitor.
async fn compare_what_is_shown(tested: &Owner, expected: &Owner) {
    let summary = async |owner: &Owner| owner.store.summarize(owner.id).await.unwrap();
    assert_eq!(summary(tested).await, summary(expected).await);
    assert_eq!(
        list_pages(tested, list(None, 2)).await,
        list_pages(expected, list(None, 2)).await
    );
    for id in CONVERSATIONS {
        let key = conversation_id(id).key();
        let head = async |owner: &Owner| owner.store.head(owner.id, key).await.unwrap();
        assert_eq!(head(tested).await, head(expected).await);
        for order in [MessageOrder::OldestFirst, MessageOrder::NewestFirst] {
            let request = ConversationRequest {
                order,
                limit: 3,
                ..of(id)
            };
            assert_eq!(
                conversation_pages(tested, request).await,
                conversation_pages(expected, request).await
            );
        }
    }
}

/// Pulls one small page, so that posts come between the pages.
async fn pull_on(
    tested: &Owner,
    expected: &Owner,
    position: Option<FeedPosition>,
) -> Option<FeedPosition> {
    let page = tested.page(position, 2).await;
    assert_eq!(page, expected.page(position, 2).await);
    Some(page.next)
}
