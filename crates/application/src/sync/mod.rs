//! How a post is taken: look at the heads, load what differs, merge, write.

mod submission;
#[cfg(test)]
mod tests;
mod unchanged_messages;
mod visitor_locks;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use convosync_domain::change_set::{ChangeSet, Counts, VisitorRegistration};
use convosync_domain::identity::{VisitorId, VisitorIdentity};
use convosync_domain::merge::{Receipt, StoredItems, merge};
use convosync_domain::ports::{
    Clock, ConversationHead, Heads, NamedConversation, StoreError, SyncStore, VisitorStore,
};
use convosync_domain::posted::{PostedContent, PostedConversation, PostedMessage};

use quick_cache::sync::Cache;
pub use submission::{MessageText, Submission, SubmittedConversation, SubmittedMessage};
use unchanged_messages::UnchangedMessages;
use visitor_locks::VisitorLocks;

/// The most violations that a sync reports; reading stops there.
pub const VIOLATIONS_MAX: usize = 100;

/// How often a sync tries when other processes write for the same visitor at the same time.
const ATTEMPTS: u32 = 8;
const PAUSE_MIN_MS: u64 = 2;
/// The pause before the next attempt grows by up to so much each time.
const PAUSE_GROWTH_MS: u64 = 16;
/// As many as post within minutes on a busy server: about a megabyte.
const REMEMBERED_VISITORS_MAX: usize = 16_384;

/// How a server takes posts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SyncSettings {
    /// How far a device's clock may run ahead, in seconds, before its stamps are from the future.
    pub max_clock_skew_seconds: u32,
    /// Who registers visitors.
    pub registration: RegistrationMode,
}

/// Who registers visitors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegistrationMode {
    /// Only whoever asks for it: a post of an unknown visitor is refused.
    Explicit,
    /// The first valid post of a visitor, too.
    OnFirstSync,
}

/// Why a post was not taken. In every case it has changed nothing.
#[derive(Debug, thiserror::Error)]
pub enum SyncError<F> {
    /// Nobody is registered under this identity.
    #[error("visitor not found")]
    UnknownVisitor,
    /// Messages of the post are invalid: all their violations in order, up to [`VIOLATIONS_MAX`].
    #[error("invalid messages")]
    Invalid(Vec<F>),
    /// The store failed.
    #[error("the post could not be stored")]
    Store(#[source] StoreError),
}

/// Takes the posts of visitors.
pub struct SyncConversations {
    store: Arc<dyn SyncStore>,
    visitors: Arc<dyn VisitorStore>,
    clock: Arc<dyn Clock>,
    settings: SyncSettings,
    locks: VisitorLocks,
    /// Visitors who were found in the store lately; they may have left it since.
    recent_visitors: Cache<VisitorId, ()>,
}

impl SyncConversations {
    /// Takes posts into this store.
    #[must_use]
    pub fn new(
        store: Arc<dyn SyncStore>,
        visitors: Arc<dyn VisitorStore>,
        clock: Arc<dyn Clock>,
        settings: SyncSettings,
    ) -> Self {
        Self {
            store,
            visitors,
            clock,
            settings,
            locks: VisitorLocks::new(),
            recent_visitors: Cache::new(REMEMBERED_VISITORS_MAX),
        }
    }

    /// Whether a post of this visitor may be taken at all, before its body is read. Only whoever has not
    /// been seen lately is looked up: should somebody have left the store meanwhile, [`Self::run`] tells.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub async fn admits(&self, identity: &VisitorIdentity) -> Result<bool, StoreError> {
        if self.settings.registration == RegistrationMode::OnFirstSync {
            return Ok(true);
        }
        let id = VisitorId::from(identity);
        if self.recent_visitors.get(&id).is_some() {
            return Ok(true);
        }
        let visitor = self.visitors.find(id).await?;
        if visitor.is_some() {
            self.recent_visitors.insert(id, ());
        }
        Ok(visitor.is_some())
    }

    /// Merges a post into what the visitor has, whole or not at all; when this returns counts, the
    /// post is durable.
    ///
    /// # Errors
    /// [`SyncError`] as its variants say.
    pub async fn run<T: MessageText>(
        &self,
        identity: &VisitorIdentity,
        submission: &Submission<T>,
    ) -> Result<Counts, SyncError<T::Violation>> {
        let visitor = VisitorId::from(identity);
        let names = submission.names();
        let _lock = self.locks.lock(visitor).await;
        for attempt in 0..ATTEMPTS {
            match self.attempt(identity, submission, &names).await {
                Err(SyncError::Store(StoreError::Conflict)) => self.pause(attempt).await,
                done => return done,
            }
        }
        Err(SyncError::Store(StoreError::Unavailable {
            retry_after: Duration::from_secs(1),
            source: None,
        }))
    }

    async fn attempt<T: MessageText>(
        &self,
        identity: &VisitorIdentity,
        submission: &Submission<T>,
        names: &[NamedConversation],
    ) -> Result<Counts, SyncError<T::Violation>> {
        let visitor = VisitorId::from(identity);
        let now = self.clock.now();
        let heads = self
            .store
            .heads(visitor, names.to_vec())
            .await
            .map_err(SyncError::Store)?;
        let registers = match (&heads, self.settings.registration) {
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

        let unchanged = UnchangedMessages::of(submission, &conversations);
        let posted = read(submission, &unchanged).map_err(SyncError::Invalid)?;
        let stored = self
            .load(visitor, names, &unchanged, conversations)
            .await
            .map_err(SyncError::Store)?;
        let receipt = Receipt::new(now, self.settings.max_clock_skew_seconds);
        let merged = merge(posted, stored, receipt);

        if registers.is_some() || !merged.changes.is_empty() {
            let conversations = merged.changes;
            let changes = ChangeSet {
                change_counter,
                registers,
                conversations,
            };
            self.store
                .commit(visitor, changes)
                .await
                .map_err(SyncError::Store)?;
        }
        Ok(merged.counts)
    }

    /// Loads the stored messages that the post may change, beside their conversations.
    async fn load(
        &self,
        visitor: VisitorId,
        names: &[NamedConversation],
        unchanged: &UnchangedMessages,
        heads: Vec<ConversationHead>,
    ) -> Result<Vec<StoredItems>, StoreError> {
        let wanted: Vec<_> = names
            .iter()
            .map(|named| NamedConversation {
                id: named.id,
                messages: named
                    .messages
                    .iter()
                    .copied()
                    .filter(|message| unchanged.may_change(named.id, *message))
                    .collect(),
            })
            .filter(|named| !named.messages.is_empty())
            .collect();
        let mut messages: HashMap<_, HashMap<_, _>> = HashMap::new();
        if !wanted.is_empty() {
            for (conversation, message) in self.store.load(visitor, wanted).await? {
                messages
                    .entry(conversation)
                    .or_default()
                    .insert(message.id, message);
            }
        }
        Ok(heads
            .into_iter()
            .map(|head| StoredItems {
                messages: messages.remove(&head.conversation.id).unwrap_or_default(),
                conversation: head.conversation,
            })
            .collect())
    }

    /// Waits a little before the next attempt, with jitter so that two processes do not meet again.
    async fn pause(&self, attempt: u32) {
        let spread = PAUSE_GROWTH_MS * u64::from(attempt + 1);
        let jitter = self.clock.now().as_micros().unsigned_abs() % spread;
        tokio::time::sleep(Duration::from_millis(PAUSE_MIN_MS + jitter)).await;
    }
}

/// Reads the texts of the messages that may change.
fn read<T: MessageText>(
    submission: &Submission<T>,
    unchanged: &UnchangedMessages,
) -> Result<Vec<PostedConversation>, Vec<T::Violation>> {
    let mut violations = Vec::new();
    let mut posted = Vec::with_capacity(submission.conversations.len());
    for conversation in &submission.conversations {
        let mut messages = Vec::with_capacity(conversation.messages.len());
        for message in &conversation.messages {
            let content = if unchanged.contains(conversation.id, message) {
                PostedContent::AlreadyApplied
            } else {
                match message.text.read() {
                    Ok(change) => PostedContent::Read {
                        digest: message.digest,
                        change: Box::new(change),
                    },
                    Err(more) => {
                        violations.extend(more);
                        if violations.len() >= VIOLATIONS_MAX {
                            violations.truncate(VIOLATIONS_MAX);
                            return Err(violations);
                        }
                        continue;
                    }
                }
            };
            messages.push(PostedMessage {
                id: message.id,
                content,
            });
        }
        posted.push(PostedConversation {
            id: conversation.id,
            change: conversation.change.clone(),
            messages,
        });
    }
    if violations.is_empty() {
        Ok(posted)
    } else {
        Err(violations)
    }
}
