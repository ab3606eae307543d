//! The server's clock is set back: change numbers still rise, and what is posted then counts as it always does.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a panic in a test is its result"
)]

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use convosync_application::access::{AuthorizedVisitor, OpenAccess};
use convosync_application::byte_budget::ByteBudget;
use convosync_application::pull_changes::{PullChanges, PullSettings, Pulled};
use convosync_application::sync::deletion::{DeleteItem, NamedItem, Precondition};
use convosync_application::sync::{
    MessageReading, MessageText, RegistrationMode, RegistrationPolicy, Submission,
    SubmittedConversation, SubmittedMessage, SyncConversations, SyncSettings,
};
use convosync_domain::conversation::ConversationPatch;
use convosync_domain::identity::{ConversationId, MessageId, VisitorIdentity};
use convosync_domain::message::MessagePatch;
use convosync_domain::patch::Patch;
use convosync_domain::ports::{ChangeNotice, ChangeNotifier, Clock, StoreIdentity};
use convosync_domain::posted::{Digest, PostedChange};
use convosync_domain::timestamp::Timestamp;
use convosync_domain::usage::Quota;
use convosync_storage_contract::MemoryStore;
use uuid::Uuid;

const HOUR: i64 = 3_600_000_000;
const TEN: i64 = 10 * HOUR;

/// A clock that somebody sets.
struct WallClock(AtomicI64);

impl Clock for WallClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::Relaxed)).unwrap()
    }
}

struct Nobody;

impl ChangeNotifier for Nobody {
    fn notify(&self, _: ChangeNotice) {}
}

struct Text {
    img: String,
    updated_at: Option<Timestamp>,
}

impl MessageText for Text {
    type Violation = Infallible;

    fn read(&self) -> Result<MessageReading, Vec<Infallible>> {
        let mut patch = MessagePatch::default();
        patch.fields.img = Patch::Value(self.img.clone());
        Ok(MessageReading {
            change: PostedChange::Fields {
                updated_at: self.updated_at,
                patch,
            },
            is_mended: false,
        })
    }
}

/// A server whose store is empty, and a visitor of it.
struct Server {
    clock: Arc<WallClock>,
    sync: Arc<SyncConversations>,
    delete: DeleteItem,
    pull: PullChanges,
    ada: AuthorizedVisitor,
    posts: u8,
}

impl Server {
    fn at(micros: i64) -> Self {
        let epoch = Uuid::from_u128(1);
        let store = MemoryStore::new(StoreIdentity {
            epoch,
            digest_seed: 1,
        });
        let store = Arc::new(store);
        let clock = Arc::new(WallClock(AtomicI64::new(micros)));
        let settings = SyncSettings {
            max_clock_skew_seconds: 300,
            registration: RegistrationPolicy::of_all(RegistrationMode::OnFirstSync),
            quota: Quota::default(),
        };
        let sync = Arc::new(SyncConversations::new(
            store.clone(),
            store.clone(),
            Arc::new(Nobody),
            clock.clone(),
            settings,
            ByteBudget::unbounded(),
        ));
        let pages = PullSettings {
            page_bytes: 1_000_000,
            memory: ByteBudget::unbounded(),
        };
        Self {
            clock,
            delete: DeleteItem::new(Arc::clone(&sync), store.clone()),
            sync,
            pull: PullChanges::new(store.clone(), store, epoch, pages),
            ada: OpenAccess.believe(VisitorIdentity::registered("ada").unwrap()),
            posts: 0,
        }
    }

    fn set_clock(&self, micros: i64) {
        self.clock.0.store(micros, Ordering::Relaxed);
    }

    /// Posts the one message with another picture.
    async fn post(&mut self, img: &str, updated_at: Option<i64>) {
        self.posts += 1;
        let text = Text {
            img: img.to_owned(),
            updated_at: updated_at.map(|micros| Timestamp::from_micros(micros).unwrap()),
        };
        let message = SubmittedMessage {
            id: MessageId::from_uuid(Uuid::from_u128(1)),
            digest: Digest([self.posts; 16]),
            text,
        };
        let conversation = SubmittedConversation {
            id: conversation(),
            change: PostedChange::Fields {
                updated_at: None,
                patch: ConversationPatch::default(),
            },
            is_mended: false,
            messages: vec![message],
        };
        let submission = Submission {
            conversations: vec![conversation],
            leaves_out_invalid: false,
        };
        let taken = self.sync.run(&self.ada, &submission).await;
        assert!(taken.is_ok(), "{img}");
    }

    async fn pull(&self, since: Option<&str>) -> Pulled {
        self.pull.run(&self.ada, since, 10).await.unwrap()
    }
}

fn conversation() -> ConversationId {
    ConversationId::from_uuid(Uuid::from_u128(7))
}

/// The pictures that a page brings.
fn pictures(pulled: &Pulled) -> Vec<String> {
    let conversations = pulled.page.conversations.iter();
    let messages = conversations.flat_map(|changed| &changed.messages);
    let living = messages.filter_map(|message| message.content.as_ref());
    living
        .filter_map(|content| content.fields.img.clone())
        .collect()
}

#[tokio::test]
async fn what_is_posted_after_the_clock_is_set_back_has_the_next_numbers() {
    let mut server = Server::at(TEN);
    server.post("first", None).await;
    server.post("stamped", Some(TEN)).await;
    let mut pulled = server.pull(None).await;
    assert_eq!(pictures(&pulled), ["stamped"]);
    let mut counter = pulled.page.change_counter;

    server.set_clock(TEN - HOUR);
    // The device's clock is right: its stamps are from the future now, each of which counts once.
    for (img, updated_at) in [
        ("a second later", TEN + 1_000_000),
        ("two seconds later", TEN + 2_000_000),
    ] {
        server.post(img, Some(updated_at)).await;
        let next = server.pull(Some(&pulled.cursor)).await;
        assert!(next.page.change_counter >= counter, "{img}");
        counter = next.page.change_counter;
        pulled = next;
    }
    // A new item, and one that goes.
    let item = NamedItem {
        conversation: conversation(),
        message: None,
    };
    let deleted = server.delete.run(&server.ada, &item, Precondition::None);
    deleted.await.unwrap();
    let next = server.pull(Some(&pulled.cursor)).await;
    assert!(next.page.change_counter > counter);
    assert_eq!(next.page.conversations.len(), 1);
    assert!(next.page.conversations[0].conversation.content.is_none());
}

#[tokio::test]
async fn edits_without_stamps_are_taken_in_the_order_of_their_arrival() {
    let mut server = Server::at(TEN);
    let mut pulled = server.pull_after_post("at ten").await;
    for (micros, img) in [
        (TEN - HOUR, "at nine"),
        (TEN - HOUR + 1, "a little later"),
        (0, "in 1970"),
        (TEN + HOUR, "at eleven"),
    ] {
        server.set_clock(micros);
        let counter = pulled.page.change_counter;
        let cursor = pulled.cursor;
        server.post(img, None).await;
        pulled = server.pull(Some(&cursor)).await;
        assert_eq!(pictures(&pulled), [img]);
        assert_eq!(pulled.page.change_counter, counter + 1);
    }
}

impl Server {
    async fn pull_after_post(&mut self, img: &str) -> Pulled {
        self.post(img, None).await;
        self.pull(None).await
    }
}
