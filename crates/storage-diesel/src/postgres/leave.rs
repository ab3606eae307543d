//! Visitors who leave: everything of one goes in one transaction, and a tombstone stays.

use diesel::connection::SimpleConnection as _;
use diesel::pg::Pg;
use diesel::prelude::*;
use uuid::Uuid;

use convosync_domain::tombstone::VisitorTombstone;

use super::errors::PostgresError;
use super::{tombstones, visitors};
use crate::statements::statements;
use crate::types::sql::UuidBytes;

statements! { Pg, PgConnection:
    /// A visitor has no requests any more.
    DeleteRequests = "DELETE FROM message_requests WHERE visitor_id = " + visitor: Uuid as UuidBytes;

    /// Nor responses.
    DeleteResponses = "DELETE FROM message_responses WHERE visitor_id = " + visitor: Uuid as UuidBytes;

    /// Nor outputs.
    DeleteOutputs = "DELETE FROM message_outputs WHERE visitor_id = " + visitor: Uuid as UuidBytes;

    /// Nor messages.
    DeleteMessages = "DELETE FROM messages WHERE visitor_id = " + visitor: Uuid as UuidBytes;

    /// Nor conversations.
    DeleteConversations = "DELETE FROM conversations WHERE visitor_id = " + visitor: Uuid as UuidBytes;
}

/// A visitor who is to leave, as long as that is tried.
pub(super) struct Leaving {
    /// What is to stay.
    tombstone: VisitorTombstone,
    /// No answer came of an attempt: it may have been committed.
    is_in_doubt: bool,
}

/// A visitor who is to leave, when no write to it is under way any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// It is there, at this change counter, and others wait until the transaction ends.
    At(u64),
    /// Nobody knows it.
    Unknown,
    /// It has left by an earlier attempt.
    HasLeft,
}

impl Leaving {
    pub(super) fn of(tombstone: VisitorTombstone) -> Self {
        Self {
            tombstone,
            is_in_doubt: false,
        }
    }

    /// Erases everything of the visitor; `false` for one who is unknown.
    pub(super) fn erase(&mut self, connection: &mut PgConnection) -> Result<bool, PostgresError> {
        connection.transaction(|connection| match self.lock(connection)? {
            Found::At(_) => self.go(connection).map(|()| true),
            Found::HasLeft => Ok(true),
            Found::Unknown => Ok(false),
        })
    }

    /// Waits for the visitor and keeps others waiting. Nobody else leaves for the same at the same microsecond.
    pub(super) fn lock(&self, connection: &mut PgConnection) -> Result<Found, PostgresError> {
        let visitor = self.tombstone.id.as_uuid();
        if let Some(row) = visitors::lock(connection, visitor)? {
            return Ok(Found::At(row.change_counter));
        }
        match tombstones::find(connection, visitor)? {
            Some(found) if self.is_in_doubt && found == self.tombstone => Ok(Found::HasLeft),
            Some(found) => Err(found.gone.into()),
            None => Ok(Found::Unknown),
        }
    }

    /// Deletes everything of the visitor, which is locked; the transaction has nothing else to do after that.
    pub(super) fn go(&mut self, connection: &mut PgConnection) -> Result<(), PostgresError> {
        let visitor = self.tombstone.id.as_uuid();
        // Who has much takes longer than any other statement may. It is locked already: this waits for nobody.
        connection.batch_execute("SET LOCAL statement_timeout = 0")?;
        DeleteRequests { visitor }.execute(connection)?;
        DeleteResponses { visitor }.execute(connection)?;
        DeleteOutputs { visitor }.execute(connection)?;
        DeleteMessages { visitor }.execute(connection)?;
        DeleteConversations { visitor }.execute(connection)?;
        visitors::delete(connection, visitor)?;
        tombstones::insert(connection, &self.tombstone)?;
        self.is_in_doubt = true;
        Ok(())
    }
}
