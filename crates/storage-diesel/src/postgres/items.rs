//! Whole items, and the rows that hold them.

use diesel::deserialize::{self, FromSqlRow};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::row::Row;
use diesel::sql_types::Array;
use uuid::Uuid;

use convosync_domain::identity::{ConversationId, ConversationKey, VisitorId};
use convosync_domain::stored::{StoredConversation, StoredMessage};

use super::heads::Names;
use super::schema::{ConversationRow, MessageRow, OutputRow, RequestRow, ResponseRow};
use super::statements::{WholeRow, push_columns};
use super::visitor_tables::VisitorTables;
use crate::items::{MessageColumns, stored_conversation};
use crate::statements::found_by_text;
use crate::tables::read_row::RowReader;
use crate::types::sql::UuidBytes;

/// The named messages that are stored, with their conversations.
pub(super) fn load(
    connection: &mut PgConnection,
    tables: &VisitorTables,
    visitor: VisitorId,
    names: &Names,
) -> QueryResult<Vec<(ConversationKey, StoredMessage)>> {
    let rows: Vec<MessageRows> = SelectMessages {
        tables,
        visitor: visitor.as_uuid(),
        names: names.clone(),
    }
    .load(connection)?;
    let message = |rows: MessageRows| (rows.conversation, rows.into());
    Ok(rows.into_iter().map(message).collect())
}

struct SelectMessages<'t> {
    tables: &'t VisitorTables,
    visitor: Uuid,
    names: Names,
}

found_by_text!(SelectMessages, (WholeRow,), PgConnection);

impl QueryFragment<Pg> for SelectMessages<'_> {
    /// (`OFFSET 0` makes the planner look up name by name.)
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        push_message_columns(&mut out)?;
        out.push_sql(" FROM unnest(");
        out.push_bind_param::<Array<UuidBytes>, _>(&self.names.conversations_of_messages)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<UuidBytes>, _>(&self.names.messages)?;
        let messages = ") AS n (conversation_id, id) CROSS JOIN LATERAL \
             (SELECT * FROM {messages} m WHERE m.visitor_id = ";
        self.tables.push(&mut out, messages);
        out.push_bind_param::<UuidBytes, _>(&self.visitor)?;
        out.push_sql(" AND m.conversation_id = n.conversation_id AND m.id = n.id OFFSET 0) m");
        push_part_joins(&mut out, self.tables, &self.visitor)?;
        self.tables.push(&mut out, " WHERE {here}");
        Ok(())
    }
}

/// Begins a statement that selects messages `m` with their parts.
pub(super) fn push_message_columns(out: &mut AstPass<'_, '_, Pg>) -> QueryResult<()> {
    out.push_sql("SELECT m.conversation_id, ");
    push_columns::<MessageRow>(out, "m.")?;
    out.push_sql(", ");
    push_columns::<RequestRow>(out, "request.")?;
    out.push_sql(", ");
    push_columns::<ResponseRow>(out, "response.")?;
    out.push_sql(", ");
    push_columns::<OutputRow>(out, "output.")
}

/// Joins the parts to messages `m` of this visitor, who stands in each condition.
pub(super) fn push_part_joins<'b>(
    out: &mut AstPass<'_, 'b, Pg>,
    tables: &VisitorTables,
    visitor: &'b Uuid,
) -> QueryResult<()> {
    for (table, part) in [
        ("{message_requests}", "request"),
        ("{message_responses}", "response"),
        ("{message_outputs}", "output"),
    ] {
        out.push_sql(" LEFT JOIN ");
        tables.push(out, table);
        out.push_sql(" ");
        out.push_sql(part);
        out.push_sql(" ON ");
        out.push_sql(part);
        out.push_sql(".visitor_id = ");
        out.push_bind_param::<UuidBytes, _>(visitor)?;
        out.push_sql(" AND ");
        out.push_sql(part);
        out.push_sql(".conversation_id = m.conversation_id AND ");
        out.push_sql(part);
        out.push_sql(".message_id = m.id");
    }
    Ok(())
}

/// A message's row with those of its parts.
pub(super) struct MessageRows {
    pub(super) conversation: ConversationKey,
    pub(super) message: MessageRow,
    request: Option<RequestRow>,
    response: Option<ResponseRow>,
    output: Option<OutputRow>,
}

impl FromSqlRow<(WholeRow,), Pg> for MessageRows {
    fn build_from_row<'a>(row: &impl Row<'a, Pg>) -> deserialize::Result<Self> {
        let mut columns = RowReader::of(row);
        let conversation = columns.next::<UuidBytes, _>("conversation_id")?;
        Ok(Self {
            conversation: ConversationKey::from_uuid(conversation),
            message: columns.row()?,
            request: columns.optional_row()?,
            response: columns.optional_row()?,
            output: columns.optional_row()?,
        })
    }
}

impl From<MessageRows> for StoredMessage {
    fn from(rows: MessageRows) -> Self {
        let message = rows.message;
        Self::from(MessageColumns {
            key: message.id,
            opaque_id: message.opaque_id,
            content_bytes: message.content_bytes,
            digest: message.digest,
            history: message.history,
            fields: message.fields,
            request: rows.request.map(|row| row.request),
            response: rows.response.map(|row| row.response),
            output: rows.output.map(|row| row.output),
        })
    }
}

impl From<ConversationRow> for StoredConversation {
    fn from(row: ConversationRow) -> Self {
        let id = ConversationId::from_parts(row.id, row.opaque_id);
        stored_conversation(id, row.content_bytes, row.history, row.content)
    }
}
