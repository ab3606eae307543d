//! How a post is taken: look at the heads, load what differs, merge, write. A [`deletion`] goes the same way.

pub mod deletion;
mod loading;
mod merge_visitors;
mod outcomes;
mod reading;
mod registration;
mod results;
mod submission;
#[cfg(test)]
mod tests;
mod told;
mod unchanged_messages;
mod visitor_locks;

use std::sync::Arc;
use std::time::Duration;

use convosync_domain::change_set::{ChangeSet, VisitorRegistration};
use convosync_domain::identity::VisitorId;
use convosync_domain::merge::{Merge, Receipt};
use convosync_domain::ports::{
    ChangeNotice, ChangeNotifier, Clock, Heads, NamedConversation, Standing, StoreError, SyncStore,
    VisitorStore,
};
use convosync_domain::usage::Quota;

pub use merge_visitors::{MergeError, MergeVisitors};
use outcomes::Outcomes;
use quick_cache::sync::Cache;
use reading::{Reading, read};
pub use registration::{RegistrationMode, RegistrationPolicy};
use results::Posted;
pub(crate) use results::TurnStart;
pub use results::{
    ItemsLost, ItemsWritten, RejectedMessage, SyncError, Taken, VIOLATIONS_MAX, Written,
};

use crate::access::AuthorizedVisitor;
use crate::byte_budget::ByteBudget;
pub use submission::{
    MessageReading, MessageText, Submission, SubmittedConversation, SubmittedMessage,
};
use told::ToTell;
use unchanged_messages::UnchangedMessages;
use visitor_locks::VisitorLocks;

/// How often a sync tries when other processes write for the same visitor at the same time. Each attempt may well be
/// lost to a process that has the next post at hand, so that a few are not enough; these take some seconds at most.
const ATTEMPTS: u32 = 64;
const PAUSE_MIN_MS: u64 = 2;
/// The pause before the next attempt grows by up to so much each time,
const PAUSE_GROWTH_MS: u64 = 16;
/// and so many times: whoever pauses for longer than another process takes for a post only loses more of them.
const PAUSE_GROWTHS: u32 = 4;
/// How much of a stored item is in memory at once: as it was before the post, and after it.
const COPIES: usize = 2;
/// In a turn also as the device is sent it.
const COPIES_IN_TURN: usize = 3;
/// As many as post within minutes on a busy server: about a megabyte.
const REMEMBERED_VISITORS_MAX: usize = 16_384;

/// How a server takes posts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SyncSettings {
    /// How far a device's clock may run ahead, in seconds, before its stamps are from the future.
    pub max_clock_skew_seconds: u32,
    /// Who registers visitors.
    pub registration: RegistrationPolicy,
    /// How much a visitor may have.
    pub quota: Quota,
}

/// Takes the posts of visitors.
pub struct SyncConversations {
    store: Arc<dyn SyncStore>,
    visitors: Arc<dyn VisitorStore>,
    notifier: Arc<dyn ChangeNotifier>,
    clock: Arc<dyn Clock>,
    settings: SyncSettings,
    memory: ByteBudget,
    locks: VisitorLocks,
    /// Visitors who were found in the store lately; they may have left it since.
    recent_visitors: Cache<VisitorId, ()>,
}

impl SyncConversations {
    /// Takes posts into this store, with this memory for what is stored of them, and tells of what has changed.
    #[must_use]
    pub fn new(
        store: Arc<dyn SyncStore>,
        visitors: Arc<dyn VisitorStore>,
        notifier: Arc<dyn ChangeNotifier>,
        clock: Arc<dyn Clock>,
        settings: SyncSettings,
        memory: ByteBudget,
    ) -> Self {
        Self {
            store,
            visitors,
            notifier,
            clock,
            settings,
            memory,
            locks: VisitorLocks::new(),
            recent_visitors: Cache::new(REMEMBERED_VISITORS_MAX),
        }
    }

    /// Whether a post of this visitor may be taken at all, before its body is read. Only whoever has not
    /// been seen lately is looked up: should somebody have left the store meanwhile, [`Self::run`] tells.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub async fn admits(&self, visitor: &AuthorizedVisitor) -> Result<bool, StoreError> {
        if self.settings.registration.of(visitor.identity()) == RegistrationMode::OnFirstSync {
            return Ok(true);
        }
        let id = visitor.id();
        if self.recent_visitors.get(&id).is_some() {
            return Ok(true);
        }
        let visitor = self.visitors.find(id).await?;
        if visitor.is_some() {
            self.recent_visitors.insert(id, ());
        }
        Ok(visitor.is_some())
    }

    /// Merges a post like [`Self::run`], and tells what became of it.
    ///
    /// # Errors
    /// [`SyncError`] as its variants say.
    pub(crate) async fn run_in_turn<T: MessageText>(
        &self,
        visitor: &AuthorizedVisitor,
        submission: &Submission<T>,
        start: TurnStart,
    ) -> Result<Posted<T::Violation>, SyncError<T::Violation>> {
        self.take(visitor, submission, Some(start)).await
    }

    /// Merges a post into what the visitor has, whole or not at all, but for messages that are to be left
    /// out; when this returns, the post is durable.
    ///
    /// # Errors
    /// [`SyncError`] as its variants say.
    pub async fn run<T: MessageText>(
        &self,
        visitor: &AuthorizedVisitor,
        submission: &Submission<T>,
    ) -> Result<Taken<T::Violation>, SyncError<T::Violation>> {
        let posted = self.take(visitor, submission, None).await;
        posted.map(|posted| posted.taken)
    }

    async fn take<T: MessageText>(
        &self,
        visitor: &AuthorizedVisitor,
        submission: &Submission<T>,
        turn: Option<TurnStart>,
    ) -> Result<Posted<T::Violation>, SyncError<T::Violation>> {
        let names = submission.names();
        let _lock = self.locks.lock(visitor.id()).await;
        self.until_undisturbed(async || self.attempt(visitor, submission, &names, turn).await)
            .await
    }

    /// Runs attempts, under the locks that the caller holds, until no other process comes in between, of which an
    /// attempt tells by `None`.
    async fn until_undisturbed<R, E: From<StoreError>>(
        &self,
        attempt: impl AsyncFn() -> Result<Option<R>, E>,
    ) -> Result<R, E> {
        for number in 0..ATTEMPTS {
            if let Some(done) = attempt().await? {
                return Ok(done);
            }
            self.pause(number).await;
        }
        Err(E::from(StoreError::Unavailable {
            retry_after: Duration::from_secs(1),
            source: None,
        }))
    }

    async fn attempt<T: MessageText>(
        &self,
        visitor: &AuthorizedVisitor,
        submission: &Submission<T>,
        names: &[NamedConversation],
        turn: Option<TurnStart>,
    ) -> Result<Option<Posted<T::Violation>>, SyncError<T::Violation>> {
        let (identity, visitor) = (visitor.identity(), visitor.id());
        let now = self.clock.now();
        let heads = self.store.heads(visitor, names.to_vec()).await?;
        let registers = match (&heads, self.settings.registration.of(identity)) {
            (Some(_), _) => None,
            (None, RegistrationMode::Explicit) => {
                self.recent_visitors.remove(&visitor);
                return Err(SyncError::UnknownVisitor);
            }
            (None, RegistrationMode::OnFirstSync) => Some(VisitorRegistration {
                identity: identity.clone(),
                registered_at: now,
            }),
        };
        let Heads {
            change_counter,
            conversations,
        } = heads.unwrap_or_default();

        if turn.is_some_and(|turn| turn.since.is_expired(change_counter)) {
            return Err(SyncError::TurnExpired);
        }
        let unchanged = UnchangedMessages::of(submission, &conversations);
        let Reading { posted, rejected } =
            read(submission, &unchanged).map_err(SyncError::Invalid)?;
        let copies = turn.map_or(COPIES, |_| COPIES_IN_TURN);
        let may_change = |conversation, message| unchanged.may_change(conversation, message);
        let _reservation = self.reserve(&conversations, may_change, copies)?;
        let stored = self.load(visitor, names, may_change, conversations).await?;
        let receipt = Receipt::new(now, self.settings.max_clock_skew_seconds);
        let mut merge = Merge::into(stored, receipt);
        for conversation in posted {
            merge.post(conversation);
        }
        let to_tell = turn.map(|turn| {
            let outcomes = Outcomes::of(submission, &unchanged, &merge);
            ToTell::of(turn, change_counter, outcomes, &merge)
        });
        let merged = merge.finish();
        let told = to_tell.map(|to_tell| to_tell.after(&merged.changes));

        let written = Written::of(&merged.changes);
        if registers.is_some() || !merged.changes.is_empty() {
            let conversations = merged.changes;
            let changes = ChangeSet {
                change_counter,
                received_at: now,
                registers,
                quota: self.settings.quota,
                conversations,
            };
            if !self.write(visitor, changes).await? {
                return Ok(None);
            }
        }
        Ok(Some(Posted {
            taken: Taken {
                counts: merged.counts,
                written,
                rejected,
            },
            told: told.unwrap_or_default(),
        }))
    }

    /// Writes changes and tells of them; `false`, and nothing is done, where another process came in between.
    async fn write(&self, visitor: VisitorId, changes: ChangeSet) -> Result<bool, StoreError> {
        let change_counter = match self.store.commit(visitor, changes).await {
            Err(StoreError::Conflict) => return Ok(false),
            committed => committed?,
        };
        self.notifier.notify(ChangeNotice {
            visitor,
            standing: Standing::At(change_counter),
        });
        Ok(true)
    }

    /// Waits a little before the next attempt, with jitter so that two processes do not meet again.
    async fn pause(&self, attempt: u32) {
        let spread = PAUSE_GROWTH_MS * u64::from((attempt + 1).min(PAUSE_GROWTHS));
        let jitter = self.clock.now().as_micros().unsigned_abs() % spread;
        tokio::time::sleep(Duration::from_millis(PAUSE_MIN_MS + jitter)).await;
    }
}
