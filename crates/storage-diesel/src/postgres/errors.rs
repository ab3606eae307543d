//! What can go wrong, and what each port's caller is told of it.

use std::time::Duration;

use diesel::result::{DatabaseErrorKind, Error as DieselError};

use convosync_domain::ports::StoreError;
use convosync_domain::tombstone::VisitorGone;
use convosync_domain::usage::QuotaExceeded;

use crate::concurrency_limit::Overloaded;
use crate::tables::read_row::corrupt_column;

/// How long a caller should wait while the database cannot be reached.
const RETRY_AFTER_OUTAGE: Duration = Duration::from_secs(5);
/// How long a caller should wait while it is only busy.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Why a store could not be opened. Each is one line, and none holds the URL, which may hold a
/// password.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The URL cannot be one of a database.
    #[error("{reason}")]
    Url {
        /// What the client library said.
        reason: String,
    },
    /// The database could not be reached for as long as was to be waited.
    #[error("cannot reach the database: {reason}")]
    Unreachable {
        /// What was said last.
        reason: String,
    },
    /// The database is there, but not one to keep a store in.
    #[error("cannot use the database: {reason}")]
    Unfit {
        /// What is wrong with it.
        reason: String,
    },
    /// A newer Convosync has written the store.
    #[error("cannot use the database: its schema version {version} is newer than this program")]
    NewerSchema {
        /// The migration that this program does not know.
        version: String,
    },
    /// A migration failed, and nothing has changed.
    #[error("cannot migrate the database: {reason}")]
    Migration {
        /// What failed.
        reason: String,
    },
}

/// Why a read or a write failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum PostgresError {
    #[error("the visitor has changed meanwhile")]
    Conflict,
    #[error(transparent)]
    VisitorGone(#[from] VisitorGone),
    #[error("the visitor would have {0}")]
    QuotaExceeded(#[from] QuotaExceeded),
    #[error(transparent)]
    Database(#[from] DieselError),
    /// No connection can be had.
    #[error("no connection to the database")]
    NoConnection(#[source] r2d2::Error),
    #[error(transparent)]
    Overloaded(#[from] Overloaded),
    #[error("the server only reads")]
    ReadOnly,
    /// Somebody has restored, imported or replaced what was opened: cursors are made for that.
    #[error("the database has become another store since it was opened")]
    OtherStore,
    /// The change set names an item that is not stored.
    #[error("a change set updates an item that is not stored")]
    NotStored,
    #[error("the system has no random numbers")]
    NoRandomness(#[source] getrandom::Error),
    #[error("the work on the store panicked")]
    Panicked,
}

/// What an error means for what comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PostgresErrorKind {
    /// The server has no room.
    Full,
    /// The server only reads, as one does that is no longer the primary.
    ReadOnly,
    /// The connection is gone, another transaction was in the way, or nobody knows: the whole
    /// transaction may succeed on another connection.
    Passing,
    /// No connection can be had.
    Unreachable,
    /// Too many wait.
    Busy,
    Other,
}

impl PostgresError {
    pub(super) fn kind(&self) -> PostgresErrorKind {
        match self {
            Self::Database(error) => kind_of(error),
            Self::ReadOnly => PostgresErrorKind::ReadOnly,
            Self::NoConnection(_) | Self::OtherStore => PostgresErrorKind::Unreachable,
            Self::Overloaded(_) => PostgresErrorKind::Busy,
            Self::Conflict
            | Self::VisitorGone(_)
            | Self::QuotaExceeded(_)
            | Self::NotStored
            | Self::NoRandomness(_)
            | Self::Panicked => PostgresErrorKind::Other,
        }
    }

    /// Whether it is not what was asked that failed, but the connection or the server behind it.
    pub(super) fn is_of_connection(&self) -> bool {
        let is_lost = matches!(
            self,
            Self::Database(
                DieselError::BrokenTransactionManager
                    | DieselError::DatabaseError(
                        DatabaseErrorKind::ClosedConnection
                            | DatabaseErrorKind::UnableToSendCommand,
                        _
                    )
            )
        );
        is_lost || self.kind() == PostgresErrorKind::ReadOnly
    }

    /// Whether another transaction was in the way, and has ended. (Diesel does not tell deadlocks from other errors.)
    pub(super) fn is_serialization_failure(&self) -> bool {
        matches!(
            self,
            Self::Database(DieselError::DatabaseError(
                DatabaseErrorKind::SerializationFailure,
                _
            ))
        )
    }

    /// Whether the connection that it came from is fit for others, or will be found not to be: after a failure that may
    /// pass all are tried before they are used again. On a cluster it may be another node that is gone, which has the
    /// code of a lost connection; to connect anew for each of its visitors would slow down the others.
    pub(super) fn leaves_connection_usable(&self) -> bool {
        match self {
            Self::Conflict | Self::VisitorGone(_) | Self::QuotaExceeded(_) | Self::NotStored => {
                true
            }
            Self::Database(DieselError::DatabaseError(kind, _)) => matches!(
                kind,
                DatabaseErrorKind::SerializationFailure
                    | DatabaseErrorKind::ClosedConnection
                    | DatabaseErrorKind::Unknown
            ),
            _ => false,
        }
    }
}

/// The server's messages follow its `lc_messages` and its codes do not reach through Diesel, which
/// names few of them: what it does not know may well pass.
fn kind_of(error: &DieselError) -> PostgresErrorKind {
    match error {
        DieselError::DatabaseError(kind, information) => match kind {
            DatabaseErrorKind::ReadOnlyTransaction => PostgresErrorKind::ReadOnly,
            DatabaseErrorKind::SerializationFailure
            | DatabaseErrorKind::ClosedConnection
            | DatabaseErrorKind::UnableToSendCommand => PostgresErrorKind::Passing,
            DatabaseErrorKind::Unknown if is_full(information.message()) => PostgresErrorKind::Full,
            DatabaseErrorKind::Unknown => PostgresErrorKind::Passing,
            _ => PostgresErrorKind::Other,
        },
        DieselError::RollbackErrorOnCommit { commit_error, .. } => kind_of(commit_error),
        DieselError::BrokenTransactionManager => PostgresErrorKind::Passing,
        _ => PostgresErrorKind::Other,
    }
}

fn is_full(message: &str) -> bool {
    message.contains("No space left on device") || message.starts_with("could not extend file")
}

impl From<PostgresError> for StoreError {
    fn from(error: PostgresError) -> Self {
        let unavailable = |retry_after, error: PostgresError| Self::Unavailable {
            retry_after,
            source: Some(Box::new(error)),
        };
        if let PostgresError::Database(error) = &error
            && let Some(corrupt) = corrupt_column(error)
        {
            return corrupt;
        }
        match (error.kind(), error) {
            (_, PostgresError::Conflict) => Self::Conflict,
            (_, PostgresError::VisitorGone(gone)) => Self::VisitorGone(gone),
            (_, PostgresError::QuotaExceeded(limit)) => Self::QuotaExceeded(limit),
            (PostgresErrorKind::Full, error) => Self::Full {
                source: Box::new(error),
            },
            (PostgresErrorKind::Passing | PostgresErrorKind::Busy, error) => {
                unavailable(RETRY_AFTER, error)
            }
            (PostgresErrorKind::ReadOnly | PostgresErrorKind::Unreachable, error) => {
                unavailable(RETRY_AFTER_OUTAGE, error)
            }
            (PostgresErrorKind::Other, error) => Self::Internal {
                source: Box::new(error),
            },
        }
    }
}

/// Why a connection cannot be made or used.
#[derive(Debug, thiserror::Error)]
pub(super) enum ConnectError {
    #[error(transparent)]
    Connection(#[from] diesel::ConnectionError),
    #[error(transparent)]
    Query(#[from] DieselError),
    #[error("{setting} is {found} and must be {expected}")]
    Setting {
        setting: &'static str,
        expected: &'static str,
        found: String,
    },
    #[error("the server only reads")]
    ReadOnly,
    #[error("its encoding is {0} and must be UTF8")]
    Encoding(String),
    #[error("it is another node than the one of this name in the cluster, or has another store")]
    OtherNode,
}

impl From<ConnectError> for OpenError {
    fn from(error: ConnectError) -> Self {
        let reason = one_line(&error.to_string());
        match error {
            ConnectError::Encoding(_) | ConnectError::Setting { .. } => Self::Unfit { reason },
            error if error.is_of_the_url() => Self::Url {
                reason: without_quotes(&reason),
            },
            _ => Self::Unreachable { reason },
        }
    }
}

impl ConnectError {
    /// Whether waiting will not help: the URL itself is wrong, or a file that it names. (These texts
    /// are the client library's own, in English.) Such a text may quote the URL.
    pub(super) fn is_of_the_url(&self) -> bool {
        match self {
            Self::Connection(diesel::ConnectionError::BadConnection(message)) => ![
                "connection to server",
                "could not translate host name",
                "timeout expired",
                "server closed the connection",
            ]
            .iter()
            .any(|begin| message.starts_with(begin)),
            Self::Connection(_) => true,
            _ => false,
        }
    }
}

/// What is wrong with a URL, without quoting it: a part that cannot be read may be a password.
fn without_quotes(reason: &str) -> String {
    let before_quote = reason.split('"').next().unwrap_or_default();
    before_quote.trim_end_matches([' ', ':']).to_owned()
}

/// A text as one line.
pub(super) fn one_line(text: &str) -> String {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.collect::<Vec<_>>().join("; ")
}
