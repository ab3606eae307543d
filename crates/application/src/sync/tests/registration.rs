//! Who may post.

use super::*;

#[tokio::test]
async fn an_unknown_visitor_stores_nothing_where_registration_is_explicit() {
    let mut store = MockSyncStore::new();
    store.expect_heads().once().returning(|_, _| Ok(None));
    let error = explicit(store).run(&ada(), &submission(vec![])).await;
    assert!(matches!(error, Err(SyncError::UnknownVisitor)));
}

#[tokio::test]
async fn the_first_sync_registers_a_visitor_even_without_a_conversation() {
    let mut store = MockSyncStore::new();
    store.expect_heads().once().returning(|_, _| Ok(None));
    store
        .expect_commit()
        .withf(|_, changes| {
            let registers = VisitorRegistration {
                identity: ada().identity().clone(),
                registered_at: at(1_000),
            };
            changes.registers == Some(registers) && changes.conversations.is_empty()
        })
        .once()
        .returning(|_, _| Ok(0));
    let posted = Submission::<Text> {
        conversations: vec![],
        leaves_out_invalid: false,
    };
    let taken = use_case(store, RegistrationMode::OnFirstSync)
        .run(&ada(), &posted)
        .await;
    assert_eq!(taken.unwrap().counts, Counts::default());
}

#[tokio::test]
async fn an_invalid_first_sync_registers_nobody() {
    let mut store = MockSyncStore::new();
    store.expect_heads().once().returning(|_, _| Ok(None));
    let posted = submission(vec![message(
        1,
        1,
        Text {
            violations: vec!["x"],
            ..Text::default()
        },
    )]);
    let error = use_case(store, RegistrationMode::OnFirstSync)
        .run(&ada(), &posted)
        .await;
    assert!(matches!(error, Err(SyncError::Invalid(_))));
}

#[tokio::test]
async fn admits_the_known_and_on_first_sync_everybody() {
    for (mode, known, expected) in [
        (RegistrationMode::Explicit, false, true),
        (RegistrationMode::Explicit, true, true),
        (RegistrationMode::OnFirstSync, false, false),
    ] {
        let id = ada().id();
        let mut visitors = MockVisitorStore::new();
        visitors
            .expect_find()
            .times(usize::from(expected))
            .returning(move |_| {
                Ok(known.then_some(Visitor {
                    id,
                    change_counter: 0,
                    usage: Usage::default(),
                }))
            });
        let sync = SyncConversations::new(
            Arc::new(MockSyncStore::new()),
            Arc::new(visitors),
            Arc::new(heard_by_nobody()),
            Arc::new(MockClock::new()),
            SyncSettings {
                max_clock_skew_seconds: 300,
                registration: RegistrationPolicy::of_all(mode),
                quota: Quota::default(),
            },
            ByteBudget::new(MEMORY),
        );
        let admitted = known || mode == RegistrationMode::OnFirstSync;
        assert_eq!(sync.admits(&ada()).await.unwrap(), admitted);
    }
}

#[tokio::test]
async fn looks_a_visitor_up_once_until_they_are_gone() {
    let mut visitors = MockVisitorStore::new();
    let mut found = [true, false].into_iter();
    visitors.expect_find().times(2).returning(move |id| {
        Ok(found.next().unwrap().then_some(Visitor {
            id,
            change_counter: 0,
            usage: Usage::default(),
        }))
    });
    let mut store = MockSyncStore::new();
    store.expect_heads().once().returning(|_, _| Ok(None));
    let mut clock = MockClock::new();
    clock.expect_now().return_const(at(0));
    let sync = SyncConversations::new(
        Arc::new(store),
        Arc::new(visitors),
        Arc::new(heard_by_nobody()),
        Arc::new(clock),
        SyncSettings {
            max_clock_skew_seconds: 300,
            registration: RegistrationPolicy::of_all(RegistrationMode::Explicit),
            quota: Quota::default(),
        },
        ByteBudget::new(MEMORY),
    );
    for _ in 0..3 {
        assert!(sync.admits(&ada()).await.unwrap());
    }
    let nothing = Submission::<Text> {
        conversations: Vec::new(),
        leaves_out_invalid: false,
    };
    let refused = sync.run(&ada(), &nothing).await.unwrap_err();
    assert!(matches!(refused, SyncError::UnknownVisitor));
    assert!(!sync.admits(&ada()).await.unwrap());
}
