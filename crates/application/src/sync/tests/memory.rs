//! Posts that change much of what is stored.

use super::*;

/// A store that has so many messages of 100 bytes, none of them as it is posted.
fn stored(count: u128) -> (MockSyncStore, Submission<Text>) {
    let mut store = MockSyncStore::new();
    let known: Vec<_> = (0..count).map(|number| (number, None)).collect();
    store
        .expect_heads()
        .returning(move |_, _| Ok(Some(heads(3, &known))));
    let messages = (0..count).map(|number| message(number, 1, Text::default()));
    let posted = submission(messages.collect());
    (store, posted)
}

#[tokio::test]
async fn a_post_that_changes_more_than_there_is_memory_for_is_refused() {
    // Twice 500 bytes are all there is; the conversation has one.
    let (store, posted) = stored(5);
    let refused = explicit(store).run(&ada(), &posted).await;
    assert!(matches!(
        refused,
        Err(SyncError::TooMuchStored { most: 500 })
    ));

    let (mut store, posted) = stored(4);
    let messages: Vec<_> = (0..4).map(stored_message).collect();
    store
        .expect_load()
        .returning(move |_, _| Ok(messages.clone()));
    let sync = explicit(store);
    sync.run(&ada(), &posted).await.unwrap();
    assert_eq!(sync.memory.left(), MEMORY);
}

#[tokio::test]
async fn a_post_that_finds_no_memory_now_is_told_so() {
    let (store, posted) = stored(4);
    let sync = explicit(store);
    let mut held = sync.memory.reserve();
    assert!(held.hold(300));
    let refused = sync.run(&ada(), &posted).await;
    assert!(matches!(refused, Err(SyncError::NoMemory)));
}
