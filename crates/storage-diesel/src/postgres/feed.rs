//! What a visitor's devices read: the list of conversations, and the changes page by page.

use std::collections::HashMap;

use diesel::deserialize::{self, FromSqlRow};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::row::Row;
use diesel::sql_types::{Array, BigInt, Nullable, Text};
use uuid::Uuid;

use convosync_domain::feed::{
    Admit, ChangedConversation, ChangedHead, ChangedHeads, ChangedMessage, ChangedMessages,
    FeedRows, PageRead, PageRequest, read_page,
};
use convosync_domain::identity::{ConversationId, ConversationKey, MessageKey, VisitorId};
use convosync_domain::ports::{LivingIds, NamedConversation};

use super::errors::PostgresError;
use super::heads::Names;
use super::items::load;
use super::schema::{ConversationChangeRow, ConversationRow, MessageChangeRow};
use super::statements::WholeRow;
use super::tombstones;
use super::visitor_tables::VisitorTables;
use crate::items::{bytes_of, wanted_after};
use crate::statements::statements;
use crate::tables::read_row::{ReadRow as _, RowReader};
use crate::types::sql::{ChangeNumber, UuidBytes};

statements! { Pg, PgConnection, VisitorTables:
    /// The counter and the ids in one row, so that they are of one moment.
    SelectLivingIds -> (WholeRow,) =
        "SELECT v.change_counter, c.keys, c.opaque_ids FROM {visitors} v CROSS JOIN LATERAL \
         (SELECT array_agg(id) AS keys, array_agg(opaque_id) AS opaque_ids FROM {conversations} \
         WHERE visitor_id = " + owner: Uuid as UuidBytes,
        " AND content_bytes > 0) c WHERE {here} AND v.id = " + visitor: Uuid as UuidBytes;

    /// The change counter of the visitor of this id, before other statements in a transaction.
    SelectCounter -> (ChangeNumber, Nullable<Text>) =
        "SELECT change_counter, {plan_once} FROM {visitors} WHERE {here} AND id = "
            + visitor: Uuid as UuidBytes;

    /// What the walk of a visitor's changes needs of each conversation.
    SelectChangedHeads -> (WholeRow,) =
        "SELECT id, change_number, latest_change, content_bytes FROM {conversations} \
         WHERE visitor_id = " + visitor: Uuid as UuidBytes,
        " AND (latest_change, id) >= (" + latest_change: u64 as ChangeNumber,
        ", " + from: Uuid as UuidBytes,
        ") AND (content_bytes > 0 OR change_number > " + dead_after: u64 as ChangeNumber,
        ") ORDER BY latest_change, id LIMIT " + limit: Option<i64> as Nullable<BigInt>;

    /// These conversations of a visitor.
    SelectConversations -> (WholeRow,) =
        "SELECT ", (ConversationRow::LIST), " FROM {conversations} WHERE visitor_id = "
            + visitor: Uuid as UuidBytes,
        " AND id = ANY(" + ids: Vec<Uuid> as Array<UuidBytes>,
        ")";

    /// Of each of these conversations, the messages after a number and id.
    SelectChangedMessages -> (WholeRow,) =
        "SELECT m.id, n.conversation_id, m.change_number, m.content_bytes FROM unnest("
            + conversations: Vec<Uuid> as Array<UuidBytes>,
        ", " + after: Vec<u64> as Array<ChangeNumber>,
        ", " + after_id: Vec<Uuid> as Array<UuidBytes>,
        ") AS n (conversation_id, after, after_id) CROSS JOIN LATERAL \
         (SELECT id, change_number, content_bytes FROM {messages} WHERE visitor_id = " + visitor: Uuid as UuidBytes,
        " AND conversation_id = n.conversation_id AND change_number > "
            + since: u64 as ChangeNumber,
        " AND (content_bytes > 0 OR change_number > " + dead_after: u64 as ChangeNumber,
        ") AND (change_number, id) > (n.after, n.after_id) \
         ORDER BY change_number, id LIMIT " + limit: i64 as BigInt,
        ") m";
}

/// The visitor's counter and the ids of the living conversations in ascending order.
pub(super) fn living_ids(
    connection: &mut PgConnection,
    tables: &VisitorTables,
    visitor: VisitorId,
) -> Result<Option<LivingIds>, PostgresError> {
    let row: Option<LivingIdsRow> = tables.find(|tables| {
        let query = SelectLivingIds {
            tables,
            owner: visitor.as_uuid(),
            visitor: visitor.as_uuid(),
        };
        query.get_result(connection).optional()
    })?;
    let found = row.map(|LivingIdsRow(ids)| ids);
    tombstones::found_unless_gone(connection, visitor, found)
}

struct LivingIdsRow(LivingIds);

impl FromSqlRow<(WholeRow,), Pg> for LivingIdsRow {
    fn build_from_row<'a>(row: &impl Row<'a, Pg>) -> deserialize::Result<Self> {
        let mut columns = RowReader::of(row);
        let change_counter = columns.next::<ChangeNumber, _>("change_counter")?;
        let keys = columns.next::<Nullable<Array<UuidBytes>>, Option<Vec<Uuid>>>("id")?;
        let opaque_ids = columns
            .next::<Nullable<Array<Nullable<Text>>>, Option<Vec<Option<String>>>>("opaque_id")?;
        let keys = keys.into_iter().flatten();
        let ids = keys
            .zip(opaque_ids.into_iter().flatten())
            .map(|(key, opaque)| ConversationId::from_parts(key, opaque));
        Ok(Self(LivingIds::new(change_counter, ids)))
    }
}

/// A page of changes.
pub(super) fn changes(
    connection: &mut PgConnection,
    tables: &VisitorTables,
    visitor: VisitorId,
    request: &PageRequest,
    admit: &Admit,
) -> Result<Option<PageRead>, PostgresError> {
    at_one_moment(connection, tables, visitor, |rows, change_counter| {
        read_page(rows, request, admit, change_counter)
    })
}

/// Reads the rows of a visitor, inside one transaction that sees one moment: that of the counter which the read is
/// given. `None` for an unknown visitor.
pub(super) fn at_one_moment<T>(
    connection: &mut PgConnection,
    tables: &VisitorTables,
    visitor: VisitorId,
    read: impl FnOnce(&mut VisitorRows<'_>, u64) -> Result<T, PostgresError>,
) -> Result<Option<T>, PostgresError> {
    let mut transaction = connection.build_transaction().repeatable_read().read_only();
    transaction.run(|connection| {
        let found = tables.find(|tables| {
            let visitor = visitor.as_uuid();
            let query = SelectCounter { tables, visitor };
            let found: Option<(u64, Option<String>)> = query.get_result(connection).optional()?;
            Ok::<_, PostgresError>(found.map(|(counter, _)| (counter, tables.clone())))
        })?;
        let Some((change_counter, tables)) = found else {
            return tombstones::found_unless_gone(connection, visitor, None);
        };
        let mut rows = VisitorRows {
            connection,
            tables: &tables,
            visitor: visitor.as_uuid(),
        };
        read(&mut rows, change_counter).map(Some)
    })
}

/// The rows of one visitor.
pub(super) struct VisitorRows<'c> {
    pub(super) connection: &'c mut PgConnection,
    pub(super) tables: &'c VisitorTables,
    pub(super) visitor: Uuid,
}

impl FeedRows for VisitorRows<'_> {
    type Error = PostgresError;

    fn changed_heads(&mut self, wanted: &ChangedHeads) -> Result<Vec<ChangedHead>, PostgresError> {
        let (latest_change, from) = wanted.from;
        let query = SelectChangedHeads {
            tables: self.tables,
            visitor: self.visitor,
            latest_change,
            from: from.as_uuid(),
            dead_after: wanted.dead_left_out_through.unwrap_or(0),
            limit: wanted.limit.and_then(|limit| i64::try_from(limit).ok()),
        };
        let rows: Vec<ConversationChangeRow> = query.load(self.connection)?;
        Ok(rows.into_iter().map(ChangedHead::from).collect())
    }

    fn changed_messages(
        &mut self,
        wanted: &[ChangedMessages],
    ) -> Result<Vec<Vec<ChangedMessage>>, PostgresError> {
        let Some(first) = wanted.first() else {
            return Ok(Vec::new());
        };
        let (after, after_id) = wanted.iter().map(wanted_after).unzip();
        let query = SelectChangedMessages {
            tables: self.tables,
            visitor: self.visitor,
            conversations: wanted.iter().map(|it| it.conversation.as_uuid()).collect(),
            after,
            after_id,
            since: first.since,
            dead_after: first.dead_left_out_through.unwrap_or(0),
            limit: i64::try_from(first.limit).unwrap_or(i64::MAX),
        };
        let rows: Vec<MessageChangeRow> = query.load(self.connection)?;
        let mut changed: HashMap<_, Vec<_>> = HashMap::new();
        for row in rows {
            let of_this = changed.entry(row.conversation_id).or_default();
            of_this.push(ChangedMessage {
                place: (row.change_number, MessageKey::from_uuid(row.id)),
                content_bytes: bytes_of(row.content_bytes),
            });
        }
        let in_order = wanted.iter().map(|wanted| {
            let mut of_this = changed
                .remove(&wanted.conversation.as_uuid())
                .unwrap_or_default();
            of_this.sort_unstable_by_key(|message| message.place);
            of_this
        });
        Ok(in_order.collect())
    }

    fn read(
        &mut self,
        items: Vec<NamedConversation>,
    ) -> Result<Vec<ChangedConversation>, PostgresError> {
        let names = Names::from(items);
        let query = SelectConversations {
            tables: self.tables,
            visitor: self.visitor,
            ids: names.conversations.clone(),
        };
        let rows: Vec<ConversationRow> = query.load(self.connection)?;
        let mut conversations: HashMap<_, _> = rows.into_iter().map(|row| (row.id, row)).collect();
        let visitor = VisitorId::from_uuid(self.visitor);
        let messages = load(self.connection, self.tables, visitor, &names)?;
        let mut messages: HashMap<_, _> = messages
            .into_iter()
            .map(|(conversation, message)| {
                (
                    (conversation.as_uuid(), message.id.key().as_uuid()),
                    message,
                )
            })
            .collect();

        let mut page: Vec<ChangedConversation> = Vec::with_capacity(names.conversations.len());
        let mut named = names
            .conversations_of_messages
            .into_iter()
            .zip(names.messages)
            .peekable();
        for id in names.conversations {
            let row = conversations.remove(&id).ok_or(PostgresError::NotStored)?;
            let mut of_this = Vec::new();
            while let Some(key) = named.next_if(|(conversation, _)| *conversation == id) {
                of_this.push(messages.remove(&key).ok_or(PostgresError::NotStored)?);
            }
            page.push(ChangedConversation {
                conversation: row.into(),
                messages: of_this,
            });
        }
        Ok(page)
    }
}

impl From<ConversationChangeRow> for ChangedHead {
    fn from(row: ConversationChangeRow) -> Self {
        Self {
            key: ConversationKey::from_uuid(row.id),
            latest_change: row.latest_change,
            change_number: row.change_number,
            content_bytes: bytes_of(row.content_bytes),
        }
    }
}
