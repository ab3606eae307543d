//! Why the file of a store was not copied, replaced or looked through.

use std::fmt;
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

use crate::sqlite::errors::OpenError;

/// Why something was not done with the file of a store. Each is one line that names the path.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// There is no file.
    #[error("there is no store at {}", path.display())]
    Missing {
        /// Where none is.
        path: PathBuf,
    },
    /// What would be written is there already.
    #[error("{} is there already", path.display())]
    Exists {
        /// What is there.
        path: PathBuf,
    },
    /// A file cannot be read.
    #[error("cannot read {}: {reason}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system or SQLite said.
        reason: String,
    },
    /// A file cannot be written.
    #[error("cannot write {}: {reason}", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// What the system or SQLite said.
        reason: String,
    },
    /// The file is none of SQLite's.
    #[error("{} is not a database", path.display())]
    NotADatabase {
        /// The file.
        path: PathBuf,
    },
    /// The file is a database of something else.
    #[error("{} is a database, but not a store of Convosync", path.display())]
    NotAStore {
        /// The file.
        path: PathBuf,
    },
    /// A newer Convosync has written the store.
    #[error("cannot use {}: its schema version {version} is newer than this program", path.display())]
    NewerSchema {
        /// The file.
        path: PathBuf,
        /// The migration that this program does not know.
        version: String,
    },
    /// A check of the whole file found damage.
    #[error("{} is damaged: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The first finding.
        reason: String,
    },
    /// What was last written to the store stands in a file beside it.
    #[error(
        "{0} has a write-ahead log beside it, so it alone is not everything: make a backup of it with \
         `convosync backup --database-url sqlite://{0} --to FILE`",
        path.display()
    )]
    LogBeside {
        /// The file.
        path: PathBuf,
    },
    /// Somebody else has the store open.
    #[error("{} is in use: stop the server first", path.display())]
    InUse {
        /// The store.
        path: PathBuf,
    },
    /// The store cannot be brought to the schema of this program.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// It was told to stop.
    #[error("stopped before it was done; nothing has changed")]
    Stopped,
}

impl FileError {
    pub(super) fn unreadable(path: &Path, reason: impl fmt::Display) -> Self {
        Self::Unreadable {
            path: path.to_owned(),
            reason: reason.to_string(),
        }
    }

    pub(super) fn unwritable(path: &Path, reason: impl fmt::Display) -> Self {
        Self::Unwritable {
            path: path.to_owned(),
            reason: reason.to_string(),
        }
    }

    /// What an error of SQLite says of the file that was read.
    pub(super) fn of_reading(path: &Path, error: rusqlite::Error) -> Self {
        let path = path.to_owned();
        match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => Self::NotADatabase { path },
            Some(ErrorCode::DatabaseCorrupt) => Self::Damaged {
                path,
                reason: error.to_string(),
            },
            Some(ErrorCode::OperationInterrupted) => Self::Stopped,
            _ => Self::unreadable(&path, error),
        }
    }
}
