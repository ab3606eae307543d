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
