//! What there is to tell of a visitor.

use std::sync::Arc;

use convosync_domain::ports::{VisitorStore, VisitorSummary};

use super::VisitorError;
use crate::access::AuthorizedId;

/// Tells how much visitors have, and since when.
#[derive(Clone)]
pub struct SummarizeVisitor {
    visitors: Arc<dyn VisitorStore>,
}

impl SummarizeVisitor {
    /// Tells of the visitors of this store.
    #[must_use]
    pub fn new(visitors: Arc<dyn VisitorStore>) -> Self {
        Self { visitors }
    }

    /// What there is to tell of a visitor, all at one moment.
    ///
    /// # Errors
    /// [`VisitorError`] as its variants say.
    pub async fn run(&self, visitor: AuthorizedId) -> Result<VisitorSummary, VisitorError> {
        let summary = self.visitors.summarize(visitor.id()).await?;
        summary.ok_or(VisitorError::UnknownVisitor)
    }
}
