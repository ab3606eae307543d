//! Visitors: who may own conversations.

use diesel::deserialize::{self, FromSqlRow};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::row::Row;
use diesel::sql_types::{BigInt, Integer, Nullable, Text};
use uuid::Uuid;

use convosync_domain::archive::ArchivedVisitor;
use convosync_domain::identity::VisitorId;
use convosync_domain::ports::{Visitor, VisitorSummary};
use convosync_domain::timestamp::Timestamp;
use convosync_domain::usage::Usage;

use super::errors::PostgresError;
use super::schema::{VisitorHeadRow, VisitorRow, VisitorUsageRow};
use super::statements::WholeRow;
use super::tombstones;
use super::visitor_tables::VisitorTables;
use crate::items::kind_of;
use crate::statements::statements;
use crate::tables::read_row::{ReadRow as _, RowReader};
use crate::types::sql::{ChangeNumber, Instant, UuidBytes};

statements! { Pg, PgConnection, VisitorTables:
    /// What the visitor of this id has.
    SelectUsage -> (WholeRow,) =
        "SELECT ", (VisitorUsageRow::LIST), " FROM {visitors} WHERE {here} AND id = "
            + visitor: Uuid as UuidBytes;

    /// The visitor of this id and how many messages of it live.
    SelectSummary -> (WholeRow,) =
        "SELECT ", (VisitorRow::LIST), ", (SELECT count(*) FROM {messages} WHERE visitor_id = "
            + owner: Uuid as UuidBytes,
        " AND content_bytes > 0) FROM {visitors} WHERE {here} AND id = "
            + visitor: Uuid as UuidBytes;
}

statements! { Pg, PgConnection:
    /// The visitor of this id, when no write to it is under way.
    SelectVisitorForUpdate -> (WholeRow,) =
        "SELECT id, change_counter, latest_write FROM visitors WHERE id = "
            + visitor: Uuid as UuidBytes,
        " FOR UPDATE";

    /// A visitor gets more.
    AddUsage =
        "UPDATE visitors SET living_conversations = living_conversations + "
            + living_conversations: u64 as ChangeNumber,
        ", content_bytes = content_bytes + " + content_bytes: u64 as ChangeNumber,
        ", latest_write = " + write: Uuid as UuidBytes,
        " WHERE id = " + visitor: Uuid as UuidBytes;

    /// A new visitor; one who is known stays.
    InsertVisitor =
        "INSERT INTO visitors (id, kind, user_id, registered_at, change_counter, \
         last_changed_at, living_conversations, content_bytes, latest_write) VALUES (" + visitor: Uuid as UuidBytes,
        ", " + kind: i32 as Integer,
        ", " + user_id: Option<String> as Nullable<Text>,
        ", " + registered_at: Timestamp as Instant,
        ", " + change_counter: u64 as ChangeNumber,
        ", " + last_changed_at: Option<Timestamp> as Nullable<Instant>,
        ", " + living_conversations: u64 as ChangeNumber,
        ", " + content_bytes: u64 as ChangeNumber,
        ", " + write: Uuid as UuidBytes,
        ") ON CONFLICT (id) DO NOTHING";

    /// A visitor leaves.
    DeleteVisitor = "DELETE FROM visitors WHERE id = " + visitor: Uuid as UuidBytes;
}

/// The visitor of this id, with what it has.
pub(super) fn find(
    connection: &mut PgConnection,
    tables: &VisitorTables,
    visitor: VisitorId,
) -> Result<Option<Visitor>, PostgresError> {
    let row: Option<VisitorUsageRow> = tables.find(|tables| {
        let visitor = visitor.as_uuid();
        let query = SelectUsage { tables, visitor };
        query.get_result(connection).optional()
    })?;
    let found = row.map(|row| Visitor {
        id: visitor,
        change_counter: row.change_counter,
        usage: Usage {
            conversations: row.living_conversations,
            content_bytes: row.content_bytes,
        },
    });
    tombstones::found_unless_gone(connection, visitor, found)
}

/// What there is to tell of the visitor of this id, in one statement.
pub(super) fn summarize(
    connection: &mut PgConnection,
    tables: &VisitorTables,
    visitor: VisitorId,
) -> Result<Option<VisitorSummary>, PostgresError> {
    let row: Option<SummaryRow> = tables.find(|tables| {
        let query = SelectSummary {
            tables,
            owner: visitor.as_uuid(),
            visitor: visitor.as_uuid(),
        };
        query.get_result(connection).optional()
    })?;
    let found = row.map(|SummaryRow { visitor, messages }| VisitorSummary {
        id: VisitorId::from_uuid(visitor.id),
        user_id: visitor.user_id,
        registered_at: visitor.registered_at,
        last_changed_at: visitor.last_changed_at,
        change_counter: visitor.change_counter,
        usage: Usage {
            conversations: visitor.living_conversations,
            content_bytes: visitor.content_bytes,
        },
        messages: messages.unsigned_abs(),
    });
    tombstones::found_unless_gone(connection, visitor, found)
}

struct SummaryRow {
    visitor: VisitorRow,
    messages: i64,
}

impl FromSqlRow<(WholeRow,), Pg> for SummaryRow {
    fn build_from_row<'a>(row: &impl Row<'a, Pg>) -> deserialize::Result<Self> {
        let mut columns = RowReader::of(row);
        Ok(Self {
            visitor: columns.row()?,
            messages: columns.next::<BigInt, _>("messages")?,
        })
    }
}

/// Waits until no write to the visitor is under way, and keeps others waiting until the transaction ends.
pub(super) fn lock(
    connection: &mut PgConnection,
    visitor: Uuid,
) -> QueryResult<Option<VisitorHeadRow>> {
    SelectVisitorForUpdate { visitor }
        .get_result(connection)
        .optional()
}

/// Deletes the visitor, who has nothing else any more.
pub(super) fn delete(connection: &mut PgConnection, visitor: Uuid) -> QueryResult<()> {
    DeleteVisitor { visitor }.execute(connection).map(|_| ())
}

/// Adds to what the visitor has, by this write.
pub(super) fn add_usage(
    connection: &mut PgConnection,
    visitor: Uuid,
    added: Usage,
    write: Uuid,
) -> QueryResult<()> {
    let add = AddUsage {
        living_conversations: added.conversations,
        content_bytes: added.content_bytes,
        write,
        visitor,
    };
    add.execute(connection).map(|_| ())
}

/// Whether the latest write to the visitor is this one. It waits for one that is still under way.
pub(super) fn is_latest_write(
    connection: &mut PgConnection,
    visitor: Uuid,
    write: Uuid,
) -> QueryResult<bool> {
    let row = lock(connection, visitor)?;
    Ok(row.is_some_and(|row| row.latest_write == write))
}

/// Inserts a visitor who has so much, by this write; `false` for one who is known. It fails for one who is gone, and
/// the transaction with it.
pub(super) fn insert(
    connection: &mut PgConnection,
    visitor: &ArchivedVisitor,
    usage: Usage,
    write: Uuid,
) -> Result<bool, PostgresError> {
    let row = InsertVisitor {
        visitor: visitor.id.as_uuid(),
        kind: kind_of(visitor.user_id.as_deref()),
        user_id: visitor.user_id.clone(),
        registered_at: visitor.registered_at,
        change_counter: visitor.change_counter,
        last_changed_at: visitor.last_changed_at,
        living_conversations: usage.conversations,
        content_bytes: usage.content_bytes,
        write,
    };
    if row.execute(connection)? == 0 {
        return Ok(false);
    }
    tombstones::refuse_gone(connection, visitor.id.as_uuid())?;
    Ok(true)
}
