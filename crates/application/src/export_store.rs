//! Everything in a store, line by line, for another store to import.

use std::hash::{DefaultHasher, Hash, Hasher as _};
use std::sync::Arc;

use convosync_domain::archive::{ArchivePlace, ArchivedConversation, ArchivedVisitor};
use convosync_domain::identity::VisitorId;
use convosync_domain::ports::{StoreArchive, StoreError};
use convosync_domain::timestamp::Timestamp;
use convosync_domain::tombstone::{VisitorGone, VisitorTombstone};

/// The most conversations and messages of one line.
const LINE_ITEMS: usize = 100;
const PAGE_VISITORS: usize = 500;
const PAGE_TOMBSTONES: usize = 500;

/// What one line tells.
#[derive(Clone, Debug, PartialEq)]
pub enum ArchiveLine {
    /// Items of a visitor.
    Items(VisitorItems),
    /// What stays of a visitor who is gone. These come after all visitors.
    Tombstone(VisitorTombstone),
}

/// How many visitors an archive tells of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ArchiveCounts {
    /// Those who are there.
    pub visitors: u64,
    /// Those who are gone.
    pub tombstones: u64,
}

/// Items of one visitor, with what the visitor is.
#[derive(Clone, Debug, PartialEq)]
pub struct VisitorItems {
    /// Whose they are.
    pub visitor: ArchivedVisitor,
    /// The items; none in the one line of a visitor who has none.
    pub conversations: Vec<ArchivedConversation>,
}

impl ArchiveLine {
    /// Of whom it tells.
    #[must_use]
    pub fn visitor(&self) -> VisitorId {
        match self {
            Self::Items(items) => items.visitor.id,
            Self::Tombstone(tombstone) => tombstone.id,
        }
    }

    /// About how many bytes of content the line has.
    #[must_use]
    pub fn content_bytes(&self) -> usize {
        match self {
            Self::Items(items) => {
                let conversations = items.conversations.iter();
                conversations.map(ArchivedConversation::content_bytes).sum()
            }
            Self::Tombstone(_) => 0,
        }
    }
}

/// How far an export has come: what its lines tell, in their order.
#[derive(Clone, Debug, Default)]
pub struct ExportProgress {
    last: Option<(ArchivedVisitor, Option<ArchivePlace>)>,
    last_tombstone: Option<VisitorId>,
    counts: ArchiveCounts,
    /// Over all visitors so far, and over those who are gone.
    fingerprint: u64,
}

impl ExportProgress {
    /// Goes on by a line.
    pub fn add(&mut self, line: &ArchiveLine) {
        match line {
            ArchiveLine::Items(line) => {
                let items = line.conversations.last().map(ArchivedConversation::place);
                self.add_visitor(&line.visitor, items);
            }
            ArchiveLine::Tombstone(tombstone) => self.add_tombstone(tombstone),
        }
    }

    /// How many visitors there are so far.
    #[must_use]
    pub fn counts(&self) -> ArchiveCounts {
        self.counts
    }

    fn add_tombstone(&mut self, tombstone: &VisitorTombstone) {
        self.counts.tombstones += 1;
        self.last_tombstone = Some(tombstone.id);
        let VisitorTombstone { id, gone, at } = tombstone;
        let merged_into = match gone {
            VisitorGone::Erased => None,
            VisitorGone::Merged { into } => Some(into),
        };
        self.put(&(id, merged_into, at.as_micros()));
    }

    fn put(&mut self, what: &impl Hash) {
        let mut hasher = DefaultHasher::new();
        (self.fingerprint, what).hash(&mut hasher);
        self.fingerprint = hasher.finish();
    }

    fn add_visitor(&mut self, visitor: &ArchivedVisitor, items: Option<ArchivePlace>) {
        if self.last.as_ref().is_none_or(|(last, _)| last != visitor) {
            self.counts.visitors += 1;
            let ArchivedVisitor {
                id,
                user_id,
                registered_at,
                change_counter,
                last_changed_at,
            } = visitor;
            self.put(&(
                id,
                user_id,
                registered_at.as_micros(),
                change_counter,
                last_changed_at.map(Timestamp::as_micros),
            ));
        }
        self.last = Some((visitor.clone(), items));
    }
}

/// Why an export broke off.
#[derive(Debug, thiserror::Error)]
pub enum ExportError<E> {
    /// Visitors changed, registered or went during the export.
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

    /// Hands out everything after what was exported before, line by line, in the order of the visitors' ids, and then
    /// who is gone; returns how many there are in all. Only one line is held at a time.
    ///
    /// # Errors
    /// [`ExportError`] as its variants say.
    pub async fn run<E>(
        &self,
        mut progress: ExportProgress,
        mut write: impl FnMut(&ArchiveLine) -> Result<(), E>,
    ) -> Result<ArchiveCounts, ExportError<E>> {
        let mut last = None;
        let begun = progress.last.clone();
        let mut last_tombstone = progress.last_tombstone;
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
        loop {
            let tombstones = self.tombstones(last_tombstone).await?;
            let Some(end) = tombstones.last() else {
                break;
            };
            last_tombstone = Some(end.id);
            for tombstone in tombstones {
                write(ArchiveLine::Tombstone(tombstone)).map_err(ExportError::Line)?;
            }
        }
        self.check_unchanged(&progress).await?;
        Ok(progress.counts)
    }

    async fn visitors<E>(
        &self,
        after: Option<VisitorId>,
    ) -> Result<Vec<ArchivedVisitor>, ExportError<E>> {
        let visitors = self.store.visitors(after, PAGE_VISITORS).await;
        visitors.map_err(ExportError::Store)
    }

    async fn tombstones<E>(
        &self,
        after: Option<VisitorId>,
    ) -> Result<Vec<VisitorTombstone>, ExportError<E>> {
        let tombstones = self.store.tombstones(after, PAGE_TOMBSTONES).await;
        tombstones.map_err(ExportError::Store)
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
                let line = VisitorItems {
                    visitor: visitor.clone(),
                    conversations,
                };
                write(ArchiveLine::Items(line)).map_err(ExportError::Line)?;
                owes_a_line = false;
            }
            if last.is_none() {
                return Ok(());
            }
            after = last;
        }
    }

    /// All visitors are still as they were when their lines were written, or gone as they were, and there are no
    /// others.
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
        let mut last = None;
        loop {
            let tombstones = self.tombstones(last).await?;
            let Some(end) = tombstones.last() else {
                break;
            };
            last = Some(end.id);
            for tombstone in &tombstones {
                now.add_tombstone(tombstone);
            }
        }
        let is_same = (now.counts, now.fingerprint) == (exported.counts, exported.fingerprint);
        is_same.then_some(()).ok_or(ExportError::Changed)
    }
}

#[cfg(test)]
mod tests;
