//! What stays of visitors who are gone.
//!
//! It is asked for where no visitor is found, and after that: of one who went in between, the visitor was found.
//! And it is asked for when a visitor has been inserted: whoever waited for an erasure sees what that left.

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable};
use uuid::Uuid;

use convosync_domain::archive::ArchivedVisitor;
use convosync_domain::identity::VisitorId;
use convosync_domain::ports::Restoration;
use convosync_domain::timestamp::Timestamp;
use convosync_domain::tombstone::{VisitorGone, VisitorTombstone};
use convosync_domain::usage::Usage;

use super::errors::PostgresError;
use super::schema::VisitorTombstoneRow;
use super::statements::WholeRow;
use super::visitors;
use crate::items::first_after;
use crate::migrations::random_uuid;
use crate::statements::statements;
use crate::tables::read_row::ReadRow as _;
use crate::types::sql::{Instant, UuidBytes};

statements! { Pg, PgConnection:
    /// What stays of the visitor of this id.
    SelectTombstone -> (WholeRow,) =
        "SELECT ", (VisitorTombstoneRow::LIST), " FROM visitor_tombstones WHERE visitor_id = "
            + visitor: Uuid as UuidBytes;

    /// The first tombstones from this id on.
    SelectTombstones -> (WholeRow,) =
        "SELECT ", (VisitorTombstoneRow::LIST), " FROM visitor_tombstones WHERE visitor_id >= "
            + from: Uuid as UuidBytes,
        " ORDER BY visitor_id LIMIT " + limit: i64 as BigInt;

    /// A visitor is gone.
    InsertTombstone =
        "INSERT INTO visitor_tombstones (visitor_id, merged_into, gone_at) VALUES ("
            + visitor: Uuid as UuidBytes,
        ", " + merged_into: Option<Uuid> as Nullable<UuidBytes>,
        ", " + gone_at: Timestamp as Instant,
        ")";
}

/// What stays of the visitor of this id.
pub(super) fn find(
    connection: &mut PgConnection,
    visitor: Uuid,
) -> QueryResult<Option<VisitorTombstone>> {
    let row: Option<VisitorTombstoneRow> = SelectTombstone { visitor }
        .get_result(connection)
        .optional()?;
    Ok(row.map(VisitorTombstone::from))
}

/// Fails for a visitor who is gone.
pub(super) fn refuse_gone(
    connection: &mut PgConnection,
    visitor: Uuid,
) -> Result<(), PostgresError> {
    match find(connection, visitor)? {
        Some(tombstone) => Err(tombstone.gone.into()),
        None => Ok(()),
    }
}

/// What was found of a visitor, or that it is gone.
pub(super) fn found_unless_gone<T>(
    connection: &mut PgConnection,
    visitor: VisitorId,
    found: Option<T>,
) -> Result<Option<T>, PostgresError> {
    if found.is_none() {
        refuse_gone(connection, visitor.as_uuid())?;
    }
    Ok(found)
}

/// Keeps what stays of a visitor.
pub(super) fn insert(
    connection: &mut PgConnection,
    tombstone: &VisitorTombstone,
) -> QueryResult<()> {
    let merged_into = match tombstone.gone {
        VisitorGone::Erased => None,
        VisitorGone::Merged { into } => Some(into.as_uuid()),
    };
    let insert = InsertTombstone {
        visitor: tombstone.id.as_uuid(),
        merged_into,
        gone_at: tombstone.at,
    };
    insert.execute(connection).map(|_| ())
}

/// The first tombstones after this one, by id.
pub(super) fn read(
    connection: &mut PgConnection,
    after: Option<VisitorId>,
    limit: usize,
) -> QueryResult<Vec<VisitorTombstone>> {
    let Some(from) = first_after(after.map(VisitorId::as_uuid)) else {
        return Ok(Vec::new());
    };
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows: Vec<VisitorTombstoneRow> = SelectTombstones { from, limit }.load(connection)?;
    Ok(rows.into_iter().map(VisitorTombstone::from).collect())
}

/// Keeps what stays of a visitor of another store, unless the visitor lives here or is gone already.
pub(super) fn restore(
    connection: &mut PgConnection,
    tombstone: &VisitorTombstone,
) -> Result<Restoration, PostgresError> {
    let write = random_uuid().map_err(PostgresError::NoRandomness)?;
    let restored = connection.transaction(|connection| {
        // Whoever registers the visitor meanwhile waits for this row, and then sees the tombstone.
        let placeholder = ArchivedVisitor {
            id: tombstone.id,
            user_id: None,
            registered_at: tombstone.at,
            change_counter: 0,
            last_changed_at: None,
        };
        if !visitors::insert(connection, &placeholder, Usage::default(), write)? {
            return Ok(Restoration::OtherVisitor);
        }
        visitors::delete(connection, tombstone.id.as_uuid())?;
        insert(connection, tombstone)?;
        Ok(Restoration::Stored)
    });
    match restored {
        Err(PostgresError::VisitorGone(_)) => Ok(Restoration::Stored),
        restored => restored,
    }
}

impl From<VisitorTombstoneRow> for VisitorTombstone {
    fn from(row: VisitorTombstoneRow) -> Self {
        let gone = match row.merged_into.map(VisitorId::from_uuid) {
            Some(into) => VisitorGone::Merged { into },
            None => VisitorGone::Erased,
        };
        Self {
            id: VisitorId::from_uuid(row.visitor_id),
            gone,
            at: row.gone_at,
        }
    }
}
