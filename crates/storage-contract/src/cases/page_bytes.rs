//! Pages that are short in bytes, and what they pass over.

use std::sync::{Arc, Mutex, PoisonError};

use convosync_domain::change_set::Erasure;
use convosync_domain::feed::{ChangesPage, LeftOut, PageRead, PageRequest};
use convosync_domain::stored::{StoredConversation, StoredMessage};

use crate::Store;
use crate::fixtures::{
    OPAQUE, at, conversation, conversation_id, dead_conversation, dead_message, erase, insert,
    message, message_id, page_request, revived_conversation, update_messages,
};
use crate::owner::Owner;
use crate::support::{named, shown, since};

/// A message with a text of so many bytes.
fn long(number: u128, bytes: usize) -> StoredMessage {
    let mut long = message(number, 1);
    if let Some(content) = &mut long.content {
        content.fields.img = Some("x".repeat(bytes));
    }
    long
}

fn titled(number: u128, bytes: usize) -> StoredConversation {
    let mut titled = conversation(number, 1);
    if let Some(content) = &mut titled.content {
        content.title = Some("x".repeat(bytes));
    }
    titled
}

fn content_bytes(page: &ChangesPage) -> usize {
    let of_changed = page.conversations.iter().map(|changed| {
        let messages = changed.messages.iter().map(StoredMessage::content_bytes);
        changed.conversation.content_bytes() + messages.sum::<usize>()
    });
    of_changed.sum()
}

/// A page ends with the item that brings its content to the bound: with at least one, however long, and a
/// conversation around messages counts.
pub async fn a_page_ends_with_the_item_that_fills_it(store: Arc<dyn Store>) {
    let ada = Owner::registered(&store, "ada").await;
    let messages = [
        long(1, 10_000),
        long(2, 10_000),
        long(3, 100_000),
        long(4, 1),
    ];
    ada.commit([insert(conversation(1, 1), messages)]).await;
    ada.commit([insert(titled(2, 30_000), [long(1, 1), long(2, 1)])])
        .await;
    ada.commit([insert(conversation(3, 1), [])]).await;
    for (content_bytes, expected) in [
        (usize::MAX, vec!["1[1,2,3,4] 2[1,2] 3[]"]),
        (
            1,
            vec![
                "1[] ...", "1[1] ...", "1[2] ...", "1[3] ...", "1[4] ...", "2[] ...", "2[1] ...",
                "2[2] ...", "3[]",
            ],
        ),
        (
            15_000,
            vec![
                "1[1,2] ...",
                "1[3] ...",
                "1[4] 2[] ...",
                "2[1] ...",
                "2[2] ...",
                "3[]",
            ],
        ),
        (
            25_000,
            vec![
                "1[1,2,3] ...",
                "1[4] 2[] ...",
                "2[1] ...",
                "2[2] ...",
                "3[]",
            ],
        ),
        (40_000, vec!["1[1,2,3] ...", "1[4] 2[1,2] 3[]"]),
    ] {
        let mut request = PageRequest {
            content_bytes,
            ..page_request(None, 1_000)
        };
        let mut pages = Vec::new();
        loop {
            let page = ada.page_of(request.clone()).await;
            pages.push(shown(&page));
            request.position = Some(page.next);
            if !page.has_more {
                break;
            }
        }
        assert_eq!(pages, expected, "{content_bytes} bytes");
    }
}

/// Whoever asks is told how much a page will bring, and nothing of it is read where that is too much.
pub async fn a_page_is_admitted_before_it_is_read(store: Arc<dyn Store>) {
    let ada = Owner::registered(&store, "ada").await;
    let messages = [long(1, 10_000), long(OPAQUE, 20_000), dead_message(3, 1, 1)];
    ada.commit([
        insert(titled(OPAQUE, 5_000), messages),
        insert(dead_conversation(2, 1), []),
    ])
    .await;
    for is_admitted in [false, true] {
        let told = Arc::new(Mutex::new(None));
        let admit = Arc::clone(&told);
        let read = store.changes(
            ada.id,
            page_request(since(0), 10),
            Arc::new(move |bytes| {
                *admit.lock().unwrap_or_else(PoisonError::into_inner) = Some(bytes);
                is_admitted
            }),
        );
        let read = read.await.unwrap().unwrap();
        let told = *told.lock().unwrap_or_else(PoisonError::into_inner);
        match read {
            PageRead::NotAdmitted => assert!(!is_admitted),
            PageRead::Page(page) => {
                assert!(is_admitted);
                assert_eq!(told, Some(content_bytes(&page)));
            }
        }
        assert!(told > Some(35_000));
    }
}

/// The size that heads tell is that of the content, whatever has happened to it.
pub async fn heads_tell_the_size_of_the_content(store: Arc<dyn Store>) {
    let ada = Owner::registered(&store, "ada").await;
    let first = [long(1, 10), long(2, 1), dead_message(3, 1, 1), long(4, 0)];
    ada.commit([insert(conversation(1, 1), first.clone())])
        .await;
    let size_of = async |number| {
        let heads = ada.heads(vec![named(1, [number])]).await;
        heads.conversations[0].messages[0].content_bytes
    };
    for (number, message) in (1..).zip(&first) {
        assert_eq!(size_of(number).await, message.content_bytes(), "{number}");
    }
    let longer = long(2, 70_000);
    ada.commit([update_messages(1, [longer.clone()])]).await;
    assert_eq!(size_of(2).await, longer.content_bytes());
    let erasure = Erasure::Through(at(9));
    ada.commit([erase(revived_conversation(1, 9, 10), erasure)])
        .await;
    assert_eq!((size_of(1).await, size_of(2).await), (0, 0));
    let mut living = long(1, 5);
    living.history.stamp = Some(at(11));
    ada.commit([update_messages(1, [living.clone()])]).await;
    assert_eq!(size_of(1).await, living.content_bytes());
}

/// What the device has already is passed over, but not what has changed after that.
pub async fn what_the_device_has_is_passed_over(store: Arc<dyn Store>) {
    let ada = Owner::registered(&store, "ada").await;
    ada.commit([
        insert(conversation(1, 1), [message(1, 1), message(2, 1)]),
        insert(conversation(2, 1), [message(1, 1)]),
        insert(conversation(OPAQUE, 1), [message(OPAQUE, 1)]),
    ])
    .await;
    let (one, two) = (conversation_id(1).key(), conversation_id(2).key());
    let opaque = conversation_id(OPAQUE).key();
    let left_out = Arc::new(LeftOut {
        through: 1,
        items: [
            (one, None),
            (one, Some(message_id(1).key())),
            (two, None),
            (two, Some(message_id(1).key())),
            (opaque, Some(message_id(OPAQUE).key())),
        ]
        .into(),
    });
    let pages = async |limit| {
        let mut request = PageRequest {
            left_out: Arc::clone(&left_out),
            ..page_request(None, limit)
        };
        let mut pages = Vec::new();
        loop {
            let page = ada.page_of(request.clone()).await;
            pages.push(shown(&page));
            request.position = Some(page.next);
            if !page.has_more {
                return pages;
            }
        }
    };
    let all = format!("1[2] {OPAQUE}[]");
    assert_eq!(pages(1_000).await, [all]);
    // They count, so that a page may have nothing and yet be followed by another.
    assert_eq!(pages(2).await[..2], ["...", "1[2] ..."]);
    ada.commit([update_messages(2, [message(1, 2)])]).await;
    assert!(pages(1_000).await[0].ends_with("2[1]"));
}
