//! How a device posts what it has and learns what others have, in one request.

use std::collections::HashSet;
use std::mem;
use std::sync::Arc;

use convosync_domain::archive::ArchivePlace;
use convosync_domain::feed::ChangedConversation;
use convosync_domain::identity::{ConversationKey, VisitorId};
use convosync_domain::ports::StoreArchive;
use convosync_domain::stored::StoredMessage;

use crate::access::AuthorizedVisitor;
use crate::byte_budget::Reservation;
use crate::pull_changes::{PullChanges, PullError, Pulled};
use crate::sync::{ItemsLost, MessageText, Submission, SyncConversations, SyncError, Taken};

/// How many items of a conversation that is read whole are read at once.
const AT_ONCE: usize = 1_000;

/// Takes a post, then pulls.
#[derive(Clone)]
pub struct TakeTurn {
    sync: Arc<SyncConversations>,
    pull: PullChanges,
    archive: Arc<dyn StoreArchive>,
}

/// What a device learns by a turn. Once it has applied `not_taken` and then the page, it has what the server has.
#[derive(Debug)]
pub struct Turn<V> {
    /// What came of the post.
    pub taken: Taken<V>,
    /// The posted items of which a value is not there, as they are: with their conversations, in the order of the
    /// post. A conversation that was deleted in vain comes with all its living messages, as the device may have given
    /// them up.
    pub not_taken: Vec<ChangedConversation>,
    /// How many posted items those are.
    pub lost: ItemsLost,
    /// The page of changes, without what the post wrote just as it was sent, and without what was not taken.
    pub pulled: Pulled,
    /// The memory that conversations take which were read whole, until it is dropped.
    pub memory: Reservation,
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
    /// Takes posts by one use case and pulls by the other; reads whole conversations in the store's archive.
    #[must_use]
    pub fn new(
        sync: Arc<SyncConversations>,
        pull: PullChanges,
        archive: Arc<dyn StoreArchive>,
    ) -> Self {
        Self {
            sync,
            pull,
            archive,
        }
    }

    /// Whether a turn may begin with this cursor, as far as that can be told without the store.
    ///
    /// # Errors
    /// [`PullError::InvalidCursor`].
    pub fn check_cursor(
        &self,
        visitor: &AuthorizedVisitor,
        since: Option<&str>,
    ) -> Result<(), PullError> {
        self.pull.decode(since, visitor.id()).map(drop)
    }

    /// Takes a post and reads the page after the cursor, or the first of all without one. `limit` is at most
    /// [`crate::pull_changes::LIMIT_MAX`].
    ///
    /// # Errors
    /// [`TurnError`] as its variants say.
    pub async fn run<T: MessageText>(
        &self,
        visitor: &AuthorizedVisitor,
        submission: &Submission<T>,
        since: Option<&str>,
        limit: usize,
    ) -> Result<Turn<T::Violation>, TurnError<T::Violation>> {
        let since = self.pull.decode(since, visitor.id())?;
        let start = self.pull.start_of_turn(since, limit);
        let posted = self.sync.run_in_turn(visitor, submission, start).await;
        let visitor = visitor.id();
        let posted = posted.map_err(|error| match error {
            SyncError::TurnExpired => TurnError::Pull(PullError::CursorExpired),
            error => TurnError::Sync(error),
        })?;
        let mut memory = self.pull.reserve();
        let mut told = posted.told;
        for key in mem::take(&mut told.undeleted) {
            let living = self.living_messages(visitor, key, &mut memory).await?;
            let mut conversations = told.not_taken.iter_mut();
            let found = conversations.find(|changed| changed.conversation.id.key() == key);
            if let Some(changed) = found {
                add_missing(&mut changed.messages, living);
            }
        }
        let pulled = match told.page {
            Some(page) => self.pull.known_page(visitor, page),
            None => {
                // What the device knows of its items is their state right after the post: what died since has to be told.
                let since = since.or_start_of(told.left_out.through);
                let left_out = Arc::new(told.left_out);
                self.pull.page(visitor, since, limit, left_out).await?
            }
        };
        Ok(Turn {
            taken: posted.taken,
            not_taken: told.not_taken,
            lost: told.lost,
            pulled,
            memory,
        })
    }

    /// All living messages of a conversation.
    async fn living_messages(
        &self,
        visitor: VisitorId,
        conversation: ConversationKey,
        memory: &mut Reservation,
    ) -> Result<Vec<StoredMessage>, PullError> {
        let mut living = Vec::new();
        let mut after = ArchivePlace {
            conversation,
            message: None,
        };
        loop {
            let page = self.archive.items(visitor, Some(after), AT_ONCE).await;
            let page = page.map_err(PullError::Store)?;
            let of_this = page
                .into_iter()
                .find(|archived| archived.conversation.id.key() == conversation);
            let Some(archived) = of_this else {
                return Ok(living);
            };
            if !memory.grow(archived.content_bytes()) {
                return Err(PullError::NoMemory);
            }
            after = archived.place();
            let messages = archived.messages.into_iter().map(|it| it.message);
            living.extend(messages.filter(|message| message.content.is_some()));
        }
    }
}

/// Adds the messages that are not in the list.
fn add_missing(messages: &mut Vec<StoredMessage>, more: Vec<StoredMessage>) {
    let listed: HashSet<_> = messages.iter().map(|message| message.id.key()).collect();
    let missing = more.into_iter();
    messages.extend(missing.filter(|message| !listed.contains(&message.id.key())));
}
