//! What both backends make of columns, and columns of what is stored.

use uuid::Uuid;

use convosync_domain::change_set::Erasure;
use convosync_domain::conversation::Conversation;
use convosync_domain::feed::ChangedMessages;
use convosync_domain::identity::{ConversationId, MessageId};
use convosync_domain::message::{
    Message, MessageFields, MessageOutput, MessageRequest, MessageResponse,
};
use convosync_domain::posted::Digest;
use convosync_domain::stored::{
    ConversationHistory, MessageHistory, StoredConversation, StoredMessage,
};

/// What the rows of a message and its parts hold, but for keys and numbers.
pub(crate) struct MessageColumns {
    pub(crate) key: Uuid,
    pub(crate) opaque_id: Option<String>,
    pub(crate) content_bytes: i64,
    pub(crate) digest: Option<Digest>,
    pub(crate) history: MessageHistory,
    pub(crate) fields: MessageFields,
    pub(crate) request: Option<MessageRequest>,
    pub(crate) response: Option<MessageResponse>,
    pub(crate) output: Option<MessageOutput>,
}

/// A tombstone has no content, whatever the columns hold.
impl From<MessageColumns> for StoredMessage {
    fn from(columns: MessageColumns) -> Self {
        let content = Message {
            fields: columns.fields,
            request: columns.request,
            response: columns.response,
            output: columns.output,
        };
        Self {
            id: MessageId::from_parts(columns.key, columns.opaque_id),
            history: columns.history,
            content: (columns.content_bytes > 0).then(|| Box::new(content)),
            digest: columns.digest,
        }
    }
}

impl From<StoredMessage> for MessageColumns {
    fn from(stored: StoredMessage) -> Self {
        let content_bytes = bytes_column(stored.content_bytes());
        let content = stored
            .content
            .map_or_else(Message::default, |content| *content);
        Self {
            key: stored.id.key().as_uuid(),
            opaque_id: stored.id.opaque().map(str::to_owned),
            content_bytes,
            digest: stored.digest,
            history: stored.history,
            fields: content.fields,
            request: content.request,
            response: content.response,
            output: content.output,
        }
    }
}

/// A conversation; a tombstone has no content, whatever the columns hold.
pub(crate) fn stored_conversation(
    id: ConversationId,
    content_bytes: i64,
    history: ConversationHistory,
    content: Conversation,
) -> StoredConversation {
    StoredConversation {
        id,
        history,
        content: (content_bytes > 0).then_some(content),
    }
}

/// What the column `content_bytes` holds: 0 is the mark of a tombstone.
pub(crate) fn bytes_column(content_bytes: usize) -> i64 {
    i64::try_from(content_bytes).unwrap_or(i64::MAX)
}

/// What that column tells of the content.
pub(crate) fn bytes_of(content_bytes: i64) -> usize {
    usize::try_from(content_bytes).unwrap_or(0)
}

/// What that column tells of the content, as usage is counted.
pub(crate) fn counted_bytes(content_bytes: i64) -> u64 {
    u64::try_from(content_bytes).unwrap_or(0)
}

/// Up to which stamp, in microseconds, living messages die by an erasure.
pub(crate) fn erased_through(erasure: Erasure) -> i64 {
    match erasure {
        Erasure::Everything => i64::MAX,
        Erasure::Through(moment) => moment.as_micros(),
    }
}

/// The change number and id that the wanted messages come after. Change numbers begin at 1, so where none
/// is named these let everything pass, in a query of the same form.
pub(crate) fn wanted_after(wanted: &ChangedMessages) -> (u64, Uuid) {
    let all = (0, Uuid::nil());
    wanted
        .after
        .map_or(all, |(number, id)| (number, id.as_uuid()))
}

/// The first id that can come after this one; `None` after the last there is.
pub(crate) fn first_after(id: Option<Uuid>) -> Option<Uuid> {
    match id {
        Some(id) => id.as_u128().checked_add(1).map(Uuid::from_u128),
        None => Some(Uuid::nil()),
    }
}

const UNREGISTERED: i32 = 0;
const REGISTERED: i32 = 1;

/// The kind of a visitor with this `user_id`, or without one.
pub(crate) fn kind_of(user_id: Option<&str>) -> i32 {
    match user_id {
        Some(_) => REGISTERED,
        None => UNREGISTERED,
    }
}
