//! What is done with the file of a store as a whole: it is copied, replaced and looked through, by SQLite's own means
//! and beside whoever has it open.

mod backup;
mod check;
mod departures;
mod error;
mod partial;
mod replacement;
mod sole;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use diesel::sqlite::Sqlite;
use rusqlite::{Connection, OpenFlags};

pub use backup::back_up;
pub use check::check;
pub use departures::{Departures, departures};
pub use error::FileError;
pub use partial::prepare_folder;
pub use replacement::Replacement;
pub use sole::SoleStore;

use super::migrate::MIGRATIONS;
use super::opened_files::beside;
use crate::migrations::known_versions;

/// What stands between the name of a store and the moment at which it was replaced, in the name under which it is kept.
pub const REPLACED: &str = ".replaced-";

/// How many steps of its machine SQLite takes between two looks at whether it is to stop.
const STEPS_BETWEEN_LOOKS: i32 = 1_000;

/// How a long copy is told to stop. Clones are the same.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Tells it to stop; it does so within moments.
    pub fn now(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it is to stop.
    #[must_use]
    pub fn is_told(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    fn check(&self) -> Result<(), FileError> {
        match self.is_told() {
            true => Err(FileError::Stopped),
            false => Ok(()),
        }
    }
}

/// A file that may be a store, opened without making or changing anything.
struct StoreFile {
    path: PathBuf,
    connection: Connection,
}

impl StoreFile {
    /// Opens the file at this path. Whatever is done with it ends when `stop` says so.
    fn open(path: &Path, busy_timeout: Duration, stop: &Stop) -> Result<Self, FileError> {
        let path = std::path::absolute(path).map_err(|error| FileError::unreadable(path, error))?;
        if !path.exists() {
            return Err(FileError::Missing { path });
        }
        let at = |error| FileError::of_reading(&path, error);
        // Where only reading is allowed, SQLite is content with that.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&path, flags).map_err(at)?;
        connection.busy_timeout(busy_timeout).map_err(at)?;
        let stop = stop.clone();
        let handler = Some(move || stop.is_told());
        connection
            .progress_handler(STEPS_BETWEEN_LOOKS, handler)
            .map_err(at)?;
        connection
            .execute_batch(
                "PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; \
                 PRAGMA mmap_size = 0",
            )
            .map_err(at)?;
        Ok(Self { path, connection })
    }

    /// Makes sure that this is a whole store with a schema that this program knows.
    fn verify(&self) -> Result<(), FileError> {
        self.verify_schema()?;
        let damage = self.damage("PRAGMA quick_check(1)")?;
        match damage.into_iter().next() {
            None => Ok(()),
            Some(reason) => Err(FileError::Damaged {
                path: self.path.clone(),
                reason,
            }),
        }
    }

    /// Makes sure that this is a store with a schema that this program knows. Tells whether it is the newest one.
    fn verify_schema(&self) -> Result<bool, FileError> {
        let tables: i64 = self.value(
            "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name IN \
             ('__diesel_schema_migrations', 'store', 'visitors', 'conversations', 'messages')",
        )?;
        let not_a_store = || FileError::NotAStore {
            path: self.path.clone(),
        };
        if tables != 5 || self.value::<i64>("SELECT count(*) FROM store")? != 1 {
            return Err(not_a_store());
        }
        let mut known = known_versions::<Sqlite>(&MIGRATIONS)
            .map_err(|error| FileError::unreadable(&self.path, error))?;
        let versions = "SELECT version FROM __diesel_schema_migrations ORDER BY version";
        for version in self.values::<String>(versions)? {
            if !known.remove(&version) {
                let path = self.path.clone();
                return Err(FileError::NewerSchema { path, version });
            }
        }
        Ok(known.is_empty())
    }

    /// What a check of the whole file finds.
    fn damage(&self, check: &str) -> Result<Vec<String>, FileError> {
        let mut found = self.values::<String>(check)?;
        found.retain(|line| line != "ok");
        Ok(found)
    }

    /// Whether there is a table of this name.
    fn has_table(&self, name: &str) -> Result<bool, FileError> {
        let query = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = ?1";
        let count = self.connection.query_row(query, [name], |row| row.get(0));
        count
            .map(|count: i64| count > 0)
            .map_err(|error| self.unread(error))
    }

    fn value<T: rusqlite::types::FromSql>(&self, query: &str) -> Result<T, FileError> {
        let value = self.connection.query_row(query, [], |row| row.get(0));
        value.map_err(|error| self.unread(error))
    }

    fn values<T: rusqlite::types::FromSql>(&self, query: &str) -> Result<Vec<T>, FileError> {
        self.rows(query, |row| row.get(0))
    }

    fn rows<T>(
        &self,
        query: &str,
        read: impl FnMut(&rusqlite::Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, FileError> {
        let rows = self.connection.prepare(query).and_then(|mut statement| {
            let rows = statement.query_map([], read)?;
            rows.collect()
        });
        rows.map_err(|error| self.unread(error))
    }

    fn unread(&self, error: rusqlite::Error) -> FileError {
        FileError::of_reading(&self.path, error)
    }
}
