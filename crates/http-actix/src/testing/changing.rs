//! A visitor who changes while somebody waits for it.

use std::sync::{Arc, Mutex};

use convosync_application::cursor::Cursor;
use convosync_application::live::ChangeHub;
use convosync_domain::conversation::Conversation;
use convosync_domain::feed::{ChangedConversation, ChangesPage, FeedPosition, PageRead};
use convosync_domain::identity::{ConversationId, VisitorId, VisitorIdentity};
use convosync_domain::json::JsonValue;
use convosync_domain::ports::{ChangeNotice, ChangeNotifier as _, Standing, StoreError, Visitor};
use convosync_domain::stored::{ConversationHistory, StoredConversation};
use convosync_domain::tombstone::VisitorGone;
use convosync_domain::usage::Usage;
use uuid::Uuid;

use super::Ports;

/// The visitor `user_id=u`, each of whose changes is a conversation of its own, whose number in hexadecimal digits
/// is the end of its id.
#[derive(Clone)]
pub(crate) struct Changing {
    state: Arc<Mutex<State>>,
    hub: Arc<ChangeHub>,
}

struct State {
    standing: Standing,
    /// The bytes of the title of each conversation.
    title: usize,
    /// How the store fails, if it does.
    failure: Option<fn() -> StoreError>,
}

impl Changing {
    /// The visitor at this change counter, and ports to a store that has it.
    pub(crate) fn at(change_counter: u64) -> (Self, Ports) {
        let mut ports = Ports::new();
        let changing = Self {
            state: Arc::new(Mutex::new(State {
                standing: Standing::At(change_counter),
                title: 0,
                failure: None,
            })),
            hub: ports.hub.clone(),
        };
        let found = changing.clone();
        ports.visitors.expect_find().returning(move |id| {
            let change_counter = found.change_counter()?;
            Ok(Some(Visitor {
                id,
                change_counter,
                usage: Usage::default(),
            }))
        });
        let read = changing.clone();
        ports
            .feed
            .expect_changes()
            .returning(move |_, request, admit| {
                let page = read.page(request.position, request.limit)?;
                let changed = page.conversations.iter();
                let bytes = changed.map(|changed| changed.conversation.content_bytes());
                Ok(Some(match admit(bytes.sum()) {
                    true => PageRead::Page(page),
                    false => PageRead::NotAdmitted,
                }))
            });
        (changing, ports)
    }

    /// Makes the titles of the conversations so long.
    pub(crate) fn with_titles_of(self, bytes: usize) -> Self {
        self.state.lock().unwrap().title = bytes;
        self
    }

    /// Something is written, and told.
    pub(crate) fn moves_to(&self, standing: Standing) {
        self.state.lock().unwrap().standing = standing;
        self.hub.notify(ChangeNotice {
            visitor: visitor(),
            standing,
        });
    }

    /// From now on the store fails so, or not any more.
    pub(crate) fn fails(&self, failure: Option<fn() -> StoreError>) {
        self.state.lock().unwrap().failure = failure;
    }

    fn change_counter(&self) -> Result<u64, StoreError> {
        let state = self.state.lock().unwrap();
        if let Some(failure) = state.failure {
            return Err(failure());
        }
        match state.standing {
            Standing::At(change_counter) => Ok(change_counter),
            Standing::Gone => Err(StoreError::VisitorGone(VisitorGone::Erased)),
        }
    }

    fn page(
        &self,
        position: Option<FeedPosition>,
        limit: usize,
    ) -> Result<ChangesPage, StoreError> {
        let change_counter = self.change_counter()?;
        let since = position.map_or(0, |position| position.since);
        let through = change_counter.min(since + u64::try_from(limit).unwrap());
        let title = self.state.lock().unwrap().title;
        let changes = since + 1..=through;
        Ok(ChangesPage {
            conversations: changes.map(|number| conversation(number, title)).collect(),
            next: position_at(through.max(since)),
            has_more: through < change_counter,
            change_counter,
        })
    }
}

fn visitor() -> VisitorId {
    VisitorId::from(&VisitorIdentity::registered("u").unwrap())
}

fn position_at(since: u64) -> FeedPosition {
    FeedPosition {
        since,
        dead_left_out_through: None,
        last: None,
    }
}

/// A cursor of the visitor in the epoch of the test ports.
pub(crate) fn cursor(since: u64) -> String {
    cursor_of(since, 5)
}

/// A cursor of the visitor in this epoch.
pub(crate) fn cursor_of(since: u64, epoch: u128) -> String {
    let (epoch, position) = (Uuid::from_u128(epoch), position_at(since));
    Cursor { epoch, position }.encode(visitor())
}

/// A conversation of which a value was sent in several lines.
fn conversation(number: u64, title: usize) -> ChangedConversation {
    let lines = JsonValue::parse("{\r\n\"a\": \"\\n\"\n}").unwrap();
    let content = Conversation {
        title: Some("t".repeat(title)),
        extra: [("x".to_owned(), lines)].into(),
        ..Conversation::default()
    };
    ChangedConversation {
        conversation: StoredConversation {
            id: ConversationId::from_uuid(Uuid::from_u128(number.into())),
            history: ConversationHistory::default(),
            content: Some(content),
        },
        messages: Vec::new(),
    }
}
