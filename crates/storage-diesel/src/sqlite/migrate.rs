//! Brings a store to the schema that this program knows.

use diesel::prelude::*;
use diesel::sqlite::Sqlite;
use diesel_migrations::{EmbeddedMigrations, embed_migrations};

use convosync_domain::ports::StoreIdentity;

use super::connection::Database;
use super::errors::{OpenError, SqliteError};
use super::group::Group;
use super::schema::{StoreRow, store};
use super::statements::insert;
use crate::migrations::{Failure, Migrated, new_identity, run_pending};
use crate::statements::statements;

pub(super) const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations/sqlite");

/// Runs the migrations that are missing, all or none, and gives a new store its identity.
///
/// Everything is inside one transaction that takes the write lock first: of two programs that start
/// at once one migrates and the other waits, then finds nothing to do.
pub(super) fn migrate(
    database: &Database,
    connection: &mut SqliteConnection,
) -> Result<Migrated, OpenError> {
    let migrated = connection.immediate_transaction(|connection| {
        let applied = run_pending(connection, MIGRATIONS)?;
        let identity = identity(connection)?;
        // Where the file is only to be read, SQLite takes that for a transaction that only reads.
        (RewriteFirstPage {}).execute(connection)?;
        Ok(Migrated { applied, identity })
    });
    migrated.map_err(|failure| {
        let path = database.path().to_owned();
        match failure {
            Failure::NewerSchema(version) => OpenError::NewerSchema { path, version },
            Failure::Other(reason) => OpenError::Migration { path, reason },
        }
    })
}

/// What the store chose when it was made, which is now if it is new.
fn identity(connection: &mut SqliteConnection) -> Result<StoreIdentity, Failure> {
    let row = match store::table.get_result(connection).optional()? {
        Some(row) => row,
        None => {
            let StoreIdentity { epoch, digest_seed } = new_identity()?;
            let row = StoreRow {
                id: 1,
                epoch,
                digest_seed: digest_seed.cast_signed(),
            };
            insert(&row, connection)?;
            row
        }
    };
    Ok(StoreIdentity {
        epoch: row.epoch,
        digest_seed: row.digest_seed.cast_unsigned(),
    })
}

/// Reads the row that every store has.
pub(super) fn read_identity(connection: &mut SqliteConnection) -> Result<StoreRow, SqliteError> {
    Ok(store::table.get_result(connection)?)
}

/// Writes the first page of the file as it is. (SQLite does not write a row that is updated to what it was.)
pub(super) fn rewrite_first_page(group: &mut Group<'_>) -> Result<(), SqliteError> {
    (RewriteFirstPage {}).execute(group.connection)?;
    Ok(())
}

statements! { Sqlite, SqliteConnection:
    /// A write that changes nothing: nobody uses that number, which is 0.
    RewriteFirstPage = "PRAGMA user_version = 0";
}

/// A store in memory, without an identity.
#[cfg(test)]
pub(super) fn new_schema() -> SqliteConnection {
    let mut connection = SqliteConnection::establish(":memory:").unwrap();
    diesel_migrations::MigrationHarness::run_pending_migrations(&mut connection, MIGRATIONS)
        .unwrap();
    connection
}
