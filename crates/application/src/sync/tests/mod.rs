//! The sync use case on mocks.

use std::sync::atomic::{AtomicUsize, Ordering};

use convosync_domain::change_set::{Counts, Write};
use convosync_domain::conversation::{Conversation, ConversationPatch};
use convosync_domain::feed::{FeedPosition, LeftOut};
use convosync_domain::identity::{ConversationId, ConversationKey, MessageId, VisitorIdentity};
use convosync_domain::message::{Message, MessagePatch};
use convosync_domain::patch::Patch;
use convosync_domain::ports::{
    ConversationHead, MessageHead, MockChangeNotifier, MockClock, MockSyncStore, MockVisitorStore,
    Visitor,
};
use convosync_domain::posted::{Digest, PostedChange};
use convosync_domain::stored::{MessageHistory, StoredConversation, StoredMessage};
use convosync_domain::timestamp::Timestamp;
use convosync_domain::usage::Usage;
use mockall::Sequence;
use uuid::Uuid;

use super::*;
use crate::access::OpenAccess;
use crate::pull_changes::Since;

mod deletions;
mod memory;
mod races;
mod reading;
mod registration;
mod turns;
mod violations;

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

    fn read(&self) -> Result<MessageReading, Vec<&'static str>> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        if !self.violations.is_empty() {
            return Err(self.violations.clone());
        }
        if let Some(deleted_at) = self.deleted_at {
            let updated_at = None;
            return Ok(reading(PostedChange::Deletion {
                deleted_at,
                updated_at,
            }));
        }
        let mut patch = MessagePatch::default();
        patch.fields.img = self
            .img
            .map_or(Patch::NotSent, |img| Patch::Value(img.into()));
        Ok(reading(PostedChange::Fields {
            updated_at: None,
            patch,
        }))
    }
}

fn reading(change: PostedChange<MessagePatch>) -> MessageReading {
    MessageReading {
        change,
        is_mended: false,
    }
}

impl Text {
    fn reads(&self) -> usize {
        self.reads.load(Ordering::Relaxed)
    }
}

/// The memory for what is stored, in bytes.
const MEMORY: usize = 1_000;
/// How much a visitor may have.
const QUOTA: Quota = Quota {
    max_conversations: Some(3),
    max_content_bytes: Some(100),
};

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
        is_mended: false,
        messages,
    };
    Submission {
        conversations: vec![conversation],
        leaves_out_invalid: false,
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
            key: message_id(*number).key(),
            digest: digested.map(digest),
            content_bytes: 100,
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

fn stored_message(number: u128) -> (ConversationKey, StoredMessage) {
    let message = StoredMessage {
        id: message_id(number),
        history: MessageHistory::default(),
        content: Some(Box::new(Message::default())),
        digest: None,
    };
    (conversation_id().key(), message)
}

fn ada() -> AuthorizedVisitor {
    OpenAccess.believe(VisitorIdentity::registered("ada").unwrap())
}

fn use_case(store: MockSyncStore, registration: RegistrationMode) -> SyncConversations {
    let mut clock = MockClock::new();
    clock.expect_now().returning(|| at(1_000));
    let settings = SyncSettings {
        max_clock_skew_seconds: 300,
        registration: RegistrationPolicy::of_all(registration),
        quota: QUOTA,
    };
    let visitors = MockVisitorStore::new();
    SyncConversations::new(
        Arc::new(store),
        Arc::new(visitors),
        Arc::new(heard_by_nobody()),
        Arc::new(clock),
        settings,
        ByteBudget::new(MEMORY),
    )
}

/// A notifier that takes any notice.
fn heard_by_nobody() -> MockChangeNotifier {
    let mut notifier = MockChangeNotifier::new();
    notifier.expect_notify().returning(|_| ());
    notifier
}

fn explicit(store: MockSyncStore) -> SyncConversations {
    use_case(store, RegistrationMode::Explicit)
}
