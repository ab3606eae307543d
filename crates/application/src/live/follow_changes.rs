//! How a device learns of changes when they happen.

#[cfg(test)]
mod tests;

use std::fmt;
use std::pin::pin;
use std::sync::Arc;

use futures_util::future::{Either, select};

use super::{ChangeHub, ChangeWatch};
use crate::access::AuthorizedVisitor;
use crate::pull_changes::{PullChanges, PullError, Pulled};

/// Pulls, and where there is nothing to pull waits for it.
#[derive(Clone)]
pub struct FollowChanges {
    pull: PullChanges,
    hub: Arc<ChangeHub>,
}

impl FollowChanges {
    /// Pulls by this use case, and waits at this hub.
    #[must_use]
    pub fn new(pull: PullChanges, hub: Arc<ChangeHub>) -> Self {
        Self { pull, hub }
    }

    /// The page that a pull gives; while that is empty the next one, until `end`, which is only polled before it has
    /// ended.
    ///
    /// # Errors
    /// Those of [`PullChanges::run`].
    pub async fn wait_for_page(
        &self,
        visitor: &AuthorizedVisitor,
        since: Option<&str>,
        limit: usize,
        mut end: impl Future<Output = ()> + Unpin,
    ) -> Result<Pulled, PullError> {
        let mut watch = self.hub.watch(visitor.id());
        loop {
            watch.before_reading();
            let pulled = self.pull.run(visitor, since, limit).await?;
            if !is_empty(&pulled) || !moves(&mut watch, pulled.page.change_counter, &mut end).await
            {
                return Ok(pulled);
            }
        }
    }

    /// The change counter that a pull would have; while that is known the next one, until `end`, which is only polled
    /// before it has ended.
    ///
    /// # Errors
    /// Those of [`PullChanges::change_counter`].
    pub async fn wait_for_counter(
        &self,
        visitor: &AuthorizedVisitor,
        since: Option<&str>,
        is_known: impl Fn(u64) -> bool,
        mut end: impl Future<Output = ()> + Unpin,
    ) -> Result<u64, PullError> {
        let mut watch = self.hub.watch(visitor.id());
        loop {
            watch.before_reading();
            let change_counter = self.pull.change_counter(visitor, since).await?;
            if !is_known(change_counter) || !moves(&mut watch, change_counter, &mut end).await {
                return Ok(change_counter);
            }
        }
    }

    /// Follows the visitor's changes after the cursor, or from the start without one. `limit` is at most
    /// [`crate::pull_changes::LIMIT_MAX`] for a page.
    #[must_use]
    pub fn follow(
        &self,
        visitor: AuthorizedVisitor,
        since: Option<String>,
        limit: usize,
    ) -> Follower {
        Follower {
            watch: self.hub.watch(visitor.id()),
            pull: self.pull.clone(),
            visitor,
            since,
            limit,
            has_told: false,
            drained_at: None,
        }
    }
}

impl fmt::Debug for FollowChanges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FollowChanges").finish_non_exhaustive()
    }
}

fn is_empty(pulled: &Pulled) -> bool {
    pulled.page.conversations.is_empty() && !pulled.page.has_more
}

/// Whether the visitor moves on from this change counter before the end.
async fn moves(
    watch: &mut ChangeWatch,
    change_counter: u64,
    end: &mut (impl Future<Output = ()> + Unpin),
) -> bool {
    let moved = pin!(watch.moved_from(change_counter));
    matches!(select(moved, end).await, Either::Left(_))
}

/// Somebody who reads a visitor's changes page by page, and waits for more. No change is missed, and none comes twice
/// but for what changes again meanwhile.
pub struct Follower {
    pull: PullChanges,
    watch: ChangeWatch,
    visitor: AuthorizedVisitor,
    since: Option<String>,
    limit: usize,
    /// Whether a page was taken.
    has_told: bool,
    /// The change counter up to which everything is read.
    drained_at: Option<u64>,
}

impl Follower {
    /// Reads the next page; the same again until it is [taken](Self::take). `None` where there is nothing in it; the
    /// first one comes all the same, so that its cursor is known.
    ///
    /// # Errors
    /// Those of [`PullChanges::run`].
    pub async fn read(&mut self) -> Result<Option<Pulled>, PullError> {
        self.watch.before_reading();
        let since = self.since.as_deref();
        let pulled = self.pull.run(&self.visitor, since, self.limit).await?;
        if self.has_told && is_empty(&pulled) {
            self.take(&pulled);
            return Ok(None);
        }
        Ok(Some(pulled))
    }

    /// Goes on after this page.
    pub fn take(&mut self, pulled: &Pulled) {
        self.since = Some(pulled.cursor.clone());
        self.has_told = true;
        self.drained_at = (!pulled.page.has_more).then_some(pulled.page.change_counter);
    }

    /// Returns when there may be something to read. It may be dropped and called again; nothing gets lost.
    pub async fn readable(&mut self) {
        if let Some(change_counter) = self.drained_at {
            self.watch.moved_from(change_counter).await;
            self.drained_at = None;
        }
    }
}

impl fmt::Debug for Follower {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Follower").finish_non_exhaustive()
    }
}
