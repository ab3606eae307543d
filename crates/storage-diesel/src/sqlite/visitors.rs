//! Visitors: who may own conversations.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable};
use diesel::sqlite::Sqlite;

use convosync_domain::archive::ArchivedVisitor;
use convosync_domain::change_set::VisitorRegistration;
use convosync_domain::identity::VisitorId;
use convosync_domain::ports::{Registration, VisitorSummary};
use convosync_domain::timestamp::Timestamp;
use convosync_domain::usage::Usage;

use super::errors::SqliteError;
use super::group::Group;
use super::schema::{VisitorHeadRow, VisitorRow, VisitorUsageRow, visitors};
use super::statements::insert as insert_row;
use super::tombstones;
use crate::items::kind_of;
use crate::statements::statements;
use crate::types::UuidKey;
use crate::types::sql::{ChangeNumber, Instant};

/// The visitor of this id.
pub(super) fn find(
    connection: &mut SqliteConnection,
    visitor: VisitorId,
) -> Result<Option<VisitorHeadRow>, SqliteError> {
    let found = visitors::table
        .filter(visitors::key.eq(UuidKey(visitor.as_uuid())))
        .select(VisitorHeadRow::columns())
        .get_result(connection)
        .optional()?;
    found_or_gone(connection, visitor, found)
}

/// The visitor of this id, with what it has.
pub(super) fn find_with_usage(
    connection: &mut SqliteConnection,
    visitor: VisitorId,
) -> Result<Option<VisitorUsageRow>, SqliteError> {
    let found = visitors::table
        .filter(visitors::key.eq(UuidKey(visitor.as_uuid())))
        .select(VisitorUsageRow::columns())
        .get_result(connection)
        .optional()?;
    found_or_gone(connection, visitor, found)
}

/// What was found of a visitor. Only where that is nothing does anybody look whether it is gone.
fn found_or_gone<T>(
    connection: &mut SqliteConnection,
    visitor: VisitorId,
    found: Option<T>,
) -> Result<Option<T>, SqliteError> {
    if found.is_none()
        && let Some(tombstone) = tombstones::find(connection, visitor)?
    {
        return Err(SqliteError::VisitorGone(tombstone.gone));
    }
    Ok(found)
}

/// What there is to tell of the visitor of this id, inside one transaction.
pub(super) fn summarize(
    connection: &mut SqliteConnection,
    visitor: VisitorId,
) -> Result<Option<VisitorSummary>, SqliteError> {
    let found: Option<VisitorRow> = visitors::table
        .filter(visitors::key.eq(UuidKey(visitor.as_uuid())))
        .get_result(connection)
        .optional()?;
    let Some(row) = found_or_gone(connection, visitor, found)? else {
        return Ok(None);
    };
    let messages: i64 = CountMessages { visitor: row.id }.get_result(connection)?;
    Ok(Some(VisitorSummary {
        id: visitor,
        registered_at: row.registered_at,
        last_changed_at: row.last_changed_at,
        change_counter: row.change_counter,
        usage: row.usage(),
        messages: messages.unsigned_abs(),
        user_id: row.user_id,
    }))
}

impl VisitorUsageRow {
    pub(super) fn usage(&self) -> Usage {
        Usage {
            conversations: self.living_conversations,
            content_bytes: self.content_bytes,
        }
    }
}

impl VisitorRow {
    pub(super) fn usage(&self) -> Usage {
        Usage {
            conversations: self.living_conversations,
            content_bytes: self.content_bytes,
        }
    }
}

statements! { Sqlite, SqliteConnection:
    /// How many messages of the visitor live.
    CountMessages -> BigInt =
        "SELECT count(*) FROM conversations CROSS JOIN messages ON messages.conversation = conversations.id \
         WHERE messages.content_bytes > 0 AND conversations.visitor = " + visitor: i64 as BigInt;

    /// The visitor's counter rises, and with it what the visitor has.
    SetCounters =
        "UPDATE visitors SET change_counter = " + change_counter: u64 as ChangeNumber,
        ", last_changed_at = " + last_changed_at: Option<Timestamp> as Nullable<Instant>,
        ", living_conversations = " + living_conversations: u64 as ChangeNumber,
        ", content_bytes = " + content_bytes: u64 as ChangeNumber,
        " WHERE id = " + visitor: i64 as BigInt;
}

/// Sets the counters of the visitor of this row.
pub(super) fn set_counters(
    connection: &mut SqliteConnection,
    visitor: i64,
    change_counter: u64,
    last_changed_at: Option<Timestamp>,
    usage: Usage,
) -> QueryResult<()> {
    let set = SetCounters {
        change_counter,
        last_changed_at,
        living_conversations: usage.conversations,
        content_bytes: usage.content_bytes,
        visitor,
    };
    set.execute(connection).map(|_| ())
}

/// Registers a visitor, unless it is known.
pub(super) fn register(
    group: &mut Group<'_>,
    registration: &VisitorRegistration,
) -> Result<Registration, SqliteError> {
    let visitor = VisitorId::from(&registration.identity);
    if find(group.connection, visitor)?.is_some() {
        return Ok(Registration::AlreadyKnown);
    }
    insert(group, &ArchivedVisitor::new(registration, 0))?;
    Ok(Registration::Created)
}

/// Inserts a visitor as it is at rest, who is not known and has nothing yet, and returns the row id.
pub(super) fn insert(group: &mut Group<'_>, visitor: &ArchivedVisitor) -> Result<i64, SqliteError> {
    let id = group.next_visitor()?;
    let row = VisitorRow {
        id,
        key: visitor.id.as_uuid(),
        kind: kind_of(visitor.user_id.as_deref()),
        user_id: visitor.user_id.clone(),
        registered_at: visitor.registered_at,
        change_counter: visitor.change_counter,
        living_conversations: 0,
        content_bytes: 0,
        last_changed_at: visitor.last_changed_at,
    };
    insert_row(&row, group.connection)?;
    Ok(id)
}
