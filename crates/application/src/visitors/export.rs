//! Everything that a visitor has, to be posted again line by line.

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use convosync_domain::archive::{ArchivePlace, ArchivedConversation};
use convosync_domain::feed::ChangedConversation;
use convosync_domain::identity::VisitorId;
use convosync_domain::ports::{StoreArchive, VisitorStore};
use tokio::time::sleep;

use super::VisitorError;
use crate::access::AuthorizedId;
use crate::byte_budget::{ByteBudget, Reservation};

/// The most conversations and messages of one page, and so of one line.
const PAGE_ITEMS: usize = 100;
/// About how much content a page has, as [`convosync_domain::archive::read_archive_page`] bounds it.
const PAGE_BYTES: usize = 4 << 20;
/// A line ends with the item that brings its content to so many bytes.
const LINE_BYTES: usize = 1 << 20;
/// How much of a page is in memory at once: what the store holds, and the line made of it.
const COPIES: usize = 2;
/// How often an export that has begun looks for memory, and how long it waits in between: ten seconds in all.
const LOOKS: u32 = 100;
const PAUSE: Duration = Duration::from_millis(100);

/// Exports visitors.
#[derive(Clone)]
pub struct ExportVisitor {
    archive: Arc<dyn StoreArchive>,
    visitors: Arc<dyn VisitorStore>,
    memory: ByteBudget,
}

impl ExportVisitor {
    /// Exports from this store, with this memory for what is read.
    #[must_use]
    pub fn new(
        archive: Arc<dyn StoreArchive>,
        visitors: Arc<dyn VisitorStore>,
        memory: ByteBudget,
    ) -> Self {
        Self {
            archive,
            visitors,
            memory,
        }
    }

    /// Begins the export of a visitor, with its first page.
    ///
    /// Every page is read at a moment of its own. What nobody touches during the export is in it; what changes
    /// meanwhile may be in it as it was before or as it is after the change.
    ///
    /// # Errors
    /// [`VisitorError`] as its variants say.
    pub async fn begin(&self, visitor: AuthorizedId) -> Result<VisitorExport, VisitorError> {
        self.check(visitor).await?;
        let mut export = VisitorExport {
            store: self.clone(),
            visitor,
            after: None,
            first: None,
        };
        export.first = Some(export.read(1).await?);
        Ok(export)
    }

    /// The visitor is there.
    ///
    /// # Errors
    /// [`VisitorError`] as its variants say.
    pub async fn check(&self, visitor: AuthorizedId) -> Result<(), VisitorError> {
        let found = self.visitors.find(visitor.id()).await?;
        found.map(drop).ok_or(VisitorError::UnknownVisitor)
    }
}

/// An export on its way.
pub struct VisitorExport {
    store: ExportVisitor,
    visitor: AuthorizedId,
    after: Option<ArchivePlace>,
    /// What was read to begin with, until it is handed out: a page, or the end.
    first: Option<Option<ExportedPage>>,
}

/// Some of what a visitor has.
#[derive(Debug)]
pub struct ExportedPage {
    /// What is posted together: conversations as a pull shows them, tombstones included. A long one goes on in the
    /// next line.
    pub lines: Vec<Vec<ChangedConversation>>,
    /// The memory that the page may take, until it is dropped.
    pub memory: Reservation,
}

impl VisitorExport {
    /// The next page; `None` after the last. It waits some seconds for memory where there is none.
    ///
    /// # Errors
    /// [`VisitorError`] as its variants say: the export ends there, and is not whole. So it does where the visitor
    /// goes meanwhile.
    pub async fn next(&mut self) -> Result<Option<ExportedPage>, VisitorError> {
        match self.first.take() {
            Some(page) => Ok(page),
            None => self.read(LOOKS).await,
        }
    }

    /// Reads the next page, looking for memory so often.
    async fn read(&mut self, looks: u32) -> Result<Option<ExportedPage>, VisitorError> {
        let mut expected = PAGE_BYTES;
        for look in 1..=looks {
            // No item is so large that it cannot be exported at all.
            let mut reservation = self.store.memory.reserve();
            if reservation.hold_or_all(expected.saturating_mul(COPIES)) {
                let page = self.page().await?;
                let content = page.iter().map(ArchivedConversation::content_bytes);
                let content = content.fold(0, usize::saturating_add);
                if reservation.hold_or_all(content.saturating_mul(COPIES)) {
                    return self.take(page, reservation).await;
                }
                expected = content;
            }
            if look < looks {
                sleep(PAUSE).await;
            }
        }
        Err(VisitorError::NoMemory)
    }

    async fn page(&self) -> Result<Vec<ArchivedConversation>, VisitorError> {
        let visitor: VisitorId = self.visitor.id();
        let archive = &self.store.archive;
        Ok(archive.items(visitor, self.after, PAGE_ITEMS).await?)
    }

    /// Goes on by a page.
    async fn take(
        &mut self,
        page: Vec<ArchivedConversation>,
        memory: Reservation,
    ) -> Result<Option<ExportedPage>, VisitorError> {
        let Some(last) = page.last().map(ArchivedConversation::place) else {
            // Of one who is gone by now there is nothing to read either.
            self.store.check(self.visitor).await?;
            return Ok(None);
        };
        let begun = self.after.replace(last).map(|place| place.conversation);
        // A dead conversation brings no messages, so there is nothing more to tell of one that was told of.
        let told = |archived: &ArchivedConversation| {
            let conversation = &archived.conversation;
            conversation.content.is_none() && Some(conversation.id.key()) == begun
        };
        let lines = lines(page.into_iter().filter(|archived| !told(archived)));
        Ok(Some(ExportedPage { lines, memory }))
    }
}

/// Puts what stands in a page into lines that are not too long.
fn lines(page: impl Iterator<Item = ArchivedConversation>) -> Vec<Vec<ChangedConversation>> {
    let mut lines = Vec::new();
    let mut line: Vec<ChangedConversation> = Vec::new();
    let mut bytes = 0;
    for archived in page {
        let conversation = archived.conversation;
        let own_bytes = conversation.content_bytes();
        bytes += own_bytes;
        let mut messages = Vec::new();
        let lives = conversation.content.is_some();
        for message in archived.messages.into_iter().filter(|_| lives) {
            if bytes >= LINE_BYTES && !(line.is_empty() && messages.is_empty()) {
                line.push(ChangedConversation {
                    conversation: conversation.clone(),
                    messages: std::mem::take(&mut messages),
                });
                lines.push(std::mem::take(&mut line));
                bytes = own_bytes;
            }
            bytes += message.message.content_bytes();
            messages.push(message.message);
        }
        line.push(ChangedConversation {
            conversation,
            messages,
        });
        if bytes >= LINE_BYTES {
            lines.push(std::mem::take(&mut line));
            bytes = 0;
        }
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines
}
