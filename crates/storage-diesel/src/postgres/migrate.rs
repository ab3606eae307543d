//! Brings a database to the schema that this program knows.

use std::collections::BTreeSet;

use diesel::connection::SimpleConnection;
use diesel::dsl::sql;
use diesel::migration::{Migration, MigrationSource};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Text};
use diesel_migrations::{EmbeddedMigrations, embed_migrations};
use uuid::Uuid;

use convosync_domain::ports::StoreIdentity;

use super::errors::{OpenError, one_line};
use super::functions;
use super::schema::StoreRow;
use super::statements::WholeRow;
use crate::migrations::{Failure, Migrated, new_identity, run_pending};
use crate::statements::statements;
use crate::tables::read_row::ReadRow as _;
use crate::types::sql::UuidBytes;

pub(super) const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations/postgres");

/// Runs the migrations that are missing, all or none, has the functions be those of this program, and
/// gives a new store its identity.
///
/// The lock is Convosync's own and of this database: of two programs that start at once one migrates
/// and the other waits, then finds nothing to do.
pub(super) fn migrate(connection: &mut PgConnection) -> Result<Migrated, OpenError> {
    let migrated = connection.transaction(|connection| {
        connection.batch_execute(
            "SET LOCAL statement_timeout = 0;
             SELECT pg_advisory_xact_lock(hashtextextended('convosync migrations', 0));",
        )?;
        // Whoever has nothing to migrate needs no right to: Diesel would ask for one.
        let applied = match is_current(connection)? {
            true => Vec::new(),
            false => run_pending(connection, MIGRATIONS)?,
        };
        functions::define(connection)?;
        let identity = identity(connection)?;
        Ok(Migrated { applied, identity })
    });
    migrated.map_err(|failure| match failure {
        Failure::NewerSchema(version) => OpenError::NewerSchema { version },
        Failure::Other(reason) => OpenError::Migration {
            reason: one_line(&reason),
        },
    })
}

/// Refuses a schema that is not the one of this program, and changes nothing.
pub(super) fn require_current(connection: &mut PgConnection) -> Result<(), OpenError> {
    let unfit = |reason: &str| OpenError::Unfit {
        reason: one_line(reason),
    };
    match is_current(connection) {
        Ok(true) => Ok(()),
        Ok(false) => Err(unfit(
            "its schema is not that of this program, which `convosync migrate` brings it to",
        )),
        Err(Failure::NewerSchema(version)) => Err(OpenError::NewerSchema { version }),
        Err(Failure::Other(reason)) => Err(unfit(&reason)),
    }
}

/// Whether the schema is the one that this program knows.
fn is_current(connection: &mut PgConnection) -> Result<bool, Failure> {
    let exists = sql::<Bool>("to_regclass('__diesel_schema_migrations') IS NOT NULL");
    if !diesel::select(exists).get_result::<bool>(connection)? {
        return Ok(false);
    }
    let versions = sql::<Text>("SELECT version::text FROM __diesel_schema_migrations");
    let versions: BTreeSet<String> = versions.load(connection)?.into_iter().collect();
    let known: Vec<Box<dyn Migration<Pg>>> = MIGRATIONS.migrations()?;
    let known = known.iter().map(|it| it.name().version().to_string());
    Ok(versions == known.collect())
}

/// What the store chose when it was made, which is now if it is new.
fn identity(connection: &mut PgConnection) -> Result<StoreIdentity, Failure> {
    if let Some(row) = read_store(connection)? {
        return Ok(StoreIdentity {
            epoch: row.epoch,
            digest_seed: row.digest_seed.cast_unsigned(),
        });
    }
    let identity = new_identity()?;
    InsertStore {
        epoch: identity.epoch,
        digest_seed: identity.digest_seed.cast_signed(),
    }
    .execute(connection)?;
    Ok(identity)
}

/// Reads the row that every store has.
pub(super) fn read_store(connection: &mut PgConnection) -> QueryResult<Option<StoreRow>> {
    (SelectStore {}).get_result(connection).optional()
}

statements! { Pg, PgConnection:
    /// The one row.
    SelectStore -> (WholeRow,) = "SELECT ", (StoreRow::LIST), " FROM store";

    /// The one row of a new store.
    InsertStore =
        "INSERT INTO store (id, epoch, digest_seed) VALUES (1, " + epoch: Uuid as UuidBytes,
        ", " + digest_seed: i64 as BigInt,
        ")";
}
