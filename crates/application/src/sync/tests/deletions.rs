//! Deletions of one conversation or message.

use std::sync::Mutex;

use convosync_domain::change_set::{ConversationChange, Erasure};
use convosync_domain::feed::ChangedHead;
use convosync_domain::ports::MockConversationReader;
use convosync_domain::stored::ConversationHistory;

use super::*;
use crate::sync::deletion::{DeleteError, DeleteItem, NamedItem, Precondition};

/// What the clock of these tests shows.
const NOW: i64 = 1_000;

fn conversation() -> NamedItem {
    NamedItem {
        conversation: conversation_id(),
        message: None,
    }
}

fn message_of_it(number: u128) -> NamedItem {
    NamedItem {
        message: Some(message_id(number)),
        ..conversation()
    }
}

fn deleting(store: MockSyncStore, reader: MockConversationReader) -> DeleteItem {
    // A deletion makes no visitor, whoever may.
    let sync = use_case(store, RegistrationMode::OnFirstSync);
    DeleteItem::new(Arc::new(sync), Arc::new(reader))
}

async fn delete(store: MockSyncStore, item: &NamedItem) -> Result<(), DeleteError> {
    let deleting = deleting(store, MockConversationReader::new());
    deleting.run(&ada(), item, Precondition::None).await
}

fn living(history: ConversationHistory) -> StoredConversation {
    StoredConversation {
        id: conversation_id(),
        history,
        content: Some(Conversation::default()),
    }
}

fn dead() -> StoredConversation {
    StoredConversation {
        id: conversation_id(),
        history: ConversationHistory {
            erased_through: Some(at(5)),
            ..ConversationHistory::default()
        },
        content: None,
    }
}

fn message_with(history: MessageHistory) -> StoredMessage {
    StoredMessage {
        history,
        ..stored_message(1).1
    }
}

fn deleted_by_itself() -> StoredMessage {
    StoredMessage {
        content: None,
        ..message_with(MessageHistory {
            deleted_at: Some(at(5)),
            ..MessageHistory::default()
        })
    }
}

/// A store at change 3 that has a conversation and perhaps a message of it.
fn storing(conversation: StoredConversation, message: Option<StoredMessage>) -> MockSyncStore {
    let mut store = MockSyncStore::new();
    let head = ConversationHead {
        conversation,
        messages: message.iter().map(head_of).collect(),
    };
    store.expect_heads().returning(move |visitor, named| {
        assert_eq!(visitor, ada().id());
        let [named] = named.as_slice() else {
            panic!("one conversation: {named:?}");
        };
        let mut head = head.clone();
        head.messages.retain(|it| named.messages.contains(&it.key));
        Ok(Some(Heads {
            change_counter: 3,
            conversations: vec![head],
        }))
    });
    store.expect_load().returning(move |_, _| {
        let key = conversation_id().key();
        Ok(message.iter().map(|it| (key, it.clone())).collect())
    });
    store
}

fn head_of(message: &StoredMessage) -> MessageHead {
    MessageHead {
        key: message.id.key(),
        digest: message.digest,
        content_bytes: message.content_bytes(),
    }
}

/// Deletes an item, and tells what is written.
async fn written(mut store: MockSyncStore, item: &NamedItem) -> ConversationChange {
    let written = Arc::new(Mutex::new(None));
    let kept = Arc::clone(&written);
    store
        .expect_commit()
        .once()
        .returning(move |visitor, changes| {
            assert_eq!(visitor, ada().id());
            assert_eq!((changes.change_counter, &changes.registers), (3, &None));
            assert_eq!(changes.received_at, at(NOW));
            *kept.lock().unwrap() = Some(changes.conversations);
            Ok(4)
        });
    delete(store, item).await.unwrap();
    let changes = written.lock().unwrap().take().unwrap();
    let [change] = changes.as_slice() else {
        panic!("one conversation: {changes:?}");
    };
    change.clone()
}

#[tokio::test]
async fn a_conversation_dies_now_with_all_its_messages() {
    let change = written(storing(living(Default::default()), None), &conversation()).await;
    let expected = StoredConversation {
        history: ConversationHistory {
            erased_through: Some(at(NOW)),
            ..ConversationHistory::default()
        },
        ..dead()
    };
    assert_eq!(change.conversation, Some(Write::Update(expected)));
    assert_eq!(change.erasure, Some(Erasure::Everything));
    assert_eq!(change.messages, []);
}

#[tokio::test]
async fn a_message_dies_now_and_its_conversation_stays() {
    let message = message_with(MessageHistory::default());
    let store = storing(living(Default::default()), Some(message));
    let change = written(store, &message_of_it(1)).await;
    let expected = StoredMessage {
        history: MessageHistory {
            deleted_at: Some(at(NOW)),
            ..MessageHistory::default()
        },
        ..deleted_by_itself()
    };
    assert_eq!((change.conversation, change.erasure), (None, None));
    assert_eq!(change.messages, [Write::Update(expected)]);
}

/// Whatever the item has seen: stamps within the skew of the clock, those of a clock that ran ahead before it was set
/// back, stamps from the future that were honoured.
#[tokio::test]
async fn what_is_deleted_is_dead() {
    let far = i64::from(u32::MAX) * 1_000_000;
    let moments = [None, Some(1), Some(NOW), Some(200_000_000), Some(far)];
    let moments = moments.map(|micros| micros.map(at));
    let later = |moment: Timestamp| moment.plus_micros(1);
    let futures = moments.into_iter().chain([Some(later(at(far)))]);
    for future_stamp in futures {
        for stamp in moments {
            for own_stamp in moments {
                let history = ConversationHistory {
                    stamp,
                    future_stamp,
                    erased_through: None,
                };
                let change = written(storing(living(history), None), &conversation()).await;
                let conversation = change.conversation.unwrap();
                let StoredConversation {
                    history, content, ..
                } = conversation.item();
                assert!(history.is_dead() && content.is_none(), "{history:?}");

                let history = MessageHistory {
                    stamp,
                    own_stamp,
                    future_stamp,
                    deleted_at: None,
                };
                let message = message_with(history);
                let store = storing(living(Default::default()), Some(message));
                let change = written(store, &message_of_it(1)).await;
                let message = change.messages[0].item();
                assert!(message.history.is_deleted_by_itself(), "{message:?}");
                assert_eq!(message.content, None);
            }
        }
    }
}

#[tokio::test]
async fn the_moment_is_no_earlier_than_the_stamp() {
    let ahead = Some(at(NOW + 1));
    let history = ConversationHistory {
        stamp: ahead,
        ..ConversationHistory::default()
    };
    let change = written(storing(living(history), None), &conversation()).await;
    let conversation = change.conversation.unwrap();
    assert_eq!(conversation.item().history.erased_through, ahead);
    for (stamp, own_stamp) in [(ahead, None), (None, ahead)] {
        let message = message_with(MessageHistory {
            stamp,
            own_stamp,
            ..MessageHistory::default()
        });
        let store = storing(living(Default::default()), Some(message));
        let change = written(store, &message_of_it(1)).await;
        assert_eq!(change.messages[0].item().history.deleted_at, ahead);
    }
}

#[tokio::test]
async fn what_is_dead_already_stays_so_and_only_its_deletion_rises() {
    let change = written(storing(dead(), None), &conversation()).await;
    let conversation = change.conversation.unwrap();
    assert_eq!(conversation.item().history.erased_through, Some(at(NOW)));
    assert_eq!(change.erasure, None);

    let store = storing(living(Default::default()), Some(deleted_by_itself()));
    let change = written(store, &message_of_it(1)).await;
    assert_eq!(change.messages[0].item().history.deleted_at, Some(at(NOW)));
}

/// Nothing may be written.
#[tokio::test]
async fn a_message_of_a_dead_conversation_does_not_change() {
    let message = StoredMessage {
        content: None,
        ..message_with(MessageHistory::default())
    };
    delete(storing(dead(), Some(message)), &message_of_it(1))
        .await
        .unwrap();
}

/// Nothing may be written, and so nothing made.
#[tokio::test]
async fn what_was_never_there_is_not_made() {
    let never = |_| true;
    for precondition in [
        Precondition::None,
        Precondition::Lives,
        Precondition::LatestChange(&never),
    ] {
        for conversation in [living(Default::default()), dead()] {
            let message = Some(message_with(MessageHistory::default()));
            let store = storing(conversation, message);
            let deleting = deleting(store, MockConversationReader::new());
            let error = deleting.run(&ada(), &message_of_it(2), precondition).await;
            assert!(matches!(error, Err(DeleteError::UnknownMessage)));
        }
        for item in [conversation(), message_of_it(1)] {
            let mut store = MockSyncStore::new();
            store
                .expect_heads()
                .returning(|_, _| Ok(Some(Heads::default())));
            let deleting = deleting(store, MockConversationReader::new());
            let error = deleting.run(&ada(), &item, precondition).await;
            assert!(matches!(error, Err(DeleteError::UnknownConversation)));
        }
    }
    let mut store = MockSyncStore::new();
    store.expect_heads().returning(|_, _| Ok(None));
    let error = delete(store, &conversation()).await;
    assert!(matches!(error, Err(DeleteError::UnknownVisitor)));
}

#[tokio::test]
async fn what_has_to_live_lives() {
    let message = || message_with(MessageHistory::default());
    let living = || living(ConversationHistory::default());
    for (conversation, message, item, lives) in [
        (living(), None, conversation(), true),
        (dead(), None, conversation(), false),
        (living(), Some(message()), message_of_it(1), true),
        (living(), Some(deleted_by_itself()), message_of_it(1), false),
        (dead(), Some(deleted_by_itself()), message_of_it(1), false),
    ] {
        let mut store = storing(conversation, message);
        store
            .expect_commit()
            .times(usize::from(lives))
            .returning(|_, _| Ok(4));
        let deleting = deleting(store, MockConversationReader::new());
        let deleted = deleting.run(&ada(), &item, Precondition::Lives).await;
        match lives {
            true => deleted.unwrap(),
            false => assert!(matches!(deleted, Err(DeleteError::PreconditionFailed))),
        }
    }
}

fn changed_head(latest_change: u64, content_bytes: usize) -> ChangedHead {
    ChangedHead {
        latest_change,
        key: conversation_id().key(),
        change_number: 1,
        content_bytes,
    }
}

#[tokio::test]
async fn a_conversation_is_deleted_only_as_it_was_seen() {
    for (head, is_as_seen) in [
        (Some(changed_head(2, 1)), true),
        (Some(changed_head(3, 1)), false),
        (Some(changed_head(2, 0)), false),
        (None, false),
    ] {
        let message = message_with(MessageHistory::default());
        for item in [conversation(), message_of_it(1)] {
            let mut store = storing(living(Default::default()), Some(message.clone()));
            store
                .expect_commit()
                .times(usize::from(is_as_seen))
                .returning(|_, _| Ok(4));
            let mut reader = MockConversationReader::new();
            reader
                .expect_head()
                .withf(|visitor, key| (*visitor, *key) == (ada().id(), conversation_id().key()))
                .once()
                .returning(move |_, _| Ok(Some(head)));
            let deleting = deleting(store, reader);
            let seen = |latest_change| latest_change == 2;
            let precondition = Precondition::LatestChange(&seen);
            let deleted = deleting.run(&ada(), &item, precondition).await;
            match is_as_seen {
                true => deleted.unwrap(),
                false => assert!(matches!(deleted, Err(DeleteError::PreconditionFailed))),
            }
        }
    }
}

/// The look at the conversation comes after that at the counter, which makes the write fail if anything has changed
/// since; then both are repeated.
#[tokio::test]
async fn nothing_comes_between_the_precondition_and_the_deletion() {
    let mut order = Sequence::new();
    let (mut store, mut reader) = (MockSyncStore::new(), MockConversationReader::new());
    for (change_counter, latest_change) in [(3, 2), (4, 4)] {
        store
            .expect_heads()
            .once()
            .in_sequence(&mut order)
            .returning(move |_, _| Ok(Some(heads(change_counter, &[]))));
        reader
            .expect_head()
            .once()
            .in_sequence(&mut order)
            .returning(move |_, _| Ok(Some(Some(changed_head(latest_change, 1)))));
        if change_counter == 3 {
            store
                .expect_commit()
                .withf(|_, changes| changes.change_counter == 3)
                .once()
                .in_sequence(&mut order)
                .returning(|_, _| Err(StoreError::Conflict));
        }
    }
    let deleting = deleting(store, reader);
    let seen = |latest_change| latest_change == 2;
    let precondition = Precondition::LatestChange(&seen);
    let deleted = deleting.run(&ada(), &conversation(), precondition).await;
    assert!(matches!(deleted, Err(DeleteError::PreconditionFailed)));
}

#[tokio::test(start_paused = true)]
async fn a_deletion_that_loses_every_race_is_told_as_unavailable() {
    let mut store = storing(living(Default::default()), None);
    store
        .expect_commit()
        .times(usize::try_from(ATTEMPTS).unwrap())
        .returning(|_, _| Err(StoreError::Conflict));
    let error = delete(store, &conversation()).await;
    let unavailable = matches!(
        error,
        Err(DeleteError::Store(StoreError::Unavailable { .. }))
    );
    assert!(unavailable);
}

/// The visitor was erased in between: what is computed again on that tells so.
#[tokio::test]
async fn a_message_that_has_gone_since_the_heads_were_read_is_not_made_again() {
    let mut order = Sequence::new();
    let mut store = MockSyncStore::new();
    store
        .expect_heads()
        .once()
        .in_sequence(&mut order)
        .returning(|_, _| Ok(Some(heads(3, &[(1, None)]))));
    store
        .expect_load()
        .once()
        .in_sequence(&mut order)
        .returning(|_, _| Ok(Vec::new()));
    store
        .expect_heads()
        .once()
        .in_sequence(&mut order)
        .returning(|_, _| Ok(None));
    let error = delete(store, &message_of_it(1)).await;
    assert!(matches!(error, Err(DeleteError::UnknownVisitor)));
}

#[tokio::test]
async fn a_deletion_takes_memory_only_while_it_runs() {
    let large = |bytes| {
        let mut heads = heads(3, &[(1, None)]);
        heads.conversations[0].messages[0].content_bytes = bytes;
        let mut store = MockSyncStore::new();
        store
            .expect_heads()
            .returning(move |_, _| Ok(Some(heads.clone())));
        store
    };
    let error = delete(large(500), &message_of_it(1)).await;
    assert!(matches!(
        error,
        Err(DeleteError::TooMuchStored { most: 500 })
    ));

    let mut store = large(400);
    store
        .expect_load()
        .returning(|_, _| Ok(vec![stored_message(1)]));
    store.expect_commit().returning(|_, _| Ok(4));
    let sync = Arc::new(explicit(store));
    let deleting = DeleteItem::new(sync.clone(), Arc::new(MockConversationReader::new()));
    let (ada, item) = (ada(), message_of_it(1));
    let run = || deleting.run(&ada, &item, Precondition::None);
    run().await.unwrap();
    assert_eq!(sync.memory.left(), MEMORY);
    let mut held = sync.memory.reserve();
    assert!(held.hold(300));
    assert!(matches!(run().await, Err(DeleteError::NoMemory)));
}

#[tokio::test]
async fn those_who_wait_are_told_of_a_deletion_when_it_is_durable() {
    let mut order = Sequence::new();
    let mut store = storing(living(Default::default()), None);
    store
        .expect_commit()
        .once()
        .in_sequence(&mut order)
        .returning(|_, _| Ok(9));
    let mut notifier = MockChangeNotifier::new();
    notifier
        .expect_notify()
        .withf(|notice| (notice.visitor, notice.standing) == (ada().id(), Standing::At(9)))
        .once()
        .in_sequence(&mut order)
        .returning(|_| ());
    let sync = SyncConversations {
        notifier: Arc::new(notifier),
        ..explicit(store)
    };
    let deleting = DeleteItem::new(Arc::new(sync), Arc::new(MockConversationReader::new()));
    deleting
        .run(&ada(), &conversation(), Precondition::None)
        .await
        .unwrap();
}
