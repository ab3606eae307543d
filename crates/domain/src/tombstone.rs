//! What stays of a visitor who is gone.

use crate::identity::VisitorId;
use crate::timestamp::Timestamp;

/// Why a visitor is gone for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VisitorGone {
    /// Everything of the visitor was erased.
    #[error("the visitor was erased")]
    Erased,
    /// The visitor was anonymous, and everything of it is another's now.
    #[error("the visitor was merged into another")]
    Merged {
        /// Whose it is.
        into: VisitorId,
    },
}

/// What stays of a visitor who is gone: the fact, and nothing that tells who it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VisitorTombstone {
    /// Who it was. No identity follows from it.
    pub id: VisitorId,
    /// Why it is gone.
    pub gone: VisitorGone,
    /// Since when.
    pub at: Timestamp,
}
