//! Everything in a store, line by line, for another store to import.

use std::sync::Arc;

use convosync_domain::archive::{ArchivePlace, ArchivedConversation, ArchivedVisitor};
use convosync_domain::identity::VisitorId;
use convosync_domain::ports::{StoreArchive, StoreError};

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
    /// Where an export goes on after this line.
    #[must_use]
    pub fn place(&self) -> ExportPlace {
        ExportPlace {
            visitor: self.visitor.clone(),
            items: self.conversations.last().map(ArchivedConversation::place),
        }
    }
}

/// How far an export has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportPlace {
    /// The visitor of the last line.
    pub visitor: ArchivedVisitor,
    /// The last item of that line.
    pub items: Option<ArchivePlace>,
}

/// Why an export broke off.
#[derive(Debug, thiserror::Error)]
pub enum ExportError<E> {
    /// A visitor changed while it was exported.
    #[error(
        "a visitor changed while it was exported: stop the server, export again from the start"
    )]
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

    /// Hands out everything after a place, line by line, in the order of the visitors' ids. Only one
    /// line is held at a time.
    ///
    /// # Errors
    /// [`ExportError`] as its variants say; what was handed out before is right.
    pub async fn run<E>(
        &self,
        after: Option<ExportPlace>,
        mut write: impl FnMut(&ArchiveLine) -> Result<(), E>,
    ) -> Result<(), ExportError<E>> {
        let mut last = None;
        if let Some(place) = after {
            last = Some(place.visitor.id);
            self.visitor(place.visitor, place.items, false, &mut write)
                .await?;
        }
        loop {
            let visitors = self.store.visitors(last, PAGE_VISITORS).await;
            let visitors = visitors.map_err(ExportError::Store)?;
            let Some(end) = visitors.last() else {
                return Ok(());
            };
            last = Some(end.id);
            for visitor in visitors {
                self.visitor(visitor, None, true, &mut write).await?;
            }
        }
    }

    async fn visitor<E>(
        &self,
        visitor: ArchivedVisitor,
        mut after: Option<ArchivePlace>,
        mut owes_a_line: bool,
        write: &mut impl FnMut(&ArchiveLine) -> Result<(), E>,
    ) -> Result<(), ExportError<E>> {
        loop {
            let items = self.store.items(visitor.id, after, LINE_ITEMS).await;
            let conversations = items.map_err(ExportError::Store)?;
            let is_last = conversations.is_empty();
            let line = ArchiveLine {
                visitor: visitor.clone(),
                conversations,
            };
            after = line.place().items;
            if !is_last || owes_a_line {
                write(&line).map_err(ExportError::Line)?;
            }
            owes_a_line = false;
            if is_last {
                return self.check_unchanged(&visitor).await;
            }
        }
    }

    async fn check_unchanged<E>(&self, visitor: &ArchivedVisitor) -> Result<(), ExportError<E>> {
        let before = visitor.id.as_uuid().as_u128().checked_sub(1);
        let before = before.map(|id| VisitorId::from_uuid(uuid::Uuid::from_u128(id)));
        let now = self.store.visitors(before, 1).await;
        match now.map_err(ExportError::Store)?.first() {
            Some(now) if now == visitor => Ok(()),
            _ => Err(ExportError::Changed),
        }
    }
}

#[cfg(test)]
mod tests;
