//! How an anonymous visitor becomes a part of a user: everything that it has enters the user's as if the user had
//! posted it.

#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::sync::Arc;

use convosync_domain::archive::ArchivedConversation;
use convosync_domain::change_set::{ChangeSet, Counts, VisitorRegistration};
use convosync_domain::identity::{VisitorId, VisitorIdentity};
use convosync_domain::merge::{Merge, Receipt};
use convosync_domain::message::MessagePatch;
use convosync_domain::patch::Patch;
use convosync_domain::ports::{
    ChangeNotice, ConversationHead, Heads, MergeStore, MergedVisitor, NamedConversation, Standing,
    StoreArchive, StoreError, Visitor,
};
use convosync_domain::posted::{PostedChange, PostedContent, PostedConversation, PostedMessage};
use convosync_domain::tombstone::VisitorGone;
use convosync_domain::usage::QuotaExceeded;

use super::{COPIES, RegistrationMode, SyncConversations};
use crate::access::AuthorizedVisitor;
use crate::byte_budget::Reservation;

/// How many items are read at once.
const AT_ONCE: usize = 1_000;

/// Merges anonymous visitors into users.
#[derive(Clone)]
pub struct MergeVisitors {
    sync: Arc<SyncConversations>,
    store: Arc<dyn MergeStore>,
    archive: Arc<dyn StoreArchive>,
}

/// Why visitors were not merged. In every case nothing has changed.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    /// Only an anonymous visitor can be merged, and only into a registered one.
    #[error("only an anonymous visitor is merged, and only into a user")]
    WrongKind,
    /// Nobody is registered under one of the identities.
    #[error("visitor not found")]
    UnknownVisitor,
    /// The anonymous visitor was merged into another user.
    #[error("the visitor was merged into another user")]
    MergedElsewhere,
    /// There is more to merge than may be in memory at all.
    #[error("there are more than {most} bytes to merge")]
    TooMuchStored {
        /// The most, in bytes.
        most: usize,
    },
    /// There is no memory left now for what is to be merged.
    #[error("no memory left for what is read")]
    NoMemory,
    /// It would grow the user beyond their quota.
    #[error("the visitor would have {0}")]
    QuotaExceeded(QuotaExceeded),
    /// The store failed, or one of the visitors is gone.
    #[error(transparent)]
    Store(StoreError),
}

impl From<StoreError> for MergeError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::QuotaExceeded(limit) => Self::QuotaExceeded(limit),
            error => Self::Store(error),
        }
    }
}

impl MergeVisitors {
    /// Merges what is read in the archive, in the store of the posts that are taken by `sync`.
    #[must_use]
    pub fn new(
        sync: Arc<SyncConversations>,
        store: Arc<dyn MergeStore>,
        archive: Arc<dyn StoreArchive>,
    ) -> Self {
        Self {
            sync,
            store,
            archive,
        }
    }

    /// Merges an anonymous visitor into a user; when this returns, it is durable, and the anonymous one is gone. Of
    /// one that was merged into this user before there is nothing more to merge.
    ///
    /// Everything of the anonymous visitor is in memory at once, with what the user has of the same items.
    ///
    /// # Errors
    /// [`MergeError`] as its variants say. What is wrong with the user is told first.
    pub async fn run(
        &self,
        user: &AuthorizedVisitor,
        anonymous: &AuthorizedVisitor,
    ) -> Result<Counts, MergeError> {
        let kinds = (user.identity(), anonymous.identity());
        let (VisitorIdentity::Registered(_), VisitorIdentity::Anonymous(_)) = kinds else {
            return Err(MergeError::WrongKind);
        };
        let identity = user.identity();
        let may_register =
            self.sync.settings.registration.of(identity) == RegistrationMode::OnFirstSync;
        let registers = may_register.then_some(identity);
        self.merge(user.id(), registers, anonymous.id()).await
    }

    /// Merges a visitor into another, as that was done before in what is known of another life of this store.
    pub(crate) async fn run_again(
        &self,
        user: VisitorId,
        anonymous: VisitorId,
    ) -> Result<Counts, MergeError> {
        self.merge(user, None, anonymous).await
    }

    async fn merge(
        &self,
        user: VisitorId,
        registers: Option<&VisitorIdentity>,
        anonymous: VisitorId,
    ) -> Result<Counts, MergeError> {
        let _locks = self.sync.locks.lock_both(user, anonymous).await;
        let attempt = async || match self.attempt(user, registers, anonymous).await {
            Err(MergeError::Store(StoreError::Conflict)) => Ok(None),
            done => done.map(Some),
        };
        self.sync.until_undisturbed(attempt).await
    }

    /// `registers` is the user, if it is to be registered where it is unknown.
    async fn attempt(
        &self,
        user: VisitorId,
        registers: Option<&VisitorIdentity>,
        anonymous: VisitorId,
    ) -> Result<Counts, MergeError> {
        let sync = &*self.sync;
        let now = sync.clock.now();
        let found = sync.visitors.find(user).await?;
        if found.is_none() && registers.is_none() {
            return Err(MergeError::UnknownVisitor);
        }
        let found = match sync.visitors.find(anonymous).await {
            Err(StoreError::VisitorGone(VisitorGone::Merged { into })) => {
                return match into == user {
                    true => Ok(Counts::default()),
                    false => Err(MergeError::MergedElsewhere),
                };
            }
            found => found?.ok_or(MergeError::UnknownVisitor)?,
        };
        let mut memory = sync.memory.reserve();
        let source_bytes = usize::try_from(found.usage.content_bytes).unwrap_or(usize::MAX);
        self.hold(&mut memory, source_bytes)?;
        let mut posted = self.read(&found).await?;
        let names: Vec<_> = posted.iter().map(name).collect();
        let heads = sync.store.heads(user, names.clone()).await?;
        let registers = match (&heads, registers) {
            (Some(_), _) => None,
            (None, None) => return Err(MergeError::UnknownVisitor),
            (None, Some(identity)) => Some(VisitorRegistration {
                identity: identity.clone(),
                registered_at: now,
            }),
        };
        let Heads {
            change_counter,
            conversations,
        } = heads.unwrap_or_default();
        let target_bytes = content_bytes(&conversations);
        self.hold(&mut memory, source_bytes.saturating_add(target_bytes))?;
        forget_digests(&mut posted, &conversations);
        let stored = sync.load(user, &names, |_, _| true, conversations);
        let receipt = Receipt::new(now, sync.settings.max_clock_skew_seconds);
        let mut merge = Merge::into(stored.await?, receipt);
        for conversation in posted {
            merge.post(conversation);
        }
        let merged = merge.finish();
        let changes = ChangeSet {
            change_counter,
            received_at: now,
            registers,
            quota: sync.settings.quota,
            conversations: merged.changes,
        };
        let source = MergedVisitor {
            id: anonymous,
            change_counter: found.change_counter,
            at: now,
        };
        // That nothing of it has changed since it was looked up is for the store to find out.
        let change_counter = match self.store.merge(user, changes, source).await {
            // Somebody else was faster: a new look tells which of the two is gone, and where to.
            Err(StoreError::VisitorGone(_)) => return Err(StoreError::Conflict.into()),
            merged => merged?,
        };
        sync.recent_visitors.remove(&anonymous);
        for (visitor, standing) in [
            (user, Standing::At(change_counter)),
            (anonymous, Standing::Gone),
        ] {
            sync.notifier.notify(ChangeNotice { visitor, standing });
        }
        Ok(merged.counts)
    }

    /// Holds the memory for so much content, as often as it will be there.
    fn hold(&self, memory: &mut Reservation, bytes: usize) -> Result<(), MergeError> {
        let most = self.sync.memory.bytes() / COPIES;
        if bytes > most {
            return Err(MergeError::TooMuchStored { most });
        }
        match memory.hold(bytes * COPIES) {
            true => Ok(()),
            false => Err(MergeError::NoMemory),
        }
    }

    /// Everything that the anonymous visitor has, each conversation once, as it is posted.
    async fn read(&self, visitor: &Visitor) -> Result<Vec<PostedConversation>, StoreError> {
        let mut conversations: Vec<ArchivedConversation> = Vec::new();
        let mut after = None;
        loop {
            let page = self.archive.items(visitor.id, after, AT_ONCE).await?;
            let Some(last) = page.last().map(ArchivedConversation::place) else {
                break;
            };
            after = Some(last);
            for archived in page {
                match conversations.last_mut() {
                    Some(last) if last.conversation.id == archived.conversation.id => {
                        last.messages.extend(archived.messages);
                    }
                    _ => conversations.push(archived),
                }
            }
        }
        let posted = conversations.into_iter();
        Ok(posted.filter_map(PostedConversation::of_archived).collect())
    }
}

fn name(posted: &PostedConversation) -> NamedConversation {
    let messages = posted.messages.iter().map(|message| message.id.key());
    NamedConversation {
        key: posted.id.key(),
        messages: messages.collect(),
    }
}

fn content_bytes(heads: &[ConversationHead]) -> usize {
    let bytes = heads.iter().flat_map(|head| {
        let messages = head.messages.iter().map(|message| message.content_bytes);
        std::iter::once(head.conversation.content_bytes()).chain(messages)
    });
    bytes.fold(0, usize::saturating_add)
}

/// Forgets the digests of texts that may change something yet, were they posted again: by a null that clears a field
/// of a message that the user has already, or a moment that the merge gives to one that had none.
fn forget_digests(posted: &mut [PostedConversation], stored: &[ConversationHead]) {
    let stored: HashSet<_> = stored
        .iter()
        .flat_map(|head| {
            let conversation = head.conversation.id.key();
            let messages = head.messages.iter();
            messages.map(move |message| (conversation, message.key))
        })
        .collect();
    for conversation in posted {
        let key = conversation.id.key();
        for message in &mut conversation.messages {
            let PostedMessage { id, content } = message;
            if let PostedContent::Read { digest, change } = content
                && (stored.contains(&(key, id.key())) || !has_timestamp(change))
            {
                *digest = None;
            }
        }
    }
}

fn has_timestamp(change: &PostedChange<MessagePatch>) -> bool {
    match change {
        PostedChange::Fields { patch, .. } => patch.fields.timestamp != Patch::NotSent,
        PostedChange::Deletion { .. } => true,
    }
}
