//! What a device is told of what it posted.

use super::*;

fn image(img: &'static str) -> Text {
    Text {
        img: Some(img),
        ..Text::default()
    }
}

/// The turn of a device that has seen all changes up to this one.
fn since(change_number: u64) -> TurnStart {
    TurnStart {
        since: Since::of(FeedPosition {
            since: change_number,
            dead_left_out_through: None,
            last: None,
        }),
        limit: 500,
        page_bytes: 10_000,
    }
}

/// A stored message with a newer stamp than any that is posted without one would have.
fn stored_image(number: u128, img: &str) -> (ConversationKey, StoredMessage) {
    let (conversation, mut message) = stored_message(number);
    if let Some(content) = &mut message.content {
        content.fields.img = Some(img.to_owned());
    }
    message.history.stamp = Some(at(2));
    (conversation, message)
}

/// The conversation, posted with a stamp that is older than its messages'.
fn posted_at(micros: i64, messages: Vec<SubmittedMessage<Text>>) -> Submission<Text> {
    let mut posted = submission(messages);
    posted.conversations[0].change = PostedChange::Fields {
        updated_at: Some(at(micros)),
        patch: ConversationPatch::default(),
    };
    posted
}

#[tokio::test]
async fn what_was_not_taken_comes_and_what_was_written_as_sent_does_not() {
    let mut store = MockSyncStore::new();
    store
        .expect_heads()
        .returning(|_, _| Ok(Some(heads(3, &[(1, Some(1)), (2, None), (3, None)]))));
    store
        .expect_load()
        .returning(|_, _| Ok(vec![stored_image(2, "newer"), stored_image(3, "the same")]));
    store.expect_commit().once().returning(|_, _| Ok(4));
    let posted = posted_at(
        1,
        vec![
            message(1, 1, Text::default()),
            message(2, 2, image("older")),
            message(3, 2, image("the same")),
            message(4, 2, image("new")),
        ],
    );
    let sync = explicit(store);
    let turn = sync.run_in_turn(&ada(), &posted, since(2)).await;
    let turn = turn.unwrap().told;
    let [not_taken] = turn.not_taken.as_slice() else {
        panic!("one conversation: {:?}", turn.not_taken);
    };
    assert_eq!(not_taken.messages, [stored_image(2, "newer").1]);
    let conversation = conversation_id().key();
    // The message that is new has got a timestamp that was not sent, and of what was stored before the device may
    // hold more than it sent.
    let expected = LeftOut {
        through: 4,
        items: [(conversation, Some(message_id(2).key()))].into(),
    };
    assert_eq!(turn.left_out, expected);
}

#[tokio::test]
async fn a_turn_that_has_expired_takes_nothing() {
    let mut store = MockSyncStore::new();
    store
        .expect_heads()
        .once()
        .returning(|_, _| Ok(Some(heads(3, &[]))));
    let posted = submission(vec![message(1, 1, Text::default())]);
    let sync = explicit(store);
    let turn = sync.run_in_turn(&ada(), &posted, since(4)).await;
    assert!(matches!(turn, Err(SyncError::TurnExpired)));
}

#[tokio::test]
async fn a_message_that_a_deletion_covers_comes_with_its_moment() {
    let mut store = MockSyncStore::new();
    store.expect_heads().returning(|_, _| {
        let mut heads = heads(3, &[]);
        let conversation = &mut heads.conversations[0].conversation;
        conversation.history.erased_through = Some(at(5));
        conversation.history.stamp = Some(at(6));
        Ok(Some(heads))
    });
    let posted = posted_at(4, vec![message(1, 1, image("late"))]);
    let sync = explicit(store);
    let turn = sync.run_in_turn(&ada(), &posted, since(2)).await;
    let turn = turn.unwrap().told;
    let [not_taken] = turn.not_taken.as_slice() else {
        panic!("one conversation: {:?}", turn.not_taken);
    };
    assert_eq!(not_taken.messages.len(), 1);
    assert_eq!(not_taken.messages[0].content, None);
    assert_eq!(turn.left_out.through, 3);
}

#[tokio::test]
async fn the_page_of_a_device_that_is_up_to_date_is_known_without_the_store() {
    for (seen, limit, is_known) in [(3, 500, true), (3, 2, false), (2, 500, false)] {
        let mut store = MockSyncStore::new();
        store
            .expect_heads()
            .returning(|_, _| Ok(Some(heads(3, &[(1, Some(1)), (2, None)]))));
        store
            .expect_load()
            .returning(|_, _| Ok(vec![stored_image(2, "older")]));
        store.expect_commit().once().returning(|_, _| Ok(4));
        let posted = posted_at(
            3,
            vec![
                message(1, 1, Text::default()),
                message(2, 2, image("newer")),
                message(4, 2, image("new")),
            ],
        );
        let start = TurnStart {
            limit,
            ..since(seen)
        };
        let sync = explicit(store);
        let turn = sync.run_in_turn(&ada(), &posted, start).await.unwrap().told;
        assert_eq!(turn.page.is_some(), is_known);
        let Some(page) = turn.page else { continue };
        let [changed] = page.conversations.as_slice() else {
            panic!("one conversation: {page:?}");
        };
        // Neither is all that is stored of it what was sent: the server filled in its timestamp.
        let ids = changed.messages.iter().map(|message| &message.id);
        assert!(ids.eq([&message_id(4)]), "{changed:?}");
        assert_eq!((page.next.since, page.has_more), (4, false));
    }
}
