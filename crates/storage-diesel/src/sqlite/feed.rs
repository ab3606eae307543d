//! What a visitor's devices read: the list of conversations, and the changes page by page.

use diesel::connection::DefaultLoadingMode;
use diesel::prelude::*;

use convosync_domain::feed::{
    Admit, ChangedConversation, ChangedHead, ChangedMessage, ChangedMessages, FeedRows, PageRead,
    PageRequest, read_page,
};
use convosync_domain::identity::{ConversationId, ConversationKey, MessageKey, VisitorId};
use convosync_domain::ports::{LivingIds, NamedConversation};

use super::errors::SqliteError;
use super::schema::{
    ConversationChangeRow, ConversationIdRow, MessageChangeRow, conversations, messages,
};
use super::{items, visitors};
use crate::items::{bytes_of, wanted_after};
use crate::types::{NumberKey, UuidKey};

/// The visitor's counter and the ids of the living conversations, inside one transaction.
pub(super) fn living_ids(
    connection: &mut SqliteConnection,
    visitor: VisitorId,
) -> Result<Option<LivingIds>, SqliteError> {
    let Some(visitor) = visitors::find(connection, visitor)? else {
        return Ok(None);
    };
    let rows: Vec<ConversationIdRow> = conversations::table
        .filter(conversations::visitor.eq(visitor.id))
        .filter(conversations::content_bytes.gt(0))
        .order(conversations::uuid)
        .select(ConversationIdRow::columns())
        .load(connection)?;
    let ids = rows
        .into_iter()
        .map(|row| ConversationId::from_parts(row.uuid, row.opaque_id));
    Ok(Some(LivingIds::new(visitor.change_counter, ids)))
}

/// A page of changes, inside one transaction.
pub(super) fn changes(
    connection: &mut SqliteConnection,
    visitor: VisitorId,
    request: &PageRequest,
    admit: &Admit,
) -> Result<Option<PageRead>, SqliteError> {
    let Some(visitor) = visitors::find(connection, visitor)? else {
        return Ok(None);
    };
    let mut rows = VisitorRows {
        connection,
        visitor: visitor.id,
    };
    read_page(&mut rows, request, admit, visitor.change_counter).map(Some)
}

/// The rows of one visitor.
struct VisitorRows<'c> {
    connection: &'c mut SqliteConnection,
    visitor: i64,
}

impl FeedRows for VisitorRows<'_> {
    type Error = SqliteError;

    fn changed_heads(&mut self, since: u64) -> Result<Vec<ChangedHead>, SqliteError> {
        let rows: Vec<ConversationChangeRow> = conversations::table
            .filter(conversations::visitor.eq(self.visitor))
            .filter(conversations::latest_change.gt(NumberKey(since)))
            .select(ConversationChangeRow::columns())
            .load(self.connection)?;
        let heads = rows.into_iter().map(|row| ChangedHead {
            key: ConversationKey::from_uuid(row.uuid),
            latest_change: row.latest_change,
            change_number: row.change_number,
            content_bytes: bytes_of(row.content_bytes),
        });
        Ok(heads.collect())
    }

    fn changed_messages(
        &mut self,
        wanted: &[ChangedMessages],
    ) -> Result<Vec<Vec<ChangedMessage>>, SqliteError> {
        wanted
            .iter()
            .map(|wanted| self.changed_in(wanted))
            .collect()
    }

    fn read(
        &mut self,
        items: Vec<NamedConversation>,
    ) -> Result<Vec<ChangedConversation>, SqliteError> {
        items.into_iter().map(|named| self.whole(named)).collect()
    }
}

impl VisitorRows<'_> {
    fn changed_in(&mut self, wanted: &ChangedMessages) -> Result<Vec<ChangedMessage>, SqliteError> {
        let Some(conversation) =
            items::find_conversation_row(self.connection, self.visitor, wanted.conversation)?
        else {
            return Ok(Vec::new());
        };
        let dead_after = wanted.dead_left_out_through.unwrap_or(0);
        let (after, after_id) = wanted_after(wanted);
        let rows = messages::table
            .filter(messages::conversation.eq(conversation))
            .filter(messages::change_number.gt(NumberKey(wanted.since)))
            .filter(
                messages::content_bytes
                    .gt(0)
                    .or(messages::change_number.gt(NumberKey(dead_after))),
            )
            .filter(
                messages::change_number
                    .gt(NumberKey(after))
                    .or(messages::change_number
                        .eq(NumberKey(after))
                        .and(messages::uuid.gt(UuidKey(after_id)))),
            )
            .order((messages::change_number, messages::uuid))
            .select(MessageChangeRow::columns())
            .load_iter::<MessageChangeRow, DefaultLoadingMode>(self.connection)?
            .take(wanted.limit);
        let numbered = rows.map(|row| {
            let row = row?;
            Ok(ChangedMessage {
                place: (row.change_number, MessageKey::from_uuid(row.uuid)),
                content_bytes: bytes_of(row.content_bytes),
            })
        });
        numbered.collect()
    }

    fn whole(&mut self, named: NamedConversation) -> Result<ChangedConversation, SqliteError> {
        let row = items::find_conversation(self.connection, self.visitor, named.key)?;
        let row = row.ok_or(SqliteError::NotStored)?;
        let mut messages = Vec::with_capacity(named.messages.len());
        for key in named.messages {
            let rows = items::find_message(self.connection, row.id, key)?;
            messages.push(rows.ok_or(SqliteError::NotStored)?.into());
        }
        Ok(ChangedConversation {
            conversation: row.into(),
            messages,
        })
    }
}
