use std::sync::Mutex;

use convosync_domain::archive::ArchivedMessage;
use convosync_domain::change_set::Write;
use convosync_domain::conversation::Conversation;
use convosync_domain::identity::{ConversationId, MessageId};
use convosync_domain::message::{Message, MessageFields};
use convosync_domain::ports::{
    MessageHead, MockChangeNotifier, MockClock, MockMergeStore, MockStoreArchive, MockSyncStore,
    MockVisitorStore,
};
use convosync_domain::posted::Digest;
use convosync_domain::stored::{
    ConversationHistory, MessageHistory, StoredConversation, StoredMessage,
};
use convosync_domain::timestamp::Timestamp;
use convosync_domain::usage::{Quota, Usage};
use uuid::Uuid;

use super::*;
use crate::access::OpenAccess;
use crate::byte_budget::ByteBudget;
use crate::sync::{ATTEMPTS, RegistrationPolicy, SyncSettings};

const QUOTA: Quota = Quota {
    max_conversations: Some(3),
    max_content_bytes: None,
};
/// The memory for what is merged, in bytes.
const MEMORY: usize = 1_000;

fn at(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros).unwrap()
}

fn user() -> AuthorizedVisitor {
    OpenAccess.believe(VisitorIdentity::registered("ada").unwrap())
}

fn anonymous() -> AuthorizedVisitor {
    OpenAccess.believe(VisitorIdentity::anonymous("secret").unwrap())
}

fn key(number: u128) -> ConversationId {
    ConversationId::from_uuid(Uuid::from_u128(number))
}

/// A living message with a digest of its number.
fn message(number: u8, timestamp: Option<Timestamp>) -> StoredMessage {
    let fields = MessageFields {
        timestamp,
        img: Some("x".into()),
        ..MessageFields::default()
    };
    StoredMessage {
        id: MessageId::from_uuid(Uuid::from_u128(number.into())),
        history: MessageHistory::default(),
        content: Some(Box::new(Message {
            fields,
            request: None,
            response: None,
            output: None,
        })),
        digest: Some(Digest([number; 16])),
    }
}

fn conversation(number: u128) -> StoredConversation {
    StoredConversation {
        id: key(number),
        history: ConversationHistory::default(),
        content: Some(Conversation::default()),
    }
}

fn archived(number: u128, messages: Vec<StoredMessage>) -> ArchivedConversation {
    let messages = messages.into_iter().map(|message| ArchivedMessage {
        message,
        change_number: 1,
    });
    ArchivedConversation {
        conversation: conversation(number),
        change_number: 1,
        messages: messages.collect(),
    }
}

/// What the mocks answer, and what they were told.
struct Stores {
    visitors: MockVisitorStore,
    sync: MockSyncStore,
    merge: MockMergeStore,
    archive: MockStoreArchive,
    registration: RegistrationMode,
    notices: Arc<Mutex<Vec<ChangeNotice>>>,
}

impl Stores {
    fn new() -> Self {
        Self {
            visitors: MockVisitorStore::new(),
            sync: MockSyncStore::new(),
            merge: MockMergeStore::new(),
            archive: MockStoreArchive::new(),
            registration: RegistrationMode::Explicit,
            notices: Arc::default(),
        }
    }

    fn finds(&mut self, visitor: &AuthorizedVisitor, found: Option<(u64, u64)>) {
        let id = visitor.id();
        let found = found.map(|(change_counter, content_bytes)| Visitor {
            id,
            change_counter,
            usage: Usage {
                conversations: 1,
                content_bytes,
            },
        });
        self.visitors
            .expect_find()
            .withf(move |asked| *asked == id)
            .returning(move |_| Ok(found));
    }

    fn gone(&mut self, visitor: &AuthorizedVisitor, gone: VisitorGone) {
        let id = visitor.id();
        self.visitors
            .expect_find()
            .withf(move |asked| *asked == id)
            .returning(move |_| Err(StoreError::VisitorGone(gone)));
    }

    /// The anonymous visitor has this, a conversation a page.
    fn has(&mut self, pages: Vec<ArchivedConversation>) {
        self.archive
            .expect_items()
            .withf(|id, _, _| *id == anonymous().id())
            .returning(move |_, after, _| {
                let read = after.map_or(0, |after| {
                    let is_last = |page: &ArchivedConversation| page.place() == after;
                    pages.iter().position(is_last).unwrap() + 1
                });
                Ok(pages.get(read).cloned().into_iter().collect())
            });
    }

    async fn merge(self) -> (Result<Counts, MergeError>, Vec<ChangeNotice>) {
        let notices = Arc::clone(&self.notices);
        let told = Arc::clone(&self.notices);
        let mut notifier = MockChangeNotifier::new();
        notifier
            .expect_notify()
            .returning(move |notice| told.lock().unwrap().push(notice));
        let mut clock = MockClock::new();
        clock.expect_now().returning(|| at(1_000));
        let settings = SyncSettings {
            max_clock_skew_seconds: 300,
            registration: RegistrationPolicy::of_all(self.registration),
            quota: QUOTA,
        };
        let memory = ByteBudget::new(MEMORY);
        let sync = SyncConversations::new(
            Arc::new(self.sync),
            Arc::new(self.visitors),
            Arc::new(notifier),
            Arc::new(clock),
            settings,
            memory.clone(),
        );
        let merge =
            MergeVisitors::new(Arc::new(sync), Arc::new(self.merge), Arc::new(self.archive));
        let merged = merge.run(&user(), &anonymous()).await;
        assert_eq!(memory.left(), MEMORY);
        let notices = notices.lock().unwrap().clone();
        (merged, notices)
    }
}

/// A user at change 7 who has conversation 1 with message 1, and an anonymous visitor at change 4.
fn two() -> Stores {
    let mut stores = Stores::new();
    stores.finds(&user(), Some((7, 100)));
    stores.finds(&anonymous(), Some((4, 100)));
    stores.sync.expect_heads().returning(|_, _| {
        Ok(Some(Heads {
            change_counter: 7,
            conversations: vec![ConversationHead {
                conversation: conversation(1),
                messages: vec![MessageHead {
                    key: message(1, None).id.key(),
                    digest: None,
                    content_bytes: 100,
                }],
            }],
        }))
    });
    stores.sync.expect_load().returning(|_, _| {
        let mut stored = message(1, Some(at(1)));
        stored.digest = None;
        stored.content.as_mut().unwrap().fields.img = None;
        Ok(vec![(key(1).key(), stored)])
    });
    stores
}

fn digests(changes: &ChangeSet) -> Vec<(u128, bool, Option<u8>)> {
    let written = changes.conversations.iter().flat_map(|it| &it.messages);
    let shown = written.map(|write| {
        let number = write.item().id.key().as_uuid().as_u128();
        let digest = write.item().digest.map(|digest| digest.0[0]);
        (number, write.is_insert(), digest)
    });
    shown.collect()
}

#[tokio::test]
async fn everything_enters_as_one_post_and_the_anonymous_visitor_goes() {
    let mut stores = two();
    let now = Some(at(5));
    stores.has(vec![
        // One that goes on with the next page, and whose message 1 the user has.
        archived(1, vec![message(1, now), message(2, now)]),
        archived(1, vec![message(3, None)]),
        archived(2, vec![]),
    ]);
    stores
        .merge
        .expect_merge()
        .withf(|into, changes, merged| {
            let Write::Insert(created) = changes.conversations[1].conversation.as_ref().unwrap()
            else {
                return false;
            };
            // The text of a message that the user had, or that had no moment, may change something yet.
            assert_eq!(
                digests(changes),
                [(1, false, None), (2, true, Some(2)), (3, true, None)]
            );
            assert_eq!((changes.change_counter, changes.quota), (7, QUOTA));
            assert_eq!(
                (changes.received_at, &changes.registers),
                (at(1_000), &None)
            );
            assert_eq!((merged.change_counter, merged.at), (4, at(1_000)));
            assert_eq!(created.id, key(2));
            *into == user().id() && merged.id == anonymous().id()
        })
        .once()
        .returning(|_, _, _| Ok(8));
    let (merged, notices) = stores.merge().await;
    let counts = Counts {
        created: 1,
        updated: 1,
        messages_created: 2,
        messages_updated: 1,
    };
    assert_eq!(merged.unwrap(), counts);
    let [at_8, gone] = [
        (user().id(), Standing::At(8)),
        (anonymous().id(), Standing::Gone),
    ]
    .map(|(visitor, standing)| ChangeNotice { visitor, standing });
    assert_eq!(notices, [at_8, gone]);
}

#[tokio::test]
async fn an_anonymous_visitor_who_has_nothing_goes_too() {
    let mut stores = two();
    stores.has(vec![]);
    stores
        .merge
        .expect_merge()
        .withf(|_, changes, _| changes.conversations.is_empty())
        .once()
        .returning(|_, _, _| Ok(7));
    assert_eq!(stores.merge().await.0.unwrap(), Counts::default());
}

#[tokio::test(start_paused = true)]
async fn a_lost_race_is_computed_again() {
    let mut stores = two();
    stores.has(vec![archived(2, vec![])]);
    let mut lost = vec![
        StoreError::VisitorGone(VisitorGone::Erased),
        StoreError::Conflict,
    ];
    stores
        .merge
        .expect_merge()
        .times(3)
        .returning(move |_, _, _| lost.pop().map_or(Ok(8), Err));
    let (merged, notices) = stores.merge().await;
    assert_eq!((merged.unwrap().created, notices.len()), (1, 2));

    let mut stores = two();
    stores.has(vec![archived(2, vec![])]);
    stores
        .merge
        .expect_merge()
        .times(usize::try_from(ATTEMPTS).unwrap())
        .returning(|_, _, _| Err(StoreError::Conflict));
    let (merged, notices) = stores.merge().await;
    let Err(MergeError::Store(StoreError::Unavailable { .. })) = merged else {
        panic!("{merged:?}");
    };
    assert!(notices.is_empty());
}

#[tokio::test]
async fn what_was_merged_is_merged_once_and_into_one_user() {
    let mut stores = Stores::new();
    stores.finds(&user(), Some((7, 100)));
    stores.gone(&anonymous(), VisitorGone::Merged { into: user().id() });
    let (merged, notices) = stores.merge().await;
    assert_eq!((merged.unwrap(), notices.len()), (Counts::default(), 0));

    let mut stores = Stores::new();
    stores.finds(&user(), Some((7, 100)));
    let into = VisitorId::from_uuid(Uuid::from_u128(9));
    stores.gone(&anonymous(), VisitorGone::Merged { into });
    let (merged, _) = stores.merge().await;
    assert!(matches!(merged, Err(MergeError::MergedElsewhere)));
}

#[tokio::test]
async fn visitors_who_are_not_there_are_not_merged() {
    let erased = VisitorGone::Erased;
    let mut stores = Stores::new();
    stores.finds(&user(), None);
    let (merged, _) = stores.merge().await;
    assert!(matches!(merged, Err(MergeError::UnknownVisitor)));

    let mut stores = Stores::new();
    stores.gone(&user(), erased);
    let (merged, _) = stores.merge().await;
    let Err(MergeError::Store(StoreError::VisitorGone(VisitorGone::Erased))) = merged else {
        panic!("{merged:?}");
    };

    let mut stores = Stores::new();
    stores.finds(&user(), Some((7, 1)));
    stores.finds(&anonymous(), None);
    let (merged, _) = stores.merge().await;
    assert!(matches!(merged, Err(MergeError::UnknownVisitor)));

    let mut stores = Stores::new();
    stores.finds(&user(), Some((7, 1)));
    stores.gone(&anonymous(), erased);
    let (merged, _) = stores.merge().await;
    let Err(MergeError::Store(StoreError::VisitorGone(VisitorGone::Erased))) = merged else {
        panic!("{merged:?}");
    };
}

#[tokio::test]
async fn a_user_who_may_register_by_posting_is_registered_by_the_merge() {
    let mut stores = Stores::new();
    stores.registration = RegistrationMode::OnFirstSync;
    stores.finds(&user(), None);
    stores.finds(&anonymous(), Some((4, 100)));
    stores.has(vec![archived(2, vec![])]);
    stores.sync.expect_heads().returning(|_, _| Ok(None));
    stores
        .merge
        .expect_merge()
        .withf(|_, changes, _| {
            let registration = VisitorRegistration {
                identity: user().identity().clone(),
                registered_at: at(1_000),
            };
            changes.registers == Some(registration) && changes.change_counter == 0
        })
        .once()
        .returning(|_, _, _| Ok(1));
    assert_eq!(stores.merge().await.0.unwrap().created, 1);
}

#[tokio::test]
async fn a_quota_holds_for_what_is_merged() {
    let mut stores = two();
    stores.has(vec![archived(2, vec![])]);
    stores.merge.expect_merge().once().returning(|_, _, _| {
        let exceeded = QuotaExceeded::Conversations(3);
        Err(StoreError::QuotaExceeded(exceeded))
    });
    let (merged, notices) = stores.merge().await;
    assert!(matches!(merged, Err(MergeError::QuotaExceeded(_))));
    assert!(notices.is_empty());
}

#[tokio::test]
async fn more_than_there_is_memory_for_is_refused() {
    // What is to be merged, or with what the user has of it: 100 bytes of a message, one of a conversation.
    for (bytes, reads) in [(501, false), (400, true)] {
        let mut stores = two();
        stores.visitors.checkpoint();
        stores.finds(&user(), Some((7, 100)));
        stores.finds(&anonymous(), Some((4, bytes)));
        if reads {
            stores.has(vec![archived(1, vec![message(1, None)])]);
        }
        let (merged, _) = stores.merge().await;
        assert!(matches!(
            merged,
            Err(MergeError::TooMuchStored { most: 500 })
        ));
    }
}

#[tokio::test]
async fn only_anonymous_visitors_are_merged_and_only_into_users() {
    let stores = || {
        let visitors = Arc::new(MockVisitorStore::new());
        let settings = SyncSettings {
            max_clock_skew_seconds: 300,
            registration: RegistrationPolicy::of_all(RegistrationMode::Explicit),
            quota: QUOTA,
        };
        let sync = SyncConversations::new(
            Arc::new(MockSyncStore::new()),
            visitors,
            Arc::new(MockChangeNotifier::new()),
            Arc::new(MockClock::new()),
            settings,
            ByteBudget::unbounded(),
        );
        let merge = Arc::new(MockMergeStore::new());
        MergeVisitors::new(Arc::new(sync), merge, Arc::new(MockStoreArchive::new()))
    };
    for (into, from) in [
        (user(), user()),
        (anonymous(), anonymous()),
        (anonymous(), user()),
    ] {
        let merged = stores().run(&into, &from).await;
        assert!(matches!(merged, Err(MergeError::WrongKind)));
    }
}
