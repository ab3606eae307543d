//! Brings a store to the schema that this program knows.

use std::collections::BTreeSet;

use diesel::migration::{Migration, MigrationSource};
use diesel::prelude::*;
use diesel::sqlite::Sqlite;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use convosync_domain::ports::StoreIdentity;

use super::connection::Database;
use super::errors::{Fault, OpenError};
use super::group::Group;
use super::schema::{StoreRow, store};
use super::statements::{Insert, statements};

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations/sqlite");

/// What [`migrate`] found and did.
pub(super) struct Migrated {
    /// The versions of the migrations that it ran.
    pub(super) applied: Vec<String>,
    /// What the store chose when it was made.
    pub(super) identity: StoreIdentity,
}

enum Failure {
    NewerSchema(String),
    Other(String),
}

impl<E: std::fmt::Display> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Other(error.to_string())
    }
}

/// Runs the migrations that are missing, all or none, and gives a new store its identity.
///
/// Everything is inside one transaction that takes the write lock first: of two programs that start
/// at once one migrates and the other waits, then finds nothing to do. (Diesel would look for
/// pending migrations without a lock; its transaction for each migration becomes a savepoint here.)
pub(super) fn migrate(
    database: &Database,
    connection: &mut SqliteConnection,
) -> Result<Migrated, OpenError> {
    let migrated = connection.immediate_transaction(|connection| {
        let applied = run_pending(connection)?;
        let identity = identity(connection)?;
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

fn run_pending(connection: &mut SqliteConnection) -> Result<Vec<String>, Failure> {
    let known: Vec<Box<dyn Migration<Sqlite>>> = MIGRATIONS.migrations()?;
    let names: BTreeSet<_> = known
        .iter()
        .map(|migration| migration.name().version().to_string())
        .collect();
    let applied: BTreeSet<_> = connection
        .applied_migrations()?
        .into_iter()
        .map(|version| version.to_string())
        .collect();
    if let Some(unknown) = applied.difference(&names).last() {
        return Err(Failure::NewerSchema(unknown.clone()));
    }
    connection
        .pending_migrations(MIGRATIONS)?
        .iter()
        .map(|migration| Ok(connection.run_migration(migration)?.to_string()))
        .collect()
}

/// What the store chose when it was made, which is now if it is new.
fn identity(connection: &mut SqliteConnection) -> Result<StoreIdentity, Failure> {
    let row = match store::table.get_result(connection).optional()? {
        Some(row) => row,
        None => {
            let row = new_identity()?;
            Insert(row.clone()).execute(connection)?;
            row
        }
    };
    Ok(StoreIdentity {
        epoch: row.epoch,
        digest_seed: row.digest_seed.cast_unsigned(),
    })
}

fn new_identity() -> Result<StoreRow, getrandom::Error> {
    let mut epoch = [0; 16];
    getrandom::fill(&mut epoch)?;
    Ok(StoreRow {
        id: 1,
        epoch: uuid::Builder::from_random_bytes(epoch).into_uuid(),
        digest_seed: getrandom::u64()?.cast_signed(),
    })
}

/// Reads the row that every store has.
pub(super) fn read_identity(connection: &mut SqliteConnection) -> Result<StoreRow, Fault> {
    Ok(store::table.get_result(connection)?)
}

/// Writes that row as it is.
pub(super) fn rewrite_identity(group: &mut Group<'_>) -> Result<(), Fault> {
    (RewriteIdentity {}).execute(group.connection)?;
    Ok(())
}

statements! {
    /// A write that changes nothing.
    RewriteIdentity = "UPDATE store SET epoch = epoch";
}

/// A store in memory, without an identity.
#[cfg(test)]
pub(super) fn new_schema() -> SqliteConnection {
    let mut connection = SqliteConnection::establish(":memory:").unwrap();
    connection.run_pending_migrations(MIGRATIONS).unwrap();
    connection
}
