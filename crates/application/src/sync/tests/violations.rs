//! Posts that are invalid.

use super::*;

#[tokio::test]
async fn every_violation_is_told_in_order_and_nothing_is_stored() {
    let mut store = MockSyncStore::new();
    store
        .expect_heads()
        .once()
        .returning(|_, _| Ok(Some(Heads::default())));
    let invalid = |violations| Text {
        violations,
        ..Text::default()
    };
    let messages = vec![
        message(1, 1, invalid(vec!["a", "b"])),
        message(2, 2, Text::default()),
        message(3, 3, invalid(vec!["c"])),
    ];
    let error = explicit(store).run(&ada(), &submission(messages)).await;
    assert!(matches!(error, Err(SyncError::Invalid(violations)) if violations == ["a", "b", "c"]));
}

#[tokio::test]
async fn no_more_than_a_hundred_violations_are_told() {
    let mut store = MockSyncStore::new();
    store
        .expect_heads()
        .once()
        .returning(|_, _| Ok(Some(Heads::default())));
    let messages = (0..150)
        .map(|number| {
            message(
                number,
                1,
                Text {
                    violations: vec!["x"],
                    ..Text::default()
                },
            )
        })
        .collect();
    let error = explicit(store).run(&ada(), &submission(messages)).await;
    assert!(
        matches!(error, Err(SyncError::Invalid(violations)) if violations.len() == VIOLATIONS_MAX)
    );
}

#[tokio::test]
async fn invalid_messages_are_left_out_where_the_client_lets_that_be() {
    let mut store = MockSyncStore::new();
    store
        .expect_heads()
        .once()
        .returning(|_, _| Ok(Some(Heads::default())));
    store
        .expect_commit()
        .withf(|_, changes| {
            let messages = &changes.conversations[0].messages;
            let ids: Vec<_> = messages.iter().map(|write| &write.item().id).collect();
            ids == [&message_id(2)]
        })
        .once()
        .returning(|_, _| Ok(1));
    let invalid = |violations| Text {
        violations,
        ..Text::default()
    };
    let messages = vec![
        message(1, 1, invalid(vec!["a", "b"])),
        message(2, 2, Text::default()),
        message(3, 3, invalid(vec!["x"; 2 * VIOLATIONS_MAX])),
    ];
    let posted = Submission {
        leaves_out_invalid: true,
        ..submission(messages)
    };
    let taken = explicit(store).run(&ada(), &posted).await.unwrap();
    let expected = Counts {
        created: 1,
        messages_created: 1,
        ..Counts::default()
    };
    assert_eq!(taken.counts, expected);
    let rejected = taken.rejected.iter();
    let rejected: Vec<_> = rejected.map(|it| (&it.id, it.violations[0])).collect();
    assert_eq!(rejected, [(&message_id(1), "a"), (&message_id(3), "x")]);
}
