//! The stored messages that a post names and that differ from what it says.

use diesel::prelude::*;

use convosync_domain::identity::{ConversationId, VisitorId};
use convosync_domain::ports::NamedConversation;
use convosync_domain::stored::StoredMessage;

use super::errors::SqliteError;
use super::{items, visitors};

/// The named messages that are stored, inside one transaction.
pub(super) fn load(
    connection: &mut SqliteConnection,
    visitor: VisitorId,
    named: Vec<NamedConversation>,
) -> Result<Vec<(ConversationId, StoredMessage)>, SqliteError> {
    let mut loaded = Vec::new();
    let Some(visitor) = visitors::find(connection, visitor)? else {
        return Ok(loaded);
    };
    for named in named {
        let row = items::find_conversation_row(connection, visitor.id, named.id)?;
        let Some(conversation) = row else {
            continue;
        };
        for message in named.messages {
            if let Some(rows) = items::find_message(connection, conversation, message)? {
                loaded.push((named.id, rows.into()));
            }
        }
    }
    Ok(loaded)
}
