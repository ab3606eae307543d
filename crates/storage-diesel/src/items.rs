//! What both backends make of columns, and columns of what is stored.

use uuid::Uuid;

use convosync_domain::identity::MessageId;
use convosync_domain::message::Message;
use convosync_domain::posted::Digest;
use convosync_domain::stored::{MessageHistory, StoredMessage};

/// A message; a tombstone has no content, whatever the columns hold.
pub(crate) fn stored_message(
    id: Uuid,
    living: bool,
    digest: Option<Digest>,
    history: MessageHistory,
    content: Message,
) -> StoredMessage {
    StoredMessage {
        id: MessageId::from_uuid(id),
        history,
        content: living.then(|| Box::new(content)),
        digest,
    }
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
