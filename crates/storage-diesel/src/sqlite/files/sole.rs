//! A store that nobody else has open.

use std::path::Path;
use std::time::Duration;

use rusqlite::ErrorCode;
use rusqlite::config::DbConfig;

use super::error::FileError;
use super::{Departures, Stop, StoreFile};

/// A store that nobody else has open, nor can open before this is dropped.
pub struct SoleStore(StoreFile);

impl SoleStore {
    /// Takes the store at this path; `None` where there is none.
    ///
    /// # Errors
    /// [`FileError::InUse`] when another process has it open, or another part of this one; other variants when it cannot
    /// be read as a database.
    pub fn take(path: &Path) -> Result<Option<Self>, FileError> {
        let file = match StoreFile::open(path, Duration::ZERO, &Stop::default()) {
            Err(FileError::Missing { .. }) => return Ok(None),
            // Nobody has more than a header of it in exclusive mode; a lock may meet the first statement already.
            file => file?,
        };
        // Whoever has a store open that has a write-ahead log keeps a shared lock on its file. In this mode SQLite
        // takes the exclusive one before it looks at the log, and keeps it.
        let taken = file.connection.execute_batch(
            "PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; SELECT count(*) FROM sqlite_schema; COMMIT",
        );
        match taken {
            Ok(()) => Ok(Some(Self(file))),
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => {
                Err(FileError::InUse { path: file.path })
            }
            Err(error) => {
                let unread = file.unread(error);
                let sole = Self(file);
                // A log beside what cannot be read is all that there is of it; SQLite would play it in, or drop it.
                sole.leave_log_alone()?;
                Err(unread)
            }
        }
    }

    /// Whether somebody or something is in it; of a database of something else, too.
    ///
    /// # Errors
    /// [`FileError`] when it cannot be read.
    pub fn has_data(&self) -> Result<bool, FileError> {
        let Self(file) = self;
        for table in ["visitors", "visitor_tombstones", "api_keys"] {
            if file.has_table(table)? {
                let any = format!("SELECT EXISTS (SELECT 1 FROM {table})");
                if file.value::<bool>(&any)? {
                    return Ok(true);
                }
            }
        }
        let is_foreign = "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'table') \
                          AND NOT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'store')";
        file.value(is_foreign)
    }

    /// Who and what is gone, as it says.
    ///
    /// # Errors
    /// [`FileError`] when it cannot be read.
    pub fn departures(&self) -> Result<Departures, FileError> {
        self.0.departures()
    }

    /// Moves everything from the write-ahead log into the file, and has SQLite leave what is beside the file alone from
    /// then on: by its name it may soon be another store's.
    pub(super) fn empty_log(&self) -> Result<(), FileError> {
        let Self(file) = self;
        let checkpoint = "PRAGMA wal_checkpoint(TRUNCATE)";
        let done = file.connection.query_row(checkpoint, [], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        });
        let (busy, logged, moved): (i64, i64, i64) = done.map_err(|error| file.unread(error))?;
        if busy != 0 || logged != moved {
            return Err(FileError::unwritable(
                &file.path,
                "its write-ahead log cannot be emptied",
            ));
        }
        self.leave_log_alone()
    }

    fn leave_log_alone(&self) -> Result<(), FileError> {
        let leaves_log = DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE;
        let set = self.0.connection.set_db_config(leaves_log, true);
        set.map(|_| ()).map_err(|error| self.0.unread(error))
    }

    /// Moves everything into the file, and has it be all that there is of the store until that is next opened.
    pub(super) fn leave_wal_mode(&self) -> Result<(), FileError> {
        let mode: String = self.0.value("PRAGMA journal_mode = DELETE")?;
        match mode.as_str() {
            "delete" => Ok(()),
            mode => Err(FileError::unwritable(
                &self.0.path,
                format!("its journal mode stays {mode}"),
            )),
        }
    }
}
