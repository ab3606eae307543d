//! What is stored of visitors and items, and the columns that hold it.

use uuid::Uuid;

use convosync_domain::identity::{MessageId, VisitorIdentity};
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

const UNREGISTERED: i32 = 0;
const REGISTERED: i32 = 1;

/// What is stored of an identity beside the visitor's key: its kind, and a `user_id`.
pub(crate) fn kind_and_user_id(identity: &VisitorIdentity) -> (i32, Option<String>) {
    let kind = match identity {
        VisitorIdentity::Anonymous(_) => UNREGISTERED,
        VisitorIdentity::Registered(_) => REGISTERED,
    };
    (kind, identity.user_id().map(str::to_owned))
}
