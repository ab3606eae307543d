//! A store in an SQLite file.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use convosync_domain::ports::Clock;
use convosync_storage_diesel::postgres::{Distribution, DistributionStep};
use convosync_storage_diesel::sqlite::{SqliteOptions, SqliteStore, files};
use convosync_storage_diesel::{CheckReport, StoreLoad};

use super::{Backend, Store, examine_sqlite, not_distributed};
use crate::failure::Failure;
use crate::finding::Finding;
use crate::settings::Settings;

/// The file that `database.url` names.
pub(crate) struct Sqlite(SqliteOptions);

impl Sqlite {
    pub(crate) fn of(settings: &Settings) -> Self {
        let database = &settings.database;
        Self(SqliteOptions {
            readers: database.readers(),
            queue: settings.limits.queue,
            busy_timeout: Duration::from_millis(database.busy_timeout_ms),
            check_file: database.check_at_start,
            ..SqliteOptions::at(database.url.rest())
        })
    }
}

impl Backend for Sqlite {
    fn path(&self) -> Option<&Path> {
        Some(&self.0.path)
    }

    fn file(&self) -> Option<&SqliteOptions> {
        Some(&self.0)
    }

    fn writes_at_once(&self) -> usize {
        self.0.queue
    }

    fn after_erasure(&self) -> &'static str {
        "its text is not in the files of the store any more, once nobody reads what was there before"
    }

    fn open(&self) -> Result<Arc<dyn Store>, Failure> {
        match SqliteStore::open(self.0.clone()) {
            Ok(store) => Ok(Arc::new(store)),
            Err(error) => Err(Failure::caused_by(&error)),
        }
    }

    fn examine(&self, _: &dyn Clock, thoroughly: bool) -> Vec<Finding> {
        examine_sqlite::findings(&self.0.path, thoroughly)
    }

    fn migrate(&self) -> Result<Vec<String>, Failure> {
        SqliteStore::migrate(&self.0.path).map_err(|error| Failure::caused_by(&error))
    }

    fn distribute(&self, _: &mut dyn FnMut(DistributionStep)) -> Result<Distribution, Failure> {
        Err(not_distributed())
    }

    fn check(&self) -> Result<CheckReport, Failure> {
        let report = files::check(&self.0.path, self.0.busy_timeout);
        report.map_err(|error| Failure::caused_by(&error))
    }
}

impl Store for SqliteStore {
    fn close(&self) {
        Self::close(self.clone());
    }

    fn current_load(&self) -> StoreLoad {
        Self::current_load(self)
    }
}
