//! What a visitor's devices read: the list of conversations, and the changes page by page.

use diesel::deserialize::{self, FromSqlRow};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::row::Row;
use diesel::sql_types::{Array, BigInt, Nullable};
use uuid::Uuid;

use convosync_domain::feed::{
    ChangedHead, ChangedMessages, ChangesPage, FeedPosition, FeedRows, read_page,
};
use convosync_domain::identity::{ConversationId, VisitorId};
use convosync_domain::ports::LivingIds;
use convosync_domain::stored::{StoredConversation, StoredMessage};

use super::errors::Fault;
use super::items::{MessageRows, push_message_columns, push_part_joins};
use super::schema::{ConversationChangeRow, ConversationRow};
use super::statements::{WholeRow, prepared_query, push_columns};
use super::visitors;
use crate::rows::RowReader;
use crate::statements::statements;
use crate::types::sql::{ChangeNumber, UuidBytes};

statements! { Pg, PgConnection:
    /// The counter and the ids in one row, so that they are of one moment.
    SelectLivingIds -> (WholeRow,) =
        "SELECT v.change_counter, (SELECT array_agg(c.id ORDER BY c.id) FROM conversations c \
         WHERE c.visitor_id = " + owner: Uuid as UuidBytes,
        " AND c.living) FROM visitors v WHERE v.id = " + visitor: Uuid as UuidBytes;

    /// What the walk of a visitor's changes needs of each conversation.
    SelectChangedHeads -> (WholeRow,) =
        "SELECT id, change_number, latest_change, living FROM conversations \
         WHERE visitor_id = " + visitor: Uuid as UuidBytes,
        " AND latest_change > " + since: u64 as ChangeNumber;
}

/// The visitor's counter and the ids of the living conversations in ascending order.
pub(super) fn living_ids(
    connection: &mut PgConnection,
    visitor: VisitorId,
) -> QueryResult<Option<LivingIds>> {
    let query = SelectLivingIds {
        owner: visitor.as_uuid(),
        visitor: visitor.as_uuid(),
    };
    let row: Option<LivingIdsRow> = query.get_result(connection).optional()?;
    Ok(row.map(|LivingIdsRow(ids)| ids))
}

struct LivingIdsRow(LivingIds);

impl FromSqlRow<(WholeRow,), Pg> for LivingIdsRow {
    fn build_from_row<'a>(row: &impl Row<'a, Pg>) -> deserialize::Result<Self> {
        let mut columns = RowReader::of(row);
        let change_counter = columns.next::<ChangeNumber, _>("change_counter")?;
        let ids = columns.next::<Nullable<Array<UuidBytes>>, Option<Vec<Uuid>>>("id")?;
        let ids = ids.into_iter().flatten().map(ConversationId::from_uuid);
        Ok(Self(LivingIds {
            change_counter,
            ids: ids.collect(),
        }))
    }
}

/// A page of changes, inside one transaction that sees one moment.
pub(super) fn changes(
    connection: &mut PgConnection,
    visitor: VisitorId,
    position: Option<FeedPosition>,
    limit: usize,
) -> Result<Option<ChangesPage>, Fault> {
    let mut transaction = connection.build_transaction().repeatable_read().read_only();
    transaction.run(|connection| {
        let Some(change_counter) = visitors::find_counter(connection, visitor)? else {
            return Ok(None);
        };
        let mut rows = VisitorRows {
            connection,
            visitor: visitor.as_uuid(),
        };
        read_page(&mut rows, position, change_counter, limit).map(Some)
    })
}

/// The rows of one visitor.
struct VisitorRows<'c> {
    connection: &'c mut PgConnection,
    visitor: Uuid,
}

impl FeedRows for VisitorRows<'_> {
    type Error = Fault;

    fn changed_heads(&mut self, since: u64) -> Result<Vec<ChangedHead>, Fault> {
        let query = SelectChangedHeads {
            visitor: self.visitor,
            since,
        };
        let rows: Vec<ConversationChangeRow> = query.load(self.connection)?;
        let heads = rows.into_iter().map(|row| ChangedHead {
            id: ConversationId::from_uuid(row.id),
            latest_change: row.latest_change,
            change_number: row.change_number,
            is_dead: !row.living,
        });
        Ok(heads.collect())
    }

    fn conversation(&mut self, id: ConversationId) -> Result<StoredConversation, Fault> {
        let query = SelectConversation {
            visitor: self.visitor,
            id: id.as_uuid(),
        };
        let row: Option<ConversationRow> = query.get_result(self.connection).optional()?;
        row.map(Into::into).ok_or(Fault::NotStored)
    }

    fn changed_messages(
        &mut self,
        wanted: ChangedMessages,
    ) -> Result<Vec<(u64, StoredMessage)>, Fault> {
        // Change numbers begin at 1, so these let everything pass, in a query of one form.
        let (after, after_id) = wanted
            .after
            .map_or((0, Uuid::nil()), |(number, id)| (number, id.as_uuid()));
        let query = SelectChangedMessages {
            visitor: self.visitor,
            conversation: wanted.conversation.as_uuid(),
            since: wanted.since,
            dead_after: wanted.dead_left_out_through.unwrap_or(0),
            after,
            after_id,
            limit: i64::try_from(wanted.limit).unwrap_or(i64::MAX),
        };
        let rows: Vec<MessageRows> = query.load(self.connection)?;
        let changed = |rows: MessageRows| (rows.message.change_number, rows.into());
        Ok(rows.into_iter().map(changed).collect())
    }
}

struct SelectConversation {
    visitor: Uuid,
    id: Uuid,
}

impl QueryFragment<Pg> for SelectConversation {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("SELECT ");
        push_columns::<ConversationRow>(&mut out, "")?;
        out.push_sql(" FROM conversations WHERE visitor_id = ");
        out.push_bind_param::<UuidBytes, _>(&self.visitor)?;
        out.push_sql(" AND id = ");
        out.push_bind_param::<UuidBytes, _>(&self.id)
    }
}

struct SelectChangedMessages {
    visitor: Uuid,
    conversation: Uuid,
    since: u64,
    dead_after: u64,
    after: u64,
    after_id: Uuid,
    limit: i64,
}

prepared_query!(SelectConversation, SelectChangedMessages);

impl QueryFragment<Pg> for SelectChangedMessages {
    /// The page is chosen before the parts are joined to it.
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        push_message_columns(&mut out)?;
        out.push_sql(" FROM (SELECT * FROM messages WHERE visitor_id = ");
        out.push_bind_param::<UuidBytes, _>(&self.visitor)?;
        out.push_sql(" AND conversation_id = ");
        out.push_bind_param::<UuidBytes, _>(&self.conversation)?;
        out.push_sql(" AND change_number > ");
        out.push_bind_param::<ChangeNumber, _>(&self.since)?;
        out.push_sql(" AND (living OR change_number > ");
        out.push_bind_param::<ChangeNumber, _>(&self.dead_after)?;
        out.push_sql(") AND (change_number, id) > (");
        out.push_bind_param::<ChangeNumber, _>(&self.after)?;
        out.push_sql(", ");
        out.push_bind_param::<UuidBytes, _>(&self.after_id)?;
        out.push_sql(") ORDER BY change_number, id LIMIT ");
        out.push_bind_param::<BigInt, _>(&self.limit)?;
        out.push_sql(") m");
        push_part_joins(&mut out, &self.visitor)?;
        out.push_sql(" ORDER BY m.change_number, m.id");
        Ok(())
    }
}
