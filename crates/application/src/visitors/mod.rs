//! What is done with a visitor as a whole.

mod erase;
mod export;
mod list;
mod summarize;

use convosync_domain::ports::StoreError;

pub use erase::EraseVisitor;
pub use export::{ExportVisitor, ExportedPage, VisitorExport};
pub use list::ListVisitors;
pub use summarize::SummarizeVisitor;

/// Why nothing was done with a visitor.
#[derive(Debug, thiserror::Error)]
pub enum VisitorError {
    /// Nobody is registered under this identity.
    #[error("visitor not found")]
    UnknownVisitor,
    /// There is no memory left now for what is read.
    #[error("no memory left for what is read")]
    NoMemory,
    /// The store failed, or the visitor is gone.
    #[error(transparent)]
    Store(#[from] StoreError),
}
