//! What a visitor's devices read: the list of conversations, and the changes page by page.

use diesel::connection::DefaultLoadingMode;
use diesel::prelude::*;

use convosync_domain::feed::{
    ChangedHead, ChangedMessages, ChangesPage, FeedPosition, FeedRows, read_page,
};
use convosync_domain::identity::{ConversationId, VisitorId};
use convosync_domain::ports::LivingIds;
use convosync_domain::stored::{StoredConversation, StoredMessage};

use super::errors::Fault;
use super::schema::{ConversationChangeRow, ConversationIdRow, conversations, messages};
use super::{items, visitors};
use crate::types::{NumberKey, UuidKey};

/// The visitor's counter and the ids of the living conversations in ascending order, inside one
/// transaction.
pub(super) fn living_ids(
    connection: &mut SqliteConnection,
    visitor: VisitorId,
) -> Result<Option<LivingIds>, Fault> {
    let Some(visitor) = visitors::find(connection, visitor)? else {
        return Ok(None);
    };
    let rows: Vec<ConversationIdRow> = conversations::table
        .filter(conversations::visitor.eq(visitor.id))
        .filter(conversations::living.eq(true))
        .order(conversations::uuid)
        .select(ConversationIdRow::columns())
        .load(connection)?;
    let ids = rows.iter().map(|row| ConversationId::from_uuid(row.uuid));
    Ok(Some(LivingIds {
        change_counter: visitor.change_counter,
        ids: ids.collect(),
    }))
}

/// A page of changes, inside one transaction.
pub(super) fn changes(
    connection: &mut SqliteConnection,
    visitor: VisitorId,
    position: Option<FeedPosition>,
    limit: usize,
) -> Result<Option<ChangesPage>, Fault> {
    let Some(visitor) = visitors::find(connection, visitor)? else {
        return Ok(None);
    };
    let mut rows = VisitorRows {
        connection,
        visitor: visitor.id,
    };
    read_page(&mut rows, position, visitor.change_counter, limit).map(Some)
}

/// The rows of one visitor.
struct VisitorRows<'c> {
    connection: &'c mut SqliteConnection,
    visitor: i64,
}

impl FeedRows for VisitorRows<'_> {
    type Error = Fault;

    fn changed_heads(&mut self, since: u64) -> Result<Vec<ChangedHead>, Fault> {
        let rows: Vec<ConversationChangeRow> = conversations::table
            .filter(conversations::visitor.eq(self.visitor))
            .filter(conversations::latest_change.gt(NumberKey(since)))
            .select(ConversationChangeRow::columns())
            .load(self.connection)?;
        let heads = rows.into_iter().map(|row| ChangedHead {
            id: ConversationId::from_uuid(row.uuid),
            latest_change: row.latest_change,
            change_number: row.change_number,
            is_dead: !row.living,
        });
        Ok(heads.collect())
    }

    fn conversation(&mut self, id: ConversationId) -> Result<StoredConversation, Fault> {
        let row = items::find_conversation(self.connection, self.visitor, id)?;
        row.map(Into::into).ok_or(Fault::NotStored)
    }

    fn changed_messages(
        &mut self,
        wanted: ChangedMessages,
    ) -> Result<Vec<(u64, StoredMessage)>, Fault> {
        let Some(conversation) =
            items::find_conversation_row(self.connection, self.visitor, wanted.conversation)?
        else {
            return Ok(Vec::new());
        };
        // Change numbers begin at 1, so these let everything pass, in a query of one form.
        let dead_after = wanted.dead_left_out_through.unwrap_or(0);
        let (after, after_id) = wanted.after.map_or((0, uuid::Uuid::nil()), |(number, id)| {
            (number, id.as_uuid())
        });
        let row_ids: Vec<i64> = messages::table
            .filter(messages::conversation.eq(conversation))
            .filter(messages::change_number.gt(NumberKey(wanted.since)))
            .filter(messages::living.or(messages::change_number.gt(NumberKey(dead_after))))
            .filter(
                messages::change_number
                    .gt(NumberKey(after))
                    .or(messages::change_number
                        .eq(NumberKey(after))
                        .and(messages::uuid.gt(UuidKey(after_id)))),
            )
            .order((messages::change_number, messages::uuid))
            .select(messages::id)
            .load_iter::<i64, DefaultLoadingMode>(self.connection)?
            .take(wanted.limit)
            .collect::<QueryResult<_>>()?;
        // The page is chosen first, so that sorting moves row ids and not whole messages.
        let mut changed = Vec::with_capacity(row_ids.len());
        for row_id in row_ids {
            let rows = items::message_of_row(self.connection, row_id)?;
            changed.push((rows.message.change_number, rows.into()));
        }
        Ok(changed)
    }
}
