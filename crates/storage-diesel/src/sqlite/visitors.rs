//! Visitors: who may own conversations.

use diesel::prelude::*;

use convosync_domain::archive::ArchivedVisitor;
use convosync_domain::change_set::VisitorRegistration;
use convosync_domain::identity::VisitorId;
use convosync_domain::ports::Registration;

use super::errors::SqliteError;
use super::group::Group;
use super::schema::{VisitorHeadRow, VisitorRow, visitors};
use super::statements;
use crate::items::kind_of;
use crate::types::UuidKey;

/// The visitor of this id.
pub(super) fn find(
    connection: &mut SqliteConnection,
    visitor: VisitorId,
) -> QueryResult<Option<VisitorHeadRow>> {
    visitors::table
        .filter(visitors::key.eq(UuidKey(visitor.as_uuid())))
        .select(VisitorHeadRow::columns())
        .get_result(connection)
        .optional()
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

/// Inserts a visitor as it is at rest, who is not known, and returns the row id.
pub(super) fn insert(group: &mut Group<'_>, visitor: &ArchivedVisitor) -> Result<i64, SqliteError> {
    let id = group.next_visitor()?;
    let row = VisitorRow {
        id,
        key: visitor.id.as_uuid(),
        kind: kind_of(visitor.user_id.as_deref()),
        user_id: visitor.user_id.clone(),
        registered_at: visitor.registered_at,
        change_counter: visitor.change_counter,
    };
    statements::insert(&row, group.connection)?;
    Ok(id)
}
