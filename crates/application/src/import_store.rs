//! What was exported from another store.

use std::sync::Arc;

use convosync_domain::ports::{Restoration, StoreArchive, StoreError};
use futures_util::future::try_join_all;

use crate::export_store::ArchiveLine;

/// How many lines are restored at most at once, so that a store can write them together.
const LINES_AT_ONCE: usize = 32;
/// About how many bytes of content these have at most, but for the last of them.
const BYTES_AT_ONCE: usize = 16 << 20;

/// Why an import broke off. What was imported before stays, and importing again goes on.
#[derive(Debug, thiserror::Error)]
pub enum ImportError<E> {
    /// The store has visitors of its own.
    #[error("the store has visitors already who are not from this archive")]
    NotEmpty,
    /// A visitor is in the store with a life of its own.
    #[error("the visitor {0} is in the store already, and not as this archive has it")]
    OtherVisitor(uuid::Uuid),
    /// The store failed.
    #[error("the store could not be written")]
    Store(#[source] StoreError),
    /// A line could not be read.
    #[error("a line could not be read")]
    Line(#[source] E),
}

/// Imports into a store.
pub struct ImportStore {
    store: Arc<dyn StoreArchive>,
    lines_at_once: usize,
}

impl ImportStore {
    /// Imports into this store, which takes so many writes at once and refuses more.
    #[must_use]
    pub fn new(store: Arc<dyn StoreArchive>, writes_at_once: usize) -> Self {
        Self {
            store,
            lines_at_once: writes_at_once.clamp(1, LINES_AT_ONCE),
        }
    }

    /// Restores lines whose digests have this seed, a few at once, and tells `restored` of each. After
    /// the last one the store begins another life: who pulled meanwhile pulls again.
    ///
    /// # Errors
    /// [`ImportError`] as its variants say. The lines before a bad one are imported.
    pub async fn run<E>(
        &self,
        digest_seed: u64,
        mut lines: impl Iterator<Item = Result<ArchiveLine, E>>,
        mut restored: impl FnMut(&ArchiveLine),
    ) -> Result<(), ImportError<E>> {
        let adopted = self.store.adopt_digest_seed(digest_seed).await;
        if !adopted.map_err(ImportError::Store)? {
            return Err(ImportError::NotEmpty);
        }
        loop {
            let mut batch = Vec::new();
            let mut failure = None;
            let mut bytes = 0;
            while batch.len() < self.lines_at_once && bytes < BYTES_AT_ONCE {
                match lines.next() {
                    Some(Ok(line)) => {
                        bytes += line.content_bytes();
                        batch.push(line);
                    }
                    Some(Err(error)) => {
                        failure = Some(ImportError::Line(error));
                        break;
                    }
                    None => break,
                }
            }
            if batch.is_empty() && failure.is_none() {
                return self.store.renew_epoch().await.map_err(ImportError::Store);
            }
            batch.iter().for_each(&mut restored);
            try_join_all(batch.into_iter().map(|line| self.restore(line))).await?;
            if let Some(failure) = failure {
                return Err(failure);
            }
        }
    }

    async fn restore<E>(&self, line: ArchiveLine) -> Result<(), ImportError<E>> {
        let visitor = line.visitor();
        let restored = match line {
            ArchiveLine::Items(items) => {
                let restored = self.store.restore(items.visitor, items.conversations);
                restored.await
            }
            ArchiveLine::Tombstone(tombstone) => self.store.restore_tombstone(tombstone).await,
        };
        match restored.map_err(ImportError::Store)? {
            Restoration::Stored => Ok(()),
            Restoration::OtherVisitor => Err(ImportError::OtherVisitor(visitor.as_uuid())),
        }
    }
}

#[cfg(test)]
mod tests;
