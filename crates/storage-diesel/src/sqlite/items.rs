//! Rows as the items of the domain, and the reads of whole items.
//!
//! No query of this adapter has a `LIMIT`, so none uses Diesel's `first`: SQLite plans a statement
//! with a bound limit anew whenever the limit is bound again, which costs ten times the look-up.

use std::sync::LazyLock;

use diesel::connection::DefaultLoadingMode;
use diesel::deserialize::{self, FromSqlRow};
use diesel::dsl::{Nullable, auto_type};
use diesel::prelude::*;
use diesel::row::Row;
use diesel::sql_types::{self, BigInt};
use diesel::sqlite::Sqlite;
use uuid::Uuid;

use convosync_domain::identity::{ConversationId, ConversationKey, MessageKey, VisitorId};
use convosync_domain::ports::NamedConversation;
use convosync_domain::stored::{StoredConversation, StoredMessage};

use super::errors::SqliteError;
use super::read_pool::ReadTime;
use super::schema::{
    ConversationRow, ConversationSizeRow, MessageRow, MessageSizeRow, OutputRow, RequestRow,
    ResponseRow, conversations, message_outputs, message_requests, message_responses, messages,
};
use super::visitors;
use crate::items::{MessageColumns, stored_conversation};
use crate::statements::statements;
use crate::tables::read_row::{ReadRow, RowReader};
use crate::types::UuidKey;

/// The visitor's conversation of this id.
pub(super) fn find_conversation(
    connection: &mut SqliteConnection,
    visitor: i64,
    key: ConversationKey,
) -> QueryResult<Option<ConversationRow>> {
    conversations::table
        .filter(conversations::visitor.eq(visitor))
        .filter(conversations::uuid.eq(UuidKey(key.as_uuid())))
        .get_result(connection)
        .optional()
}

/// The row id of the visitor's conversation of this id.
pub(super) fn find_conversation_row(
    connection: &mut SqliteConnection,
    visitor: i64,
    key: ConversationKey,
) -> QueryResult<Option<i64>> {
    conversations::table
        .filter(conversations::visitor.eq(visitor))
        .filter(conversations::uuid.eq(UuidKey(key.as_uuid())))
        .select(conversations::id)
        .get_result(connection)
        .optional()
}

/// The row id of the visitor's conversation of this id, and its size.
pub(super) fn find_conversation_size(
    connection: &mut SqliteConnection,
    visitor: i64,
    key: ConversationKey,
) -> QueryResult<Option<ConversationSizeRow>> {
    conversations::table
        .filter(conversations::visitor.eq(visitor))
        .filter(conversations::uuid.eq(UuidKey(key.as_uuid())))
        .select(ConversationSizeRow::columns())
        .get_result(connection)
        .optional()
}

/// The message of this id in a conversation, with its parts.
pub(super) fn find_message(
    connection: &mut SqliteConnection,
    conversation: i64,
    key: MessageKey,
) -> QueryResult<Option<MessageRows>> {
    messages_with_parts()
        .filter(messages::conversation.eq(conversation))
        .filter(messages::uuid.eq(UuidKey(key.as_uuid())))
        .get_result(connection)
        .optional()
}

/// The conversation of this row.
pub(super) fn conversation_of_row(
    connection: &mut SqliteConnection,
    row: i64,
) -> QueryResult<ConversationRow> {
    SelectConversation { row }.get_result(connection)
}

/// The message of this row, with its parts.
pub(super) fn message_of_row(
    connection: &mut SqliteConnection,
    row: i64,
) -> QueryResult<MessageRows> {
    SelectMessage { row }.get_result(connection)
}

/// The row id of the message of this id in a conversation.
pub(super) fn find_message_row(
    connection: &mut SqliteConnection,
    conversation: i64,
    key: MessageKey,
) -> QueryResult<Option<i64>> {
    messages::table
        .filter(messages::conversation.eq(conversation))
        .filter(messages::uuid.eq(UuidKey(key.as_uuid())))
        .select(messages::id)
        .get_result(connection)
        .optional()
}

/// The row id of the message of this id in a conversation, and its size.
pub(super) fn find_message_size(
    connection: &mut SqliteConnection,
    conversation: i64,
    key: MessageKey,
) -> QueryResult<Option<MessageSizeRow>> {
    messages::table
        .filter(messages::conversation.eq(conversation))
        .filter(messages::uuid.eq(UuidKey(key.as_uuid())))
        .select(MessageSizeRow::columns())
        .get_result(connection)
        .optional()
}

/// The first messages of a conversation from this id on, by id, with their parts.
pub(super) fn messages_from(
    connection: &mut SqliteConnection,
    conversation: i64,
    from: Uuid,
    limit: usize,
) -> QueryResult<Vec<MessageRows>> {
    messages_with_parts()
        .filter(messages::conversation.eq(conversation))
        .filter(messages::uuid.ge(UuidKey(from)))
        .order(messages::uuid)
        .load_iter::<MessageRows, DefaultLoadingMode>(connection)?
        .take(limit)
        .collect()
}

/// The named messages that are stored, inside one transaction.
pub(super) fn load(
    connection: &mut SqliteConnection,
    visitor: VisitorId,
    named: Vec<NamedConversation>,
) -> Result<Vec<(ConversationKey, StoredMessage)>, SqliteError> {
    let mut loaded = Vec::new();
    let Some(visitor) = visitors::find(connection, visitor)? else {
        return Ok(loaded);
    };
    let time = ReadTime::begin();
    for named in named {
        time.check()?;
        let row = find_conversation_row(connection, visitor.id, named.key)?;
        let Some(conversation) = row else {
            continue;
        };
        for message in named.messages {
            if let Some(rows) = find_message(connection, conversation, message)? {
                loaded.push((named.key, rows.into()));
            }
        }
    }
    Ok(loaded)
}

statements! { Sqlite, SqliteConnection:
    SelectConversation -> conversations::SqlType =
        "SELECT ", (ConversationRow::LIST), " FROM conversations WHERE id = " + row: i64 as BigInt;

    /// The same as [`messages_with_parts`], but of few pieces, as a page has many of them.
    SelectMessage -> MessageWithParts =
        "SELECT ", (&MESSAGE_COLUMNS), " FROM messages \
         LEFT JOIN message_requests ON message_requests.id = messages.id \
         LEFT JOIN message_responses ON message_responses.id = messages.id \
         LEFT JOIN message_outputs ON message_outputs.id = messages.id \
         WHERE messages.id = " + row: i64 as BigInt;
}

static MESSAGE_COLUMNS: LazyLock<String> = LazyLock::new(|| {
    let columns = [
        qualified_columns::<MessageRow>(),
        qualified_columns::<RequestRow>(),
        qualified_columns::<ResponseRow>(),
        qualified_columns::<OutputRow>(),
    ];
    columns.concat().join(", ")
});

fn qualified_columns<R: ReadRow<Sqlite>>() -> Vec<String> {
    let columns = R::COLUMNS.iter();
    let qualified = columns.map(|column| format!("{}.\"{column}\"", R::TABLE));
    qualified.collect()
}

/// One statement for a message and its parts: three look-ups by row id inside SQLite cost less than
/// three statements.
#[auto_type]
fn messages_with_parts() -> _ {
    let message: Columns<messages::table> = messages::all_columns;
    let request: Nullable<Columns<message_requests::table>> =
        message_requests::all_columns.nullable();
    let response: Nullable<Columns<message_responses::table>> =
        message_responses::all_columns.nullable();
    let output: Nullable<Columns<message_outputs::table>> = message_outputs::all_columns.nullable();
    messages::table
        .left_join(message_requests::table.on(message_requests::id.eq(messages::id)))
        .left_join(message_responses::table.on(message_responses::id.eq(messages::id)))
        .left_join(message_outputs::table.on(message_outputs::id.eq(messages::id)))
        .select((message, request, response, output))
}

type Columns<T> = <T as Table>::AllColumns;

type MessageWithParts = (
    messages::SqlType,
    sql_types::Nullable<message_requests::SqlType>,
    sql_types::Nullable<message_responses::SqlType>,
    sql_types::Nullable<message_outputs::SqlType>,
);

/// A message's row with those of its parts.
pub(super) struct MessageRows {
    pub(super) message: MessageRow,
    request: Option<RequestRow>,
    response: Option<ResponseRow>,
    output: Option<OutputRow>,
}

impl FromSqlRow<MessageWithParts, Sqlite> for MessageRows {
    fn build_from_row<'a>(row: &impl Row<'a, Sqlite>) -> deserialize::Result<Self> {
        let mut columns = RowReader::of(row);
        Ok(Self {
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
            key: message.uuid,
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
        let id = ConversationId::from_parts(row.uuid, row.opaque_id);
        stored_conversation(id, row.content_bytes, row.history, row.content)
    }
}
