//! How visitors go, and what stays of them.

use diesel::connection::DefaultLoadingMode;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use diesel::sqlite::Sqlite;

use convosync_domain::identity::VisitorId;
use convosync_domain::ports::Restoration;
use convosync_domain::timestamp::Timestamp;
use convosync_domain::tombstone::{VisitorGone, VisitorTombstone};

use super::errors::SqliteError;
use super::group::Group;
use super::schema::{
    ConversationRow, MessageRow, OutputRow, RequestRow, ResponseRow, VisitorRow,
    VisitorTombstoneRow, visitor_tombstones, visitors,
};
use super::statements::insert;
use super::visitors as visitor_rows;
use crate::items::first_after;
use crate::statements::statements;
use crate::tables::read_row::ReadRow as _;
use crate::types::UuidKey;

/// The tombstone of a visitor who had this id.
pub(super) fn find(
    connection: &mut SqliteConnection,
    visitor: VisitorId,
) -> QueryResult<Option<VisitorTombstone>> {
    let row: Option<VisitorTombstoneRow> = visitor_tombstones::table
        .filter(visitor_tombstones::key.eq(UuidKey(visitor.as_uuid())))
        .get_result(connection)
        .optional()?;
    Ok(row.map(Into::into))
}

/// The first tombstones after this one, by id.
pub(super) fn list(
    connection: &mut SqliteConnection,
    after: Option<VisitorId>,
    limit: usize,
) -> Result<Vec<VisitorTombstone>, SqliteError> {
    let Some(from) = first_after(after.map(VisitorId::as_uuid)) else {
        return Ok(Vec::new());
    };
    let rows = visitor_tombstones::table
        .filter(visitor_tombstones::key.ge(UuidKey(from)))
        .order(visitor_tombstones::key)
        .load_iter::<VisitorTombstoneRow, DefaultLoadingMode>(connection)?;
    rows.take(limit).map(|row| Ok(row?.into())).collect()
}

/// Keeps a tombstone, unless the visitor lives here or has one.
pub(super) fn restore(
    group: &mut Group<'_>,
    tombstone: VisitorTombstone,
) -> Result<Restoration, SqliteError> {
    let living = visitors::table
        .filter(visitors::key.eq(UuidKey(tombstone.id.as_uuid())))
        .select(visitors::id)
        .get_result::<i64>(group.connection)
        .optional()?;
    if living.is_some() {
        return Ok(Restoration::OtherVisitor);
    }
    if find(group.connection, tombstone.id)?.is_none() {
        keep(group, tombstone)?;
    }
    Ok(Restoration::Stored)
}

/// Erases a visitor; `false` for an unknown one.
pub(super) fn erase(
    group: &mut Group<'_>,
    visitor: VisitorId,
    at: Timestamp,
) -> Result<bool, SqliteError> {
    let Some(row) = visitor_rows::find(group.connection, visitor)? else {
        return Ok(false);
    };
    let tombstone = VisitorTombstone {
        id: visitor,
        gone: VisitorGone::Erased,
        at,
    };
    bury(group, row.id, tombstone)?;
    Ok(true)
}

/// Deletes everything of the visitor of this row, and keeps the tombstone.
///
/// Where rows go, SQLite moves others together, and what it moves stays behind in the unused room of a page, where
/// no later deletion comes. So every text is written over in its place before any row goes.
pub(super) fn bury(
    group: &mut Group<'_>,
    visitor: i64,
    tombstone: VisitorTombstone,
) -> Result<(), SqliteError> {
    group.erases_visitors = true;
    let connection = &mut *group.connection;
    for (table, rows) in [
        (RequestRow::TABLE, OF_VISITOR),
        (ResponseRow::TABLE, OF_VISITOR),
        (OutputRow::TABLE, OF_VISITOR),
        (MessageRow::TABLE, OF_VISITOR),
        (ConversationRow::TABLE, CONVERSATIONS_OF_VISITOR),
        (VisitorRow::TABLE, VISITOR_ITSELF),
    ] {
        write_over(connection, table, rows, visitor)?;
    }
    DeleteRequests { visitor }.execute(connection)?;
    DeleteResponses { visitor }.execute(connection)?;
    DeleteOutputs { visitor }.execute(connection)?;
    DeleteMessages { visitor }.execute(connection)?;
    DeleteConversations { visitor }.execute(connection)?;
    DeleteVisitor { visitor }.execute(connection)?;
    keep(group, tombstone)
}

/// Makes every text of some rows as many spaces. As no row gets longer or shorter, none is moved.
fn write_over(
    connection: &mut SqliteConnection,
    table: &str,
    rows: &str,
    visitor: i64,
) -> QueryResult<()> {
    let texts = format!("name FROM pragma_table_info('{table}') WHERE type = 'TEXT'");
    let texts: Vec<String> = diesel::select(sql::<Text>(&texts)).load(connection)?;
    let spaces = texts.iter().map(|column| {
        let spaces = format!("printf('%*s', octet_length(\"{column}\"), '')");
        format!("\"{column}\" = iif(\"{column}\" IS NULL, NULL, {spaces})")
    });
    let spaces: Vec<_> = spaces.collect();
    let update = format!("UPDATE {table} SET {} {rows}?)", spaces.join(", "));
    let update = diesel::sql_query(update).bind::<BigInt, _>(visitor);
    update.execute(connection).map(|_| ())
}

fn keep(group: &mut Group<'_>, tombstone: VisitorTombstone) -> Result<(), SqliteError> {
    let row = VisitorTombstoneRow {
        id: group.next_tombstone()?,
        key: tombstone.id.as_uuid(),
        merged_into: match tombstone.gone {
            VisitorGone::Erased => None,
            VisitorGone::Merged { into } => Some(into.as_uuid()),
        },
        gone_at: tombstone.at,
    };
    insert(&row, group.connection)?;
    Ok(())
}

impl From<VisitorTombstoneRow> for VisitorTombstone {
    fn from(row: VisitorTombstoneRow) -> Self {
        let into = row.merged_into.map(VisitorId::from_uuid);
        Self {
            id: VisitorId::from_uuid(row.key),
            gone: into.map_or(VisitorGone::Erased, |into| VisitorGone::Merged { into }),
            at: row.gone_at,
        }
    }
}

/// Which messages are a visitor's. Their ids are sorted before anything is deleted, so that each page is come to
/// once.
const OF_VISITOR: &str = " WHERE id IN (SELECT messages.id FROM conversations CROSS JOIN messages \
     ON messages.conversation = conversations.id WHERE conversations.visitor = ";

const CONVERSATIONS_OF_VISITOR: &str = " WHERE (visitor = ";
const VISITOR_ITSELF: &str = " WHERE (id = ";

statements! { Sqlite, SqliteConnection:
    DeleteRequests = "DELETE FROM message_requests", OF_VISITOR + visitor: i64 as BigInt, ")";
    DeleteResponses = "DELETE FROM message_responses", OF_VISITOR + visitor: i64 as BigInt, ")";
    DeleteOutputs = "DELETE FROM message_outputs", OF_VISITOR + visitor: i64 as BigInt, ")";
    DeleteMessages = "DELETE FROM messages", OF_VISITOR + visitor: i64 as BigInt, ")";
    DeleteConversations =
        "DELETE FROM conversations", CONVERSATIONS_OF_VISITOR + visitor: i64 as BigInt, ")";
    DeleteVisitor = "DELETE FROM visitors", VISITOR_ITSELF + visitor: i64 as BigInt, ")";
}
