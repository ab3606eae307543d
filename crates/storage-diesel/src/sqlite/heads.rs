//! The heads of what a post names.

use diesel::connection::DefaultLoadingMode;
use diesel::prelude::*;
use uuid::Uuid;

use convosync_domain::identity::{MessageKey, VisitorId};
use convosync_domain::ports::{ConversationHead, Heads, MessageHead, NamedConversation};

use super::errors::SqliteError;
use super::items;
use super::read_pool::ReadTime;
use super::schema::{MessageHeadRow, messages};
use super::visitors;
use crate::items::bytes_of;
use crate::types::UuidKey;

/// So few messages are looked up one by one.
const FEW: usize = 4;

/// The visitor's counter and the heads of what is named, inside one transaction.
pub(super) fn heads(
    connection: &mut SqliteConnection,
    visitor: VisitorId,
    named: &[NamedConversation],
) -> Result<Option<Heads>, SqliteError> {
    let Some(visitor) = visitors::find(connection, visitor)? else {
        return Ok(None);
    };
    let mut heads = Heads {
        change_counter: visitor.change_counter,
        conversations: Vec::new(),
    };
    let time = ReadTime::begin();
    for named in named {
        time.check()?;
        if let Some(row) = items::find_conversation(connection, visitor.id, named.key)? {
            heads.conversations.push(ConversationHead {
                messages: message_heads(connection, row.id, &named.messages)?,
                conversation: row.into(),
            });
        }
    }
    Ok(Some(heads))
}

/// A post names most messages of a conversation, or the last few of a long one. So a range of the
/// conversation is read, but no more than a few times what is named: then they are looked up.
fn message_heads(
    connection: &mut SqliteConnection,
    conversation: i64,
    named: &[MessageKey],
) -> QueryResult<Vec<MessageHead>> {
    if named.len() > FEW {
        let limit = named.len().saturating_mul(2).saturating_add(16);
        let range: Vec<MessageHeadRow> = messages::table
            .filter(messages::conversation.eq(conversation))
            .select(MessageHeadRow::columns())
            .load_iter::<MessageHeadRow, DefaultLoadingMode>(connection)?
            .take(limit)
            .collect::<QueryResult<_>>()?;
        if range.len() < limit {
            let mut named = named.to_vec();
            named.sort_unstable();
            let is_named = |head: &MessageHead| named.binary_search(&head.key).is_ok();
            return Ok(range.iter().map(head).filter(is_named).collect());
        }
    }
    let mut heads = Vec::with_capacity(named.len());
    for key in named {
        heads.extend(find_head(connection, conversation, key.as_uuid())?);
    }
    Ok(heads)
}

fn find_head(
    connection: &mut SqliteConnection,
    conversation: i64,
    id: Uuid,
) -> QueryResult<Option<MessageHead>> {
    let row = messages::table
        .filter(messages::conversation.eq(conversation))
        .filter(messages::uuid.eq(UuidKey(id)))
        .select(MessageHeadRow::columns())
        .get_result(connection)
        .optional()?;
    Ok(row.as_ref().map(head))
}

fn head(row: &MessageHeadRow) -> MessageHead {
    MessageHead {
        key: MessageKey::from_uuid(row.uuid),
        digest: row.digest,
        content_bytes: bytes_of(row.content_bytes),
    }
}
