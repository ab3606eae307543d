//! What can go wrong, and what each port's caller is told of it.

use std::error::Error;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use diesel::result::Error as DieselError;

use convosync_domain::ports::StoreError;
use convosync_domain::tombstone::VisitorGone;
use convosync_domain::usage::QuotaExceeded;

use super::opened_files::FileLoss;
use crate::concurrency_limit::Overloaded;
use crate::measures;
use crate::tables::read_row::corrupt_column;

/// How long a caller should wait before it tries again.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Why a store could not be opened. Each is one line that names the path.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder of the store is missing and cannot be made.
    #[error("cannot make the folder {}: {reason}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// The file cannot be opened, read or written.
    #[error("cannot open {}: {reason}", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        reason: String,
    },
    /// A setting that keeps the store's promises did not take.
    #[error("cannot use {}: {setting} is {found} and must be {expected}", path.display())]
    Setting {
        /// The file.
        path: PathBuf,
        /// The pragma.
        setting: &'static str,
        /// What it must be.
        expected: &'static str,
        /// What it is.
        found: String,
    },
    /// It is a database, and not a store of this project.
    #[error("cannot use {}: it is a database of another program", path.display())]
    OtherProgram {
        /// The file.
        path: PathBuf,
    },
    /// A newer Convosync has written the store.
    #[error(
        "cannot use {}: its schema version {version} is newer than this program",
        path.display()
    )]
    NewerSchema {
        /// The file.
        path: PathBuf,
        /// The migration that this program does not know.
        version: String,
    },
    /// A migration failed, and nothing has changed.
    #[error("cannot migrate {}: {reason}", path.display())]
    Migration {
        /// The file.
        path: PathBuf,
        /// What failed.
        reason: String,
    },
    /// The check of the whole file found damage.
    #[error("{} is damaged: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The first finding.
        reason: String,
    },
}

/// Why a read or a write failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum SqliteError {
    #[error("the visitor has changed meanwhile")]
    Conflict,
    #[error("the visitor would have {0}")]
    QuotaExceeded(#[from] QuotaExceeded),
    #[error("{0}")]
    VisitorGone(VisitorGone),
    #[error(transparent)]
    Database(#[from] DieselError),
    /// The files of the store cannot grow.
    #[error("the files of the store cannot grow")]
    NoRoom(#[source] io::Error),
    /// The files are not those that were opened.
    #[error("the files of the store are lost: {0}")]
    FileLost(#[from] FileLoss),
    /// No connection can be had.
    #[error("no connection to the store")]
    NoConnection(#[source] Box<dyn Error + Send + Sync>),
    /// No connection can be had, because of what is in the file.
    #[error("the store cannot be read")]
    Unreadable(#[source] Box<dyn Error + Send + Sync>),
    #[error("the read has taken too long")]
    TookTooLong,
    #[error(transparent)]
    Overloaded(#[from] Overloaded),
    /// The store is closed.
    #[error("the store is closed")]
    Closed,
    /// The change set names an item that is not stored.
    #[error("a change set updates an item that is not stored")]
    NotStored,
    #[error("the system has no random numbers")]
    NoRandomness(#[source] getrandom::Error),
    #[error("the work on the store panicked")]
    Panicked,
}

/// What SQLite says of a file that is damaged. No waiting helps, so such an error is of no other kind.
const DAMAGE: [&str; 2] = ["database disk image is malformed", "file is not a database"];

/// What SQLite means, as its codes do not reach through Diesel. Its messages are fixed English.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SqliteErrorKind {
    Busy,
    Full,
    /// The file cannot be reached or written now.
    Unreachable,
    /// A read, write or sync failed: what the connection holds in memory may not be on the disk.
    InputOutput,
    Other,
}

impl SqliteError {
    /// Whether it says of what is stored that it is not to be changed so, which is no failure of the store.
    pub(super) fn is_refusal(&self) -> bool {
        matches!(
            self,
            Self::Conflict | Self::QuotaExceeded(_) | Self::VisitorGone(_)
        )
    }

    /// That no connection can be had, for this reason.
    pub(super) fn no_connection(reason: impl Error + Send + Sync + 'static) -> Self {
        let text = reason.to_string();
        match DAMAGE.iter().any(|damage| text.contains(damage)) {
            true => Self::Unreadable(reason.into()),
            false => Self::NoConnection(reason.into()),
        }
    }

    pub(super) fn kind(&self) -> SqliteErrorKind {
        match self {
            Self::Database(error) => kind_of(error),
            Self::NoRoom(_) => SqliteErrorKind::Full,
            Self::Overloaded(_) | Self::TookTooLong => SqliteErrorKind::Busy,
            Self::FileLost(_) | Self::NoConnection(_) | Self::Closed => {
                SqliteErrorKind::Unreachable
            }
            Self::Conflict
            | Self::QuotaExceeded(_)
            | Self::VisitorGone(_)
            | Self::Unreadable(_)
            | Self::NotStored
            | Self::NoRandomness(_)
            | Self::Panicked => SqliteErrorKind::Other,
        }
    }
}

pub(super) fn kind_of(error: &DieselError) -> SqliteErrorKind {
    let message = match error {
        DieselError::DatabaseError(_, information) => information.message(),
        DieselError::RollbackErrorOnCommit { commit_error, .. } => return kind_of(commit_error),
        DieselError::BrokenTransactionManager => return SqliteErrorKind::Unreachable,
        _ => return SqliteErrorKind::Other,
    };
    let kinds = [
        ("database is locked", SqliteErrorKind::Busy),
        ("database or disk is full", SqliteErrorKind::Full),
        ("disk I/O error", SqliteErrorKind::InputOutput),
        (
            "attempt to write a readonly database",
            SqliteErrorKind::Unreachable,
        ),
        ("unable to open database file", SqliteErrorKind::Unreachable),
    ];
    kinds
        .into_iter()
        .find(|(known, _)| message.starts_with(known))
        .map_or(SqliteErrorKind::Other, |(_, kind)| kind)
}

/// What one of the callers is told whose work met this error.
pub(super) fn store_error(error: &Arc<SqliteError>) -> StoreError {
    let told = told(error);
    measures::count_error(&told);
    told
}

fn told(error: &Arc<SqliteError>) -> StoreError {
    match **error {
        SqliteError::Conflict => return StoreError::Conflict,
        SqliteError::QuotaExceeded(limit) => return StoreError::QuotaExceeded(limit),
        SqliteError::VisitorGone(gone) => return StoreError::VisitorGone(gone),
        _ => {}
    }
    if let SqliteError::Database(error) = &**error
        && let Some(corrupt) = corrupt_column(error)
    {
        return corrupt;
    }
    let source = Box::new(Arc::clone(error));
    match error.kind() {
        SqliteErrorKind::Busy | SqliteErrorKind::Unreachable | SqliteErrorKind::InputOutput => {
            StoreError::Unavailable {
                retry_after: RETRY_AFTER,
                source: Some(source),
            }
        }
        SqliteErrorKind::Full => StoreError::Full { source },
        SqliteErrorKind::Other => StoreError::Internal { source },
    }
}

impl From<SqliteError> for StoreError {
    fn from(error: SqliteError) -> Self {
        store_error(&Arc::new(error))
    }
}
