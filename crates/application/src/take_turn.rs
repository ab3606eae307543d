//! How a device posts what it has and learns what others have, in one request.

use std::sync::Arc;

use convosync_domain::feed::ChangedConversation;
use convosync_domain::identity::{VisitorId, VisitorIdentity};

use crate::pull_changes::{PullChanges, PullError, Pulled};
use crate::sync::{MessageText, Submission, SyncConversations, SyncError, Taken};

/// Takes a post, then pulls.
#[derive(Clone)]
pub struct TakeTurn {
    sync: Arc<SyncConversations>,
    pull: PullChanges,
}

/// What a device learns by a turn. Once it has applied `not_taken` and then the page, it has what the server has.
#[derive(Debug)]
pub struct Turn<V> {
    /// What came of the post.
    pub taken: Taken<V>,
    /// The posted items of which a value is not there, as they are: with their conversations, in the order of the
    /// post.
    pub not_taken: Vec<ChangedConversation>,
    /// The page of changes, without what the post wrote just as it was sent, and without what was not taken.
    pub pulled: Pulled,
}

/// Why there is no turn.
#[derive(Debug, thiserror::Error)]
pub enum TurnError<V> {
    /// The post was not taken.
    #[error(transparent)]
    Sync(#[from] SyncError<V>),
    /// The cursor is bad, which is found out before the post is taken; or there is no page, while the post is
    /// stored.
    #[error(transparent)]
    Pull(#[from] PullError),
}

impl TakeTurn {
    /// Takes posts by one use case and pulls by the other.
    #[must_use]
    pub fn new(sync: Arc<SyncConversations>, pull: PullChanges) -> Self {
        Self { sync, pull }
    }

    /// Whether a turn may begin with this cursor, as far as that can be told without the store.
    ///
    /// # Errors
    /// [`PullError::InvalidCursor`].
    pub fn check_cursor(
        &self,
        identity: &VisitorIdentity,
        since: Option<&str>,
    ) -> Result<(), PullError> {
        self.pull.decode(since, VisitorId::from(identity)).map(drop)
    }

    /// Takes a post and reads the page after the cursor, or the first of all without one. `limit` is at most
    /// [`crate::pull_changes::LIMIT_MAX`].
    ///
    /// # Errors
    /// [`TurnError`] as its variants say.
    pub async fn run<T: MessageText>(
        &self,
        identity: &VisitorIdentity,
        submission: &Submission<T>,
        since: Option<&str>,
        limit: usize,
    ) -> Result<Turn<T::Violation>, TurnError<T::Violation>> {
        let visitor = VisitorId::from(identity);
        let since = self.pull.decode(since, visitor)?;
        let start = self.pull.start_of_turn(since, limit);
        let posted = self.sync.run_in_turn(identity, submission, start).await;
        let posted = posted.map_err(|error| match error {
            SyncError::TurnExpired => TurnError::Pull(PullError::CursorExpired),
            error => TurnError::Sync(error),
        })?;
        let pulled = match posted.page {
            Some(page) => self.pull.known_page(visitor, page),
            None => {
                let left_out = Arc::new(posted.left_out);
                self.pull.page(visitor, since, limit, left_out).await?
            }
        };
        Ok(Turn {
            taken: posted.taken,
            not_taken: posted.not_taken,
            pulled,
        })
    }
}
