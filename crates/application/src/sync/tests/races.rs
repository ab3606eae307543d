//! Races with other processes, and other failures of the store.

use convosync_domain::usage::QuotaExceeded;

use super::*;

#[tokio::test]
async fn a_lost_race_is_computed_again_on_what_is_stored_now() {
    let mut store = MockSyncStore::new();
    let mut order = Sequence::new();
    for (counter, outcome) in [(3, Err(())), (4, Ok(5))] {
        store
            .expect_heads()
            .once()
            .in_sequence(&mut order)
            .returning(move |_, _| {
                Ok(Some(Heads {
                    change_counter: counter,
                    conversations: vec![],
                }))
            });
        store
            .expect_commit()
            .withf(move |_, changes| changes.change_counter == counter)
            .once()
            .in_sequence(&mut order)
            .returning(move |_, _| outcome.or(Err(StoreError::Conflict)));
    }
    explicit(store)
        .run(&ada(), &submission(vec![]))
        .await
        .unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_race_lost_again_and_again_is_told_as_unavailable() {
    let mut store = MockSyncStore::new();
    let attempts = usize::try_from(ATTEMPTS).unwrap();
    store
        .expect_heads()
        .times(attempts)
        .returning(|_, _| Ok(Some(Heads::default())));
    store
        .expect_commit()
        .times(attempts)
        .returning(|_, _| Err(StoreError::Conflict));
    let error = explicit(store).run(&ada(), &submission(vec![])).await;
    assert!(matches!(
        error,
        Err(SyncError::Store(StoreError::Unavailable { .. }))
    ));
}

#[tokio::test]
async fn a_quota_goes_with_the_changes_and_is_told_once_exceeded() {
    let mut store = MockSyncStore::new();
    store
        .expect_heads()
        .once()
        .returning(|_, _| Ok(Some(Heads::default())));
    store
        .expect_commit()
        .withf(|_, changes| changes.quota == QUOTA)
        .once()
        .returning(|_, _| {
            let exceeded = QuotaExceeded::Conversations(3);
            Err(StoreError::QuotaExceeded(exceeded))
        });
    let error = explicit(store).run(&ada(), &submission(vec![])).await;
    assert!(matches!(
        error,
        Err(SyncError::QuotaExceeded(QuotaExceeded::Conversations(3)))
    ));
}

#[tokio::test]
async fn another_failure_is_not_tried_again() {
    let mut store = MockSyncStore::new();
    store
        .expect_heads()
        .once()
        .returning(|_, _| Ok(Some(Heads::default())));
    store.expect_commit().once().returning(|_, _| {
        Err(StoreError::Full {
            source: "no room".into(),
        })
    });
    let error = explicit(store).run(&ada(), &submission(vec![])).await;
    assert!(matches!(
        error,
        Err(SyncError::Store(StoreError::Full { .. }))
    ));
}
