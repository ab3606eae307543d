//! What bringing a store to the schema that this program knows has in common on every backend.

use std::collections::BTreeSet;
use std::fmt;

use diesel::backend::Backend;
use diesel::migration::{Migration, MigrationSource, MigrationVersion};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness};
use uuid::Uuid;

use convosync_domain::ports::StoreIdentity;

/// What migrating found and did.
pub(crate) struct Migrated {
    /// The versions of the migrations that ran.
    pub(crate) applied: Vec<String>,
    /// What the store chose when it was made.
    pub(crate) identity: StoreIdentity,
}

/// How far the schema of a store is, beside the one that this program knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SchemaState {
    /// There are no tables: they are made when the store is opened.
    None,
    /// There are tables, but none of a store.
    Foreign,
    /// It lacks the migrations of these versions, which run when the store is opened.
    Older(Vec<String>),
    /// It is the one that this program knows.
    Current,
    /// It has a migration of this version, which this program does not know.
    Newer(String),
}

impl SchemaState {
    /// Of a store that has these migrations.
    pub(crate) fn of<DB: Backend>(
        applied: impl IntoIterator<Item = String>,
        migrations: &EmbeddedMigrations,
    ) -> Result<Self, String>
    where
        EmbeddedMigrations: MigrationSource<DB>,
    {
        let known = known_versions(migrations).map_err(|error| error.to_string())?;
        let applied: BTreeSet<_> = applied.into_iter().collect();
        let missing: Vec<_> = known.difference(&applied).cloned().collect();
        Ok(match applied.difference(&known).last() {
            Some(_) if applied.is_disjoint(&known) => Self::Foreign,
            Some(unknown) => Self::Newer(unknown.clone()),
            None if missing.is_empty() => Self::Current,
            None => Self::Older(missing),
        })
    }
}

/// Why a store was not migrated.
pub(crate) enum Failure {
    /// It has a migration of this version, which this program does not know.
    NewerSchema(String),
    /// What failed.
    Other(String),
}

impl<E: fmt::Display> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Other(error.to_string())
    }
}

/// The versions of the migrations that this program knows.
pub(crate) fn known_versions<DB: Backend>(
    migrations: &EmbeddedMigrations,
) -> diesel::migration::Result<BTreeSet<String>>
where
    EmbeddedMigrations: MigrationSource<DB>,
{
    let known: Vec<Box<dyn Migration<DB>>> = migrations.migrations()?;
    let versions = known.iter().map(|it| it.name().version().to_string());
    Ok(versions.collect())
}

/// Runs the migrations that are missing and returns their versions. The caller holds a transaction
/// and a lock: Diesel would look for pending migrations without one. (Its transaction for each
/// migration becomes a savepoint.)
pub(crate) fn run_pending<DB: Backend>(
    connection: &mut impl MigrationHarness<DB>,
    migrations: EmbeddedMigrations,
) -> Result<Vec<String>, Failure>
where
    EmbeddedMigrations: MigrationSource<DB>,
{
    let known = known_versions(&migrations)?;
    let applied: BTreeSet<_> = connection
        .applied_migrations()?
        .iter()
        .map(MigrationVersion::to_string)
        .collect();
    if let Some(unknown) = applied.difference(&known).last() {
        return Err(Failure::NewerSchema(unknown.clone()));
    }
    connection
        .pending_migrations(migrations)?
        .iter()
        .map(|migration| Ok(connection.run_migration(migration)?.to_string()))
        .collect()
}

/// What a new store chooses at random.
pub(crate) fn new_identity() -> Result<StoreIdentity, getrandom::Error> {
    Ok(StoreIdentity {
        epoch: random_uuid()?,
        digest_seed: getrandom::u64()?,
    })
}

/// A UUID that nobody can guess.
pub(crate) fn random_uuid() -> Result<Uuid, getrandom::Error> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)?;
    Ok(uuid::Builder::from_random_bytes(bytes).into_uuid())
}
