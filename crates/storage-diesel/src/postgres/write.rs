//! Writes: each is one transaction that begins with the visitor's row, which others of the visitor
//! then wait for.

use std::marker::PhantomData;

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::Array;
use uuid::Uuid;

use convosync_domain::archive::ArchivedVisitor;
use convosync_domain::change_set::{ChangeSet, VisitorRegistration};
use convosync_domain::identity::VisitorId;
use convosync_domain::ports::Registration;
use convosync_domain::timestamp::Timestamp;
use convosync_domain::usage::{Quota, Usage};

use super::erase::erase;
use super::errors::PostgresError;
use super::rows::{Batches, ChangedRows, PartRows};
use super::statements::{ColumnsOfRows, DeleteOfMessages, Insert, InsertOrReplace};
use super::take_number::{TakeNumber, Taken};
use super::write_call::WriteChanges;
use super::{tombstones, visitors};
use crate::migrations::random_uuid;
use crate::statements::statements;
use crate::types::sql::{ChangeNumber, UuidBytes};

/// A change set, ready to be written and to be tried again.
pub(super) struct Commit {
    pub(super) visitor: Uuid,
    pub(super) change_counter: u64,
    pub(super) registers: Option<VisitorRegistration>,
    pub(super) quota: Quota,
    pub(super) change_number: u64,
    /// `None` where the change set changes nothing.
    pub(super) last_changed_at: Option<Timestamp>,
    pub(super) rows: ChangedRows,
}

impl Commit {
    pub(super) fn of(visitor: VisitorId, changes: ChangeSet) -> Self {
        let is_empty = changes.conversations.is_empty();
        let change_number = match is_empty {
            true => changes.change_counter,
            false => changes.change_counter + 1,
        };
        Self {
            visitor: visitor.as_uuid(),
            change_counter: changes.change_counter,
            registers: changes.registers,
            quota: changes.quota,
            change_number,
            last_changed_at: (!is_empty).then_some(changes.received_at),
            rows: ChangedRows::of(changes.conversations, change_number),
        }
    }

    /// Writes the change set, if the visitor's counter is the one that it was computed on; returns
    /// the counter after it.
    pub(super) fn write(
        &self,
        connection: &mut PgConnection,
        attempts: &mut Attempts,
    ) -> Result<u64, PostgresError> {
        if !attempts.call(connection, self.visitor, |write| {
            WriteChanges::of(self, write)
        })? {
            attempts.transaction(connection, self.visitor, |connection, write| {
                self.write_within(connection, write)
            })?;
        }
        Ok(self.change_number)
    }

    /// The visitor's counter when the change set is written.
    pub(super) fn change_number(&self) -> u64 {
        self.change_number
    }

    /// Writes the change set as this write, within a transaction that begins with it or with a lock on the visitor.
    pub(super) fn write_within(
        &self,
        connection: &mut PgConnection,
        write: Uuid,
    ) -> Result<(), PostgresError> {
        self.take_number(connection, write)?;
        self.write_rows(connection)
    }

    fn take_number(&self, connection: &mut PgConnection, write: Uuid) -> Result<(), PostgresError> {
        if let Some(registration) = &self.registers {
            return self.register(connection, registration, write);
        }
        let added = self.rows.usage.added();
        let take = TakeNumber {
            visitor: self.visitor,
            change_counter: self.change_counter,
            change_number: self.change_number,
            last_changed_at: self.last_changed_at,
            write,
            added,
            replaced: &self.rows.replaced,
        };
        let taken: Option<Taken> = take.get_result(connection).optional()?;
        let Some(taken) = taken else {
            tombstones::refuse_gone(connection, self.visitor)?;
            return Err(PostgresError::Conflict);
        };
        if !taken.found_all(&self.rows.replaced) {
            return Err(PostgresError::NotStored);
        }
        let (before, after) = taken.usage(added);
        Ok(self.quota.check(before, after)?)
    }

    fn register(
        &self,
        connection: &mut PgConnection,
        registration: &VisitorRegistration,
        write: Uuid,
    ) -> Result<(), PostgresError> {
        let visitor = ArchivedVisitor {
            last_changed_at: self.last_changed_at,
            ..ArchivedVisitor::new(registration, self.change_number)
        };
        let usage = self.rows.usage.added();
        if self.change_counter != 0 || !visitors::insert(connection, &visitor, usage, write)? {
            return Err(PostgresError::Conflict);
        }
        if !self.rows.replaced.is_empty() {
            return Err(PostgresError::NotStored);
        }
        Ok(self.quota.check(Usage::default(), usage)?)
    }

    fn write_rows(&self, connection: &mut PgConnection) -> Result<(), PostgresError> {
        let Self { visitor, rows, .. } = self;
        self.insert(connection, &rows.conversations.new)?;
        self.replace(connection, &rows.conversations.replacing)?;
        if !rows.touched.is_empty() {
            let touch = SetLatestChange {
                change_number: self.change_number,
                visitor: *visitor,
                conversations: rows.touched.clone(),
            };
            all_stored(touch.execute(connection)?, rows.touched.len())?;
        }
        for (conversation, erasure) in &rows.erasures {
            erase(
                connection,
                *visitor,
                *conversation,
                *erasure,
                self.change_number,
            )?;
        }
        self.insert(connection, &rows.messages.new)?;
        self.replace(connection, &rows.messages.replacing)?;
        self.write_parts(connection, &rows.requests)?;
        self.write_parts(connection, &rows.responses)?;
        self.write_parts(connection, &rows.outputs)
    }

    fn write_parts<C: ColumnsOfRows>(
        &self,
        connection: &mut PgConnection,
        parts: &PartRows<C>,
    ) -> Result<(), PostgresError> {
        for (conversation, messages) in &parts.gone {
            let delete = DeleteOfMessages::<C> {
                visitor: self.visitor,
                conversation: *conversation,
                messages: messages.clone(),
                table: PhantomData,
            };
            delete.execute(connection)?;
        }
        self.insert(connection, &parts.rows.new)?;
        self.replace(connection, &parts.rows.replacing)
    }

    fn insert<C: ColumnsOfRows>(
        &self,
        connection: &mut PgConnection,
        batches: &Batches<C>,
    ) -> Result<(), PostgresError> {
        let visitor = self.visitor;
        for rows in batches.iter() {
            Insert { visitor, rows }.execute(connection)?;
        }
        Ok(())
    }

    fn replace<C: ColumnsOfRows>(
        &self,
        connection: &mut PgConnection,
        batches: &Batches<C>,
    ) -> Result<(), PostgresError> {
        let visitor = self.visitor;
        for rows in batches.iter() {
            InsertOrReplace { visitor, rows }.execute(connection)?;
        }
        Ok(())
    }
}

fn all_stored(found: usize, named: usize) -> Result<(), PostgresError> {
    (found == named)
        .then_some(())
        .ok_or(PostgresError::NotStored)
}

/// Registers a visitor, unless it is known.
pub(super) fn register(
    connection: &mut PgConnection,
    registration: &VisitorRegistration,
    attempts: &mut Attempts,
) -> Result<Registration, PostgresError> {
    let visitor = ArchivedVisitor::new(registration, 0);
    let id = visitor.id.as_uuid();
    let written = attempts.transaction(connection, id, |connection, write| {
        let is_new = visitors::insert(connection, &visitor, Usage::default(), write)?;
        is_new.then_some(()).ok_or(PostgresError::Conflict)
    });
    match written {
        Ok(()) => Ok(Registration::Created),
        Err(PostgresError::Conflict) => Ok(Registration::AlreadyKnown),
        Err(error) => Err(error),
    }
}

/// The attempts at one write. When a connection breaks while it commits, nobody knows whether it did
/// until the visitor's row is asked.
#[derive(Default)]
pub(super) struct Attempts {
    /// The write that may have been committed.
    in_doubt: Option<Uuid>,
}

impl Attempts {
    /// Does the work by a call, which is a transaction by itself; `false` where there is none, or where it has written
    /// nothing and does not say why.
    fn call(
        &mut self,
        connection: &mut PgConnection,
        visitor: Uuid,
        call: impl FnOnce(Uuid) -> Option<WriteChanges>,
    ) -> Result<bool, PostgresError> {
        if self.was_committed(connection, visitor)? {
            return Ok(true);
        }
        let write = random_uuid().map_err(PostgresError::NoRandomness)?;
        let Some(call) = call(write) else {
            return Ok(false);
        };
        let earlier = self.in_doubt.replace(write);
        let is_written: bool = call.get_result(connection)?;
        if !is_written {
            self.in_doubt = earlier;
        }
        Ok(is_written)
    }

    /// Does the work in a transaction, unless an earlier attempt, of which no answer came, has been
    /// committed. (If others have written after it, the work meets their change counter.)
    fn transaction(
        &mut self,
        connection: &mut PgConnection,
        visitor: Uuid,
        work: impl FnOnce(&mut PgConnection, Uuid) -> Result<(), PostgresError>,
    ) -> Result<(), PostgresError> {
        if self.was_committed(connection, visitor)? {
            return Ok(());
        }
        let earlier = self.in_doubt;
        let write = random_uuid().map_err(PostgresError::NoRandomness)?;
        let done = connection.transaction(|connection| {
            work(connection, write)?;
            self.in_doubt = Some(write);
            Ok(())
        });
        // A visitor who was being inserted could not be seen before; this time the work met it.
        if matches!(done, Err(PostgresError::Conflict)) {
            self.in_doubt = earlier;
            if self.was_committed(connection, visitor)? {
                return Ok(());
            }
        }
        done
    }

    fn was_committed(&self, connection: &mut PgConnection, visitor: Uuid) -> QueryResult<bool> {
        match self.in_doubt {
            Some(write) => visitors::is_latest_write(connection, visitor, write),
            None => Ok(false),
        }
    }
}

statements! { Pg, PgConnection:
    /// Messages of the conversations change.
    SetLatestChange =
        "UPDATE conversations SET latest_change = " + change_number: u64 as ChangeNumber,
        " WHERE visitor_id = " + visitor: Uuid as UuidBytes,
        " AND id = ANY(" + conversations: Vec<Uuid> as Array<UuidBytes>,
        ")";
}
