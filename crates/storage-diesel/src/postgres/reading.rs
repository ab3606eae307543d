//! What somebody reads who looks at conversations: the list, and one conversation page by page.

use std::collections::HashMap;

use async_trait::async_trait;
use diesel::deserialize::{self, FromSqlRow};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::row::Row;
use diesel::sql_types::{Array, BigInt};
use uuid::Uuid;

use convosync_domain::feed::{Admit, ChangedHead};
use convosync_domain::identity::{ConversationKey, MessageKey, VisitorId};
use convosync_domain::ports::{ConversationReader, StoreError};
use convosync_domain::reading::{
    ConversationRead, ConversationRequest, ListRead, ListRequest, LivingMessage, MessagePlace,
    ReadingRows, read_conversation, read_list,
};

use super::errors::PostgresError;
use super::feed::{VisitorRows, at_one_moment};
use super::schema::{ConversationChangeRow, LivingMessageRow};
use super::statements::WholeRow;
use super::visitor_tables::VisitorTables;
use super::{PostgresStore, tombstones};
use crate::items::bytes_of;
use crate::statements::statements;
use crate::tables::read_row::{ReadRow as _, RowReader};
use crate::types::sql::UuidBytes;

#[async_trait]
impl ConversationReader for PostgresStore {
    async fn list(
        &self,
        visitor: VisitorId,
        request: ListRequest,
        admit: Admit,
    ) -> Result<Option<ListRead>, StoreError> {
        self.read_of(visitor, move |connection, tables| {
            at_one_moment(connection, tables, visitor, |rows, change_counter| {
                read_list(rows, &request, &admit, change_counter)
            })
        })
        .await
    }

    async fn read(
        &self,
        visitor: VisitorId,
        request: ConversationRequest,
        admit: Admit,
    ) -> Result<Option<ConversationRead>, StoreError> {
        self.read_of(visitor, move |connection, tables| {
            at_one_moment(connection, tables, visitor, |rows, _| {
                read_conversation(rows, &request, &admit)
            })
        })
        .await
    }

    async fn head(
        &self,
        visitor: VisitorId,
        conversation: ConversationKey,
    ) -> Result<Option<Option<ChangedHead>>, StoreError> {
        self.read_of(visitor, move |connection, tables| {
            head(connection, tables, visitor, conversation)
        })
        .await
    }
}

statements! { Pg, PgConnection, VisitorTables:
    /// A row for a visitor who is known, with the head of its conversation of this id if that is stored.
    SelectHeadOfKnown -> (WholeRow,) =
        "SELECT c.id, c.change_number, c.latest_change, c.content_bytes FROM {visitors} v \
         LEFT JOIN LATERAL (SELECT id, change_number, latest_change, content_bytes \
         FROM {conversations} WHERE visitor_id = " + owner: Uuid as UuidBytes,
        " AND id = " + conversation: Uuid as UuidBytes,
        ") c ON true WHERE {here} AND v.id = " + visitor: Uuid as UuidBytes;

    /// The head of a conversation.
    SelectHead -> (WholeRow,) =
        "SELECT ", (ConversationChangeRow::LIST), " FROM {conversations} WHERE visitor_id = "
            + visitor: Uuid as UuidBytes,
        " AND id = " + conversation: Uuid as UuidBytes;

    /// How many messages live in each of these conversations.
    CountMessages -> (WholeRow,) =
        "SELECT n.id, m.count FROM unnest(" + conversations: Vec<Uuid> as Array<UuidBytes>,
        ") AS n (id) CROSS JOIN LATERAL (SELECT count(*) AS count FROM {messages} WHERE visitor_id = "
            + visitor: Uuid as UuidBytes,
        " AND conversation_id = n.id AND content_bytes > 0) m";

    /// The living messages of a conversation.
    SelectLivingMessages -> (WholeRow,) =
        "SELECT ", (LivingMessageRow::LIST), " FROM {messages} WHERE visitor_id = "
            + visitor: Uuid as UuidBytes,
        " AND conversation_id = " + conversation: Uuid as UuidBytes,
        " AND content_bytes > 0";
}

/// The head of a conversation, in one statement.
fn head(
    connection: &mut PgConnection,
    tables: &VisitorTables,
    visitor: VisitorId,
    conversation: ConversationKey,
) -> Result<Option<Option<ChangedHead>>, PostgresError> {
    let row: Option<HeadOfKnownRow> = tables.find(|tables| {
        let query = SelectHeadOfKnown {
            tables,
            owner: visitor.as_uuid(),
            conversation: conversation.as_uuid(),
            visitor: visitor.as_uuid(),
        };
        query.get_result(connection).optional()
    })?;
    let found = row.map(|HeadOfKnownRow(row)| row.map(ChangedHead::from));
    tombstones::found_unless_gone(connection, visitor, found)
}

struct HeadOfKnownRow(Option<ConversationChangeRow>);

impl FromSqlRow<(WholeRow,), Pg> for HeadOfKnownRow {
    fn build_from_row<'a>(row: &impl Row<'a, Pg>) -> deserialize::Result<Self> {
        RowReader::of(row).optional_row().map(Self)
    }
}

struct MessageCountRow(Uuid, i64);

impl FromSqlRow<(WholeRow,), Pg> for MessageCountRow {
    fn build_from_row<'a>(row: &impl Row<'a, Pg>) -> deserialize::Result<Self> {
        let mut columns = RowReader::of(row);
        let conversation = columns.next::<UuidBytes, _>("conversation_id")?;
        Ok(Self(conversation, columns.next::<BigInt, _>("count")?))
    }
}

impl ReadingRows for VisitorRows<'_> {
    fn head(
        &mut self,
        conversation: ConversationKey,
    ) -> Result<Option<ChangedHead>, PostgresError> {
        let query = SelectHead {
            tables: self.tables,
            visitor: self.visitor,
            conversation: conversation.as_uuid(),
        };
        let row: Option<ConversationChangeRow> = query.get_result(self.connection).optional()?;
        Ok(row.map(ChangedHead::from))
    }

    fn count_messages(
        &mut self,
        conversations: &[ConversationKey],
    ) -> Result<Vec<u64>, PostgresError> {
        let query = CountMessages {
            tables: self.tables,
            conversations: conversations.iter().map(|it| it.as_uuid()).collect(),
            visitor: self.visitor,
        };
        let rows: Vec<MessageCountRow> = query.load(self.connection)?;
        let counts: HashMap<_, _> = rows
            .into_iter()
            .map(|MessageCountRow(conversation, count)| (conversation, count.unsigned_abs()))
            .collect();
        let counts = conversations
            .iter()
            .map(|conversation| counts.get(&conversation.as_uuid()).copied());
        Ok(counts.map(Option::unwrap_or_default).collect())
    }

    fn living_messages(
        &mut self,
        conversation: ConversationKey,
    ) -> Result<Vec<LivingMessage>, PostgresError> {
        let query = SelectLivingMessages {
            tables: self.tables,
            visitor: self.visitor,
            conversation: conversation.as_uuid(),
        };
        let rows: Vec<LivingMessageRow> = query.load(self.connection)?;
        let messages = rows.into_iter().map(|row| LivingMessage {
            place: MessagePlace {
                timestamp: row.timestamp,
                key: MessageKey::from_uuid(row.id),
            },
            content_bytes: bytes_of(row.content_bytes),
        });
        Ok(messages.collect())
    }
}
