//! Visitors: who may own conversations.

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{Integer, Nullable, Text};
use uuid::Uuid;

use convosync_domain::archive::ArchivedVisitor;
use convosync_domain::identity::VisitorId;
use convosync_domain::timestamp::Timestamp;

use super::schema::VisitorHeadRow;
use super::statements::WholeRow;
use crate::items::kind_of;
use crate::statements::statements;
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

    /// A new visitor; one who is known stays.
    InsertVisitor =
        "INSERT INTO visitors (id, kind, user_id, registered_at, change_counter, latest_write) \
         VALUES (" + visitor: Uuid as UuidBytes,
        ", " + kind: i32 as Integer,
        ", " + user_id: Option<String> as Nullable<Text>,
        ", " + registered_at: Timestamp as Instant,
        ", " + change_counter: u64 as ChangeNumber,
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

/// Inserts a visitor by this write; `false` for one who is known.
pub(super) fn insert(
    connection: &mut PgConnection,
    visitor: &ArchivedVisitor,
    write: Uuid,
) -> QueryResult<bool> {
    let row = InsertVisitor {
        visitor: visitor.id.as_uuid(),
        kind: kind_of(visitor.user_id.as_deref()),
        user_id: visitor.user_id.clone(),
        registered_at: visitor.registered_at,
        change_counter: visitor.change_counter,
        write,
    };
    Ok(row.execute(connection)? == 1)
}
