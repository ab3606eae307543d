//! Which visitors there are, for whoever operates the store.

use std::sync::Arc;

use convosync_domain::identity::VisitorId;
use convosync_domain::ports::{StoreArchive, StoreError, VisitorStore, VisitorSummary};

const PAGE: usize = 500;

/// Lists the visitors of a store.
pub struct ListVisitors {
    archive: Arc<dyn StoreArchive>,
    visitors: Arc<dyn VisitorStore>,
}

impl ListVisitors {
    /// Lists the visitors of this store.
    #[must_use]
    pub fn new(archive: Arc<dyn StoreArchive>, visitors: Arc<dyn VisitorStore>) -> Self {
        Self { archive, visitors }
    }

    /// The visitors after this one, by id, and which one to go on after; none of those who go meanwhile. An empty
    /// page with nothing to go on after is the end.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub async fn page(
        &self,
        after: Option<VisitorId>,
    ) -> Result<(Vec<VisitorSummary>, Option<VisitorId>), StoreError> {
        let page = self.archive.visitors(after, PAGE).await?;
        let mut summaries = Vec::with_capacity(page.len());
        for visitor in &page {
            match self.visitors.summarize(visitor.id).await {
                Ok(summary) => summaries.extend(summary),
                Err(StoreError::VisitorGone(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok((summaries, page.last().map(|visitor| visitor.id)))
    }
}
