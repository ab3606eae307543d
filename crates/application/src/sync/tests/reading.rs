//! Which texts are read, and which stored messages are loaded.

use super::*;

#[tokio::test]
async fn a_new_conversation_is_written_without_loading_anything() {
    let mut store = MockSyncStore::new();
    let named = NamedConversation {
        key: conversation_id().key(),
        messages: vec![message_id(1).key(), message_id(2).key()],
    };
    store
        .expect_heads()
        .withf(move |visitor, names| *visitor == ada().id() && *names == [named.clone()])
        .once()
        .returning(|_, _| {
            Ok(Some(Heads {
                change_counter: 7,
                conversations: vec![],
            }))
        });
    store
        .expect_commit()
        .withf(|_, changes| {
            let [change] = changes.conversations.as_slice() else {
                return false;
            };
            changes.change_counter == 7
                && changes.registers.is_none()
                && matches!(change.conversation, Some(Write::Insert(_)))
                && change
                    .messages
                    .iter()
                    .all(|write| matches!(write, Write::Insert(_)))
        })
        .once()
        .returning(|_, _| Ok(8));
    let posted = submission(vec![
        message(2, 2, Text::default()),
        message(1, 1, Text::default()),
    ]);
    let counts = explicit(store).run(&ada(), &posted).await.unwrap().counts;
    let expected = Counts {
        created: 1,
        messages_created: 2,
        ..Counts::default()
    };
    assert_eq!(counts, expected);
}

#[tokio::test]
async fn a_re_post_reads_no_text_loads_nothing_and_commits_nothing() {
    let mut store = MockSyncStore::new();
    store
        .expect_heads()
        .once()
        .returning(|_, _| Ok(Some(heads(3, &[(1, Some(1))]))));
    let posted = submission(vec![message(1, 1, Text::default())]);
    let counts = explicit(store).run(&ada(), &posted).await.unwrap().counts;
    let expected = Counts {
        updated: 1,
        messages_updated: 1,
        ..Counts::default()
    };
    assert_eq!(counts, expected);
    assert_eq!(posted.conversations[0].messages[0].text.reads(), 0);
}

#[tokio::test]
async fn only_what_is_stored_and_differs_is_loaded() {
    let mut store = MockSyncStore::new();
    let mut order = Sequence::new();
    store
        .expect_heads()
        .once()
        .in_sequence(&mut order)
        .returning(|_, _| Ok(Some(heads(3, &[(1, Some(1)), (2, Some(9)), (3, None)]))));
    let differing = NamedConversation {
        key: conversation_id().key(),
        messages: vec![message_id(2).key(), message_id(3).key()],
    };
    store
        .expect_load()
        .withf(move |_, names| *names == [differing.clone()])
        .once()
        .in_sequence(&mut order)
        .returning(|_, _| Ok(vec![stored_message(2), stored_message(3)]));
    store
        .expect_commit()
        .withf(|_, changes| {
            let messages = &changes.conversations[0].messages;
            let ids: Vec<_> = messages.iter().map(|write| &write.item().id).collect();
            ids == [&message_id(2), &message_id(4)]
        })
        .once()
        .in_sequence(&mut order)
        .returning(|_, _| Ok(4));
    let changed = Text {
        img: Some("new"),
        ..Text::default()
    };
    let messages = vec![
        message(1, 1, Text::default()),
        message(2, 2, changed),
        message(3, 3, Text::default()),
        message(4, 4, Text::default()),
    ];
    let counts = explicit(store)
        .run(&ada(), &submission(messages))
        .await
        .unwrap()
        .counts;
    let expected = Counts {
        updated: 1,
        messages_created: 1,
        messages_updated: 3,
        created: 0,
    };
    assert_eq!(counts, expected);
}

#[tokio::test]
async fn a_text_is_read_where_another_post_or_a_deletion_in_the_body_may_come_before_it() {
    let twice = submission(vec![
        message(
            1,
            2,
            Text {
                img: Some("other"),
                ..Text::default()
            },
        ),
        message(
            1,
            1,
            Text {
                img: Some("same"),
                ..Text::default()
            },
        ),
    ]);
    let mut deleted = submission(vec![message(1, 1, Text::default())]);
    deleted.conversations[0].change = PostedChange::Deletion {
        deleted_at: at(5),
        updated_at: None,
    };
    for posted in [twice, deleted] {
        let mut store = MockSyncStore::new();
        store
            .expect_heads()
            .returning(|_, _| Ok(Some(heads(3, &[(1, Some(1))]))));
        store
            .expect_load()
            .once()
            .returning(|_, _| Ok(vec![stored_message(1)]));
        store.expect_commit().once().returning(|_, _| Ok(4));
        explicit(store).run(&ada(), &posted).await.unwrap();
        let messages = &posted.conversations[0].messages;
        assert!(messages.iter().all(|message| message.text.reads() == 1));
    }
}

#[tokio::test]
async fn a_conversation_named_twice_is_asked_for_once() {
    let mut store = MockSyncStore::new();
    let once = NamedConversation {
        key: conversation_id().key(),
        messages: vec![message_id(1).key(), message_id(2).key()],
    };
    store
        .expect_heads()
        .withf(move |_, names| *names == [once.clone()])
        .once()
        .returning(|_, _| Ok(Some(Heads::default())));
    store.expect_commit().once().returning(|_, _| Ok(1));
    let mut posted = submission(vec![message(2, 2, Text::default())]);
    posted.conversations.extend(
        submission(vec![
            message(1, 1, Text::default()),
            message(2, 2, Text::default()),
        ])
        .conversations,
    );
    let counts = explicit(store).run(&ada(), &posted).await.unwrap().counts;
    let expected = Counts {
        created: 1,
        updated: 1,
        messages_created: 2,
        messages_updated: 1,
    };
    assert_eq!(counts, expected);
}
