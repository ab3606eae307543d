//! A store in a PostgreSQL database.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use convosync_domain::ports::Clock;
use convosync_storage_diesel::postgres::{
    self, DistributeError, Distribution, DistributionStep, OpenError, PostgresOptions,
    PostgresStore,
};
use convosync_storage_diesel::sqlite::SqliteOptions;
use convosync_storage_diesel::{CheckReport, StoreLoad};

use super::{Backend, Store, examine_postgres};
use crate::failure::Failure;
use crate::finding::Finding;
use crate::settings::Settings;

/// The database that `database.url` names.
pub(crate) struct Postgres(PostgresOptions);

impl Postgres {
    pub(crate) fn of(settings: &Settings) -> Self {
        let database = &settings.database;
        Self(PostgresOptions {
            url: database.url.with_secrets(),
            pool_size: database.pool_size,
            queue: settings.limits.queue,
            wait_at_start: Duration::from_secs(database.wait_at_start_seconds),
            shard_aware: database.shard_aware,
        })
    }
}

impl Backend for Postgres {
    fn path(&self) -> Option<&Path> {
        None
    }

    fn file(&self) -> Option<&SqliteOptions> {
        None
    }

    fn writes_at_once(&self) -> usize {
        usize::try_from(self.0.pool_size).unwrap_or(usize::MAX)
    }

    fn after_erasure(&self) -> &'static str {
        "its text leaves the files of the database with the next VACUUM"
    }

    fn open(&self) -> Result<Arc<dyn Store>, Failure> {
        match PostgresStore::open(&self.0) {
            Ok(store) => Ok(Arc::new(store)),
            Err(error) => Err(not_opened(&error)),
        }
    }

    fn examine(&self, clock: &dyn Clock, _: bool) -> Vec<Finding> {
        examine_postgres::findings(&self.0, clock)
    }

    fn migrate(&self) -> Result<Vec<String>, Failure> {
        PostgresStore::migrate(&self.0).map_err(|error| not_opened(&error))
    }

    fn distribute(
        &self,
        on_step: &mut dyn FnMut(DistributionStep),
    ) -> Result<Distribution, Failure> {
        postgres::distribute(&self.0, postgres::VISITORS_AT_ONCE, on_step).map_err(|error| {
            match error {
                DistributeError::Open(error) => not_opened(&error),
                error => Failure::caused_by(&error),
            }
        })
    }

    fn check(&self) -> Result<CheckReport, Failure> {
        postgres::check(&self.0).map_err(|error| not_opened(&error))
    }
}

fn not_opened(error: &OpenError) -> Failure {
    match error {
        OpenError::Url { .. } => Failure::usage(format!("database.url: {error}")),
        error => Failure::caused_by(error),
    }
}

impl Store for PostgresStore {
    /// Every write that was acknowledged is done; the connections close with the program.
    fn close(&self) {}

    fn current_load(&self) -> StoreLoad {
        Self::current_load(self)
    }
}
