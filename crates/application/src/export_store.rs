//! Everything in a store, line by line, for another store to import.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;

use convosync_domain::archive::{ArchivePlace, ArchivedConversation, ArchivedVisitor};
use convosync_domain::identity::VisitorId;
use convosync_domain::ports::{StoreArchive, StoreError};
use convosync_domain::timestamp::Timestamp;

/// The most conversations and messages of one line.
const LINE_ITEMS: usize = 100;
const PAGE_VISITORS: usize = 500;

/// Items of one visitor, with what the visitor is.
#[derive(Clone, Debug, PartialEq)]
pub struct ArchiveLine {
    /// Whose they are.
    pub visitor: ArchivedVisitor,
    /// The items; none in the one line of a visitor who has none.
    pub conversations: Vec<ArchivedConversation>,
}

impl ArchiveLine {
    /// About how many bytes of content the line has.
    #[must_use]
    pub fn content_bytes(&self) -> usize {
        let conversations = self.conversations.iter();
        conversations.map(ArchivedConversation::content_bytes).sum()
    }
}

/// How far an export has come: what its lines tell, in their order.
#[derive(Clone, Debug, Default)]
pub struct ExportProgress {
    last: Option<(ArchivedVisitor, Option<ArchivePlace>)>,
    visitors: u64,
    /// Over all visitors so far.
    fingerprint: u64,
}

impl ExportProgress {
    /// Goes on by a line.
    pub fn add(&mut self, line: &ArchiveLine) {
        let items = line.conversations.last().map(ArchivedConversation::place);
        self.add_visitor(&line.visitor, items);
    }

    /// How many visitors there are so far.
    #[must_use]
    pub fn visitors(&self) -> u64 {
        self.visitors
    }

    fn add_visitor(&mut self, visitor: &ArchivedVisitor, items: Option<ArchivePlace>) {
        if self.last.as_ref().is_none_or(|(last, _)| last != visitor) {
            self.visitors += 1;
            let mut hasher = DefaultHasher::new();
            let ArchivedVisitor {
                id,
                user_id,
                registered_at,
                change_counter,
                last_changed_at,
            } = visitor;
            (
                self.fingerprint,
                id,
                user_id,
                registered_at.as_micros(),
                change_counter,
                last_changed_at.map(Timestamp::as_micros),
            )
                .hash(&mut hasher);
            self.fingerprint = hasher.finish();
        }
        self.last = Some((visitor.clone(), items));
    }
}

/// Why an export broke off.
#[derive(Debug, thiserror::Error)]
pub enum ExportError<E> {
    /// Visitors changed or registered during the export.
    #[error("visitors changed during the export: stop the server and export again from the start")]
    Changed,
    /// The store failed.
    #[error("the store could not be read")]
    Store(#[source] StoreError),
    /// A line could not be written.
    #[error("a line could not be written")]
    Line(#[source] E),
}

/// Exports a store.
pub struct ExportStore {
    store: Arc<dyn StoreArchive>,
}

impl ExportStore {
    /// Exports this store.
    #[must_use]
    pub fn new(store: Arc<dyn StoreArchive>) -> Self {
        Self { store }
    }

    /// How many visitors there are to export.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub async fn count_visitors(&self) -> Result<u64, StoreError> {
        self.store.count_visitors().await
    }

    /// Hands out everything after what was exported before, line by line, in the order of the
    /// visitors' ids; returns how many visitors there are in all. Only one line is held at a time.
    ///
    /// # Errors
    /// [`ExportError`] as its variants say.
    pub async fn run<E>(
        &self,
        mut progress: ExportProgress,
        mut write: impl FnMut(&ArchiveLine) -> Result<(), E>,
    ) -> Result<u64, ExportError<E>> {
        let mut last = None;
        let begun = progress.last.clone();
        let mut write = |line: ArchiveLine| {
            progress.add(&line);
            write(&line)
        };
        if let Some((visitor, items)) = begun {
            last = Some(visitor.id);
            self.visitor(visitor, items, false, &mut write).await?;
        }
        loop {
            let visitors = self.visitors(last).await?;
            let Some(end) = visitors.last() else {
                break;
            };
            last = Some(end.id);
            for visitor in visitors {
                self.visitor(visitor, None, true, &mut write).await?;
            }
        }
        self.check_unchanged(&progress).await?;
        Ok(progress.visitors)
    }

    async fn visitors<E>(
        &self,
        after: Option<VisitorId>,
    ) -> Result<Vec<ArchivedVisitor>, ExportError<E>> {
        let visitors = self.store.visitors(after, PAGE_VISITORS).await;
        visitors.map_err(ExportError::Store)
    }

    async fn visitor<E>(
        &self,
        visitor: ArchivedVisitor,
        mut after: Option<ArchivePlace>,
        mut owes_a_line: bool,
        write: &mut impl FnMut(ArchiveLine) -> Result<(), E>,
    ) -> Result<(), ExportError<E>> {
        loop {
            let items = self.store.items(visitor.id, after, LINE_ITEMS).await;
            let conversations = items.map_err(ExportError::Store)?;
            let last = conversations.last().map(ArchivedConversation::place);
            if last.is_some() || owes_a_line {
                let line = ArchiveLine {
                    visitor: visitor.clone(),
                    conversations,
                };
                write(line).map_err(ExportError::Line)?;
                owes_a_line = false;
            }
            if last.is_none() {
                return Ok(());
            }
            after = last;
        }
    }

    /// All visitors are still as they were when their lines were written, and there are no others.
    async fn check_unchanged<E>(&self, exported: &ExportProgress) -> Result<(), ExportError<E>> {
        let mut now = ExportProgress::default();
        let mut last = None;
        loop {
            let visitors = self.visitors(last).await?;
            let Some(end) = visitors.last() else {
                break;
            };
            last = Some(end.id);
            for visitor in &visitors {
                now.add_visitor(visitor, None);
            }
        }
        let is_same = (now.visitors, now.fingerprint) == (exported.visitors, exported.fingerprint);
        is_same.then_some(()).ok_or(ExportError::Changed)
    }
}

#[cfg(test)]
mod tests;
