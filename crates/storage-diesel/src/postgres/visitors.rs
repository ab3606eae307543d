//! Visitors: who may own conversations.

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{Integer, Nullable, Text};
use uuid::Uuid;

use convosync_domain::archive::ArchivedVisitor;
use convosync_domain::identity::VisitorId;
use convosync_domain::ports::Visitor;
use convosync_domain::timestamp::Timestamp;
use convosync_domain::usage::Usage;

use super::schema::{VisitorHeadRow, VisitorUsageRow};
use super::statements::WholeRow;
use crate::items::kind_of;
use crate::statements::statements;
use crate::tables::read_row::ReadRow as _;
use crate::types::sql::{ChangeNumber, Instant, UuidBytes};

statements! { Pg, PgConnection:
    /// The visitor of this id.
    SelectVisitor -> (WholeRow,) =
        "SELECT id, change_counter, latest_write FROM visitors WHERE id = "
            + visitor: Uuid as UuidBytes;

    /// The same, when no write to the visitor is under way.
    SelectVisitorForUpdate -> (WholeRow,) =
        "SELECT id, change_counter, latest_write FROM visitors WHERE id = "
            + visitor: Uuid as UuidBytes,
        " FOR UPDATE";

    /// What the visitor of this id has.
    SelectUsage -> (WholeRow,) =
        "SELECT ", (VisitorUsageRow::LIST), " FROM visitors WHERE id = "
            + visitor: Uuid as UuidBytes;

    /// A visitor gets more.
    AddUsage =
        "UPDATE visitors SET living_conversations = living_conversations + "
            + living_conversations: u64 as ChangeNumber,
        ", content_bytes = content_bytes + " + content_bytes: u64 as ChangeNumber,
        " WHERE id = " + visitor: Uuid as UuidBytes;

    /// A new visitor; one who is known stays.
    InsertVisitor =
        "INSERT INTO visitors (id, kind, user_id, registered_at, change_counter, \
         living_conversations, content_bytes, latest_write) VALUES (" + visitor: Uuid as UuidBytes,
        ", " + kind: i32 as Integer,
        ", " + user_id: Option<String> as Nullable<Text>,
        ", " + registered_at: Timestamp as Instant,
        ", " + change_counter: u64 as ChangeNumber,
        ", " + living_conversations: u64 as ChangeNumber,
        ", " + content_bytes: u64 as ChangeNumber,
        ", " + write: Uuid as UuidBytes,
        ") ON CONFLICT (id) DO NOTHING";
}

/// The change counter of the visitor of this id.
pub(super) fn find_counter(
    connection: &mut PgConnection,
    visitor: VisitorId,
) -> QueryResult<Option<u64>> {
    let visitor = visitor.as_uuid();
    let row: Option<VisitorHeadRow> = SelectVisitor { visitor }
        .get_result(connection)
        .optional()?;
    Ok(row.map(|row| row.change_counter))
}

/// The visitor of this id, with what it has.
pub(super) fn find(
    connection: &mut PgConnection,
    visitor: VisitorId,
) -> QueryResult<Option<Visitor>> {
    let id = visitor.as_uuid();
    let row: Option<VisitorUsageRow> = SelectUsage { visitor: id }
        .get_result(connection)
        .optional()?;
    Ok(row.map(|row| Visitor {
        id: visitor,
        change_counter: row.change_counter,
        usage: Usage {
            conversations: row.living_conversations,
            content_bytes: row.content_bytes,
        },
    }))
}

/// Waits until no write to the visitor is under way, and keeps others waiting until the transaction ends.
pub(super) fn lock(connection: &mut PgConnection, visitor: Uuid) -> QueryResult<()> {
    let _: Option<VisitorHeadRow> = SelectVisitorForUpdate { visitor }
        .get_result(connection)
        .optional()?;
    Ok(())
}

/// Adds to what the visitor has.
pub(super) fn add_usage(
    connection: &mut PgConnection,
    visitor: Uuid,
    added: Usage,
) -> QueryResult<()> {
    let add = AddUsage {
        living_conversations: added.conversations,
        content_bytes: added.content_bytes,
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
    let row: Option<VisitorHeadRow> = SelectVisitorForUpdate { visitor }
        .get_result(connection)
        .optional()?;
    Ok(row.is_some_and(|row| row.latest_write == write))
}

/// Inserts a visitor who has so much, by this write; `false` for one who is known.
pub(super) fn insert(
    connection: &mut PgConnection,
    visitor: &ArchivedVisitor,
    usage: Usage,
    write: Uuid,
) -> QueryResult<bool> {
    let row = InsertVisitor {
        visitor: visitor.id.as_uuid(),
        kind: kind_of(visitor.user_id.as_deref()),
        user_id: visitor.user_id.clone(),
        registered_at: visitor.registered_at,
        change_counter: visitor.change_counter,
        living_conversations: usage.conversations,
        content_bytes: usage.content_bytes,
        write,
    };
    Ok(row.execute(connection)? == 1)
}
