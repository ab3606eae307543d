//! The sync use case on mocks.

use std::sync::atomic::{AtomicUsize, Ordering};

use convosync_domain::change_set::Write;
use convosync_domain::conversation::{Conversation, ConversationPatch};
use convosync_domain::identity::{ConversationId, MessageId};
use convosync_domain::message::{Message, MessagePatch};
use convosync_domain::patch::Patch;
use convosync_domain::ports::{MessageHead, MockClock, MockSyncStore, MockVisitorStore, Visitor};
use convosync_domain::posted::{Digest, PostedChange};
use convosync_domain::stored::{MessageHistory, StoredConversation, StoredMessage};
use convosync_domain::timestamp::Timestamp;
use mockall::Sequence;
use uuid::Uuid;

use super::*;

/// A text that counts how often it is read.
#[derive(Default)]
struct Text {
    img: Option<&'static str>,
    deleted_at: Option<Timestamp>,
    violations: Vec<&'static str>,
    reads: AtomicUsize,
}

impl MessageText for Text {
    type Violation = &'static str;

    fn read(&self) -> Result<PostedChange<MessagePatch>, Vec<&'static str>> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        if !self.violations.is_empty() {
            return Err(self.violations.clone());
        }
        if let Some(deleted_at) = self.deleted_at {
            return Ok(PostedChange::Deletion {
                deleted_at,
                updated_at: None,
            });
        }
        let mut patch = MessagePatch::default();
        patch.fields.img = self
            .img
            .map_or(Patch::NotSent, |img| Patch::Value(img.into()));
        Ok(PostedChange::Fields {
            updated_at: None,
            patch,
        })
    }
}

impl Text {
    fn reads(&self) -> usize {
        self.reads.load(Ordering::Relaxed)
    }
}

fn at(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros).unwrap()
}

fn conversation_id() -> ConversationId {
    ConversationId::from_uuid(Uuid::from_u128(1))
}

fn message_id(number: u128) -> MessageId {
    MessageId::from_uuid(Uuid::from_u128(number))
}

fn digest(number: u8) -> Digest {
    Digest([number; 16])
}

fn fields() -> PostedChange<ConversationPatch> {
    let patch = ConversationPatch::default();
    PostedChange::Fields {
        updated_at: None,
        patch,
    }
}

fn message(number: u128, digested: u8, text: Text) -> SubmittedMessage<Text> {
    SubmittedMessage {
        id: message_id(number),
        digest: digest(digested),
        text,
    }
}

fn submission(messages: Vec<SubmittedMessage<Text>>) -> Submission<Text> {
    let change = fields();
    let conversation = SubmittedConversation {
        id: conversation_id(),
        change,
        messages,
    };
    Submission {
        conversations: vec![conversation],
    }
}

/// The heads of a stored, empty conversation with these messages.
fn heads(change_counter: u64, messages: &[(u128, Option<u8>)]) -> Heads {
    let conversation = StoredConversation {
        id: conversation_id(),
        history: Default::default(),
        content: Some(Conversation::default()),
    };
    let messages = messages
        .iter()
        .map(|(number, digested)| MessageHead {
            id: message_id(*number),
            digest: digested.map(digest),
        })
        .collect();
    let conversations = vec![ConversationHead {
        conversation,
        messages,
    }];
    Heads {
        change_counter,
        conversations,
    }
}

fn stored_message(number: u128) -> (ConversationId, StoredMessage) {
    let message = StoredMessage {
        id: message_id(number),
        history: MessageHistory::default(),
        content: Some(Box::new(Message::default())),
        digest: None,
    };
    (conversation_id(), message)
}

fn ada() -> VisitorIdentity {
    VisitorIdentity::registered("ada").unwrap()
}

fn use_case(store: MockSyncStore, registration: RegistrationMode) -> SyncConversations {
    let mut clock = MockClock::new();
    clock.expect_now().returning(|| at(1_000));
    let settings = SyncSettings {
        max_clock_skew_seconds: 300,
        registration,
    };
    let visitors = MockVisitorStore::new();
    SyncConversations::new(
        Arc::new(store),
        Arc::new(visitors),
        Arc::new(clock),
        settings,
    )
}

fn explicit(store: MockSyncStore) -> SyncConversations {
    use_case(store, RegistrationMode::Explicit)
}

#[tokio::test]
async fn a_new_conversation_is_written_without_loading_anything() {
    let mut store = MockSyncStore::new();
    let named = NamedConversation {
        id: conversation_id(),
        messages: vec![message_id(1), message_id(2)],
    };
    store
        .expect_heads()
        .withf(move |visitor, names| {
            *visitor == VisitorId::from(&ada()) && *names == [named.clone()]
        })
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
    let counts = explicit(store).run(&ada(), &posted).await.unwrap();
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
    let counts = explicit(store).run(&ada(), &posted).await.unwrap();
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
        id: conversation_id(),
        messages: vec![message_id(2), message_id(3)],
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
            let ids: Vec<_> = messages.iter().map(|write| write.item().id).collect();
            ids == [message_id(2), message_id(4)]
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
        .unwrap();
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

#[tokio::test]
async fn every_fault_is_told_in_order_and_nothing_is_stored() {
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
async fn no_more_than_a_hundred_faults_are_told() {
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
                identity: ada(),
                registered_at: at(1_000),
            };
            changes.registers == Some(registers) && changes.conversations.is_empty()
        })
        .once()
        .returning(|_, _| Ok(0));
    let posted = Submission::<Text> {
        conversations: vec![],
    };
    let counts = use_case(store, RegistrationMode::OnFirstSync)
        .run(&ada(), &posted)
        .await;
    assert_eq!(counts.unwrap(), Counts::default());
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
async fn a_conversation_named_twice_is_asked_for_once() {
    let mut store = MockSyncStore::new();
    let once = NamedConversation {
        id: conversation_id(),
        messages: vec![message_id(1), message_id(2)],
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
    let counts = explicit(store).run(&ada(), &posted).await.unwrap();
    let expected = Counts {
        created: 1,
        updated: 1,
        messages_created: 2,
        messages_updated: 1,
    };
    assert_eq!(counts, expected);
}

#[tokio::test]
async fn admits_the_known_and_on_first_sync_everybody() {
    for (mode, known, expected) in [
        (RegistrationMode::Explicit, false, true),
        (RegistrationMode::Explicit, true, true),
        (RegistrationMode::OnFirstSync, false, false),
    ] {
        let id = VisitorId::from(&ada());
        let mut visitors = MockVisitorStore::new();
        visitors
            .expect_find()
            .times(usize::from(expected))
            .returning(move |_| {
                Ok(known.then_some(Visitor {
                    id,
                    change_counter: 0,
                }))
            });
        let sync = SyncConversations::new(
            Arc::new(MockSyncStore::new()),
            Arc::new(visitors),
            Arc::new(MockClock::new()),
            SyncSettings {
                max_clock_skew_seconds: 300,
                registration: mode,
            },
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
        }))
    });
    let mut store = MockSyncStore::new();
    store.expect_heads().once().returning(|_, _| Ok(None));
    let mut clock = MockClock::new();
    clock.expect_now().return_const(at(0));
    let sync = SyncConversations::new(
        Arc::new(store),
        Arc::new(visitors),
        Arc::new(clock),
        SyncSettings {
            max_clock_skew_seconds: 300,
            registration: RegistrationMode::Explicit,
        },
    );
    for _ in 0..3 {
        assert!(sync.admits(&ada()).await.unwrap());
    }
    let nothing = Submission::<Text> {
        conversations: Vec::new(),
    };
    let refused = sync.run(&ada(), &nothing).await.unwrap_err();
    assert!(matches!(refused, SyncError::UnknownVisitor));
    assert!(!sync.admits(&ada()).await.unwrap());
}
