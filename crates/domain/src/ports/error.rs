use std::error::Error;
use std::time::Duration;

use crate::tombstone::VisitorGone;
use crate::usage::QuotaExceeded;

/// Why a store did not do what it was asked. In every case it has changed nothing.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The visitor's change counter is not the one that the change set was computed on: compute it
    /// again on what is stored now.
    #[error("the visitor has changed meanwhile")]
    Conflict,
    /// The visitor is gone for good, and with it everything that it had.
    #[error("{0}")]
    VisitorGone(VisitorGone),
    /// The change set would grow the visitor beyond its quota.
    #[error("the visitor would have {0}")]
    QuotaExceeded(QuotaExceeded),
    /// The store cannot be reached or is busy; the same call may succeed later.
    #[error("the store is unavailable")]
    Unavailable {
        /// How long to wait before the next try.
        retry_after: Duration,
        /// What the store said.
        source: Option<Box<dyn Error + Send + Sync>>,
    },
    /// There is no room left to write; reads still work.
    #[error("the store is full")]
    Full {
        /// What the store said.
        source: Box<dyn Error + Send + Sync>,
    },
    /// What is stored cannot be what this project wrote.
    #[error("{table} holds an invalid {column} at {key}")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// The key of the row, with no content and no identity in it.
        key: String,
        /// The column.
        column: &'static str,
    },
    /// Anything else that should not happen.
    #[error("the store failed")]
    Internal {
        /// What the store said.
        source: Box<dyn Error + Send + Sync>,
    },
}

impl StoreError {
    /// One word for it, which never changes: for operators.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Conflict => "conflict",
            Self::VisitorGone(_) => "visitor_gone",
            Self::QuotaExceeded(_) => "quota_exceeded",
            Self::Unavailable { .. } => "unavailable",
            Self::Full { .. } => "full",
            Self::Corrupt { .. } => "corrupt",
            Self::Internal { .. } => "internal",
        }
    }
}
