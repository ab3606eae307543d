//! How one conversation or message is deleted: like a post of its deletion at this moment.

use std::sync::Arc;

use convosync_domain::change_set::ChangeSet;
use convosync_domain::conversation::ConversationPatch;
use convosync_domain::identity::{ConversationId, MessageId, VisitorId};
use convosync_domain::merge::{Merge, Receipt, StoredItems};
use convosync_domain::ports::{
    ConversationHead, ConversationReader, Heads, MessageHead, NamedConversation, StoreError,
};
use convosync_domain::posted::{PostedChange, PostedContent, PostedConversation, PostedMessage};
use convosync_domain::stored::{ConversationHistory, MessageHistory};
use convosync_domain::timestamp::Timestamp;

use super::results::NoRoom;
use super::{COPIES, SyncConversations};
use crate::access::AuthorizedVisitor;

/// Deletes conversations and messages of visitors.
#[derive(Clone)]
pub struct DeleteItem {
    sync: Arc<SyncConversations>,
    reader: Arc<dyn ConversationReader>,
}

/// A conversation, or a message of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedItem {
    /// Which conversation.
    pub conversation: ConversationId,
    /// Which message of it; `None` for the conversation itself.
    pub message: Option<MessageId>,
}

/// What has to hold at the moment of a deletion.
#[derive(Clone, Copy)]
pub enum Precondition<'a> {
    /// Nothing.
    None,
    /// The item lives.
    Lives,
    /// The conversation lives, and this is true of the highest change number of itself and its messages.
    LatestChange(&'a (dyn Fn(u64) -> bool + Sync)),
}

/// Why nothing was deleted. In every case nothing has changed.
#[derive(Debug, thiserror::Error)]
pub enum DeleteError {
    /// Nobody is registered under this identity.
    #[error("visitor not found")]
    UnknownVisitor,
    /// There was never such a conversation.
    #[error("conversation not found")]
    UnknownConversation,
    /// There was never such a message in the conversation.
    #[error("message not found")]
    UnknownMessage,
    /// What has to hold does not.
    #[error("the precondition does not hold")]
    PreconditionFailed,
    /// The item is larger than what may be in memory at all.
    #[error("the deletion changes more than {most} bytes of what is stored")]
    TooMuchStored {
        /// The most, in bytes.
        most: usize,
    },
    /// There is no memory left now for what is stored of it.
    #[error("no memory left for what is read")]
    NoMemory,
    /// The store failed.
    #[error("the deletion could not be stored")]
    Store(#[from] StoreError),
}

impl From<NoRoom> for DeleteError {
    fn from(no_room: NoRoom) -> Self {
        match no_room {
            NoRoom::TooMuchStored { most } => Self::TooMuchStored { most },
            NoRoom::NoMemory => Self::NoMemory,
        }
    }
}

impl DeleteItem {
    /// Deletes where posts are taken by this use case, from the store that this reads.
    #[must_use]
    pub fn new(sync: Arc<SyncConversations>, reader: Arc<dyn ConversationReader>) -> Self {
        Self { sync, reader }
    }

    /// Deletes an item by the merge rule; when this returns, the deletion is durable. What is dead already stays so,
    /// and what was never there is not made. No other change comes between the look at the precondition and the
    /// deletion.
    ///
    /// The moment of the deletion is now, but never earlier than the stored stamp of the item, which may lie
    /// ahead of the server's clock: else the deletion would be acknowledged and the item would live on.
    ///
    /// # Errors
    /// [`DeleteError`] as its variants say; that something was never there is told before a precondition that does
    /// not hold.
    pub async fn run(
        &self,
        visitor: &AuthorizedVisitor,
        item: &NamedItem,
        precondition: Precondition<'_>,
    ) -> Result<(), DeleteError> {
        let visitor = visitor.id();
        let attempt = async || self.attempt(visitor, item, precondition).await;
        let _lock = self.sync.locks.lock(visitor).await;
        self.sync.until_undisturbed(attempt).await
    }

    async fn attempt(
        &self,
        visitor: VisitorId,
        item: &NamedItem,
        precondition: Precondition<'_>,
    ) -> Result<Option<()>, DeleteError> {
        let sync = &self.sync;
        let now = sync.clock.now();
        let names = [item.name()];
        let Some(heads) = sync.store.heads(visitor, names.to_vec()).await? else {
            sync.recent_visitors.remove(&visitor);
            return Err(DeleteError::UnknownVisitor);
        };
        let Heads {
            change_counter,
            conversations,
        } = heads;
        let found = item.find(&conversations)?;
        // What has changed since the heads were read makes the write fail.
        if !self.holds(precondition, visitor, found).await? {
            return Err(DeleteError::PreconditionFailed);
        }
        let everything = |_, _| true;
        let _reservation = sync.reserve(&conversations, everything, COPIES)?;
        let stored = sync.load(visitor, &names, everything, conversations);
        let stored = stored.await?;
        let Some(moment) = item.moment_of_deletion(&stored, now) else {
            return Ok(None);
        };
        let receipt = Receipt::new(moment, sync.settings.max_clock_skew_seconds);
        let mut merge = Merge::into(stored, receipt);
        merge.post(item.deletion(moment));
        let conversations = merge.finish().changes;
        if conversations.is_empty() {
            return Ok(Some(()));
        }
        let changes = ChangeSet {
            change_counter,
            received_at: now,
            registers: None,
            quota: sync.settings.quota,
            conversations,
        };
        Ok(sync.write(visitor, changes).await?.then_some(()))
    }

    async fn holds(
        &self,
        precondition: Precondition<'_>,
        visitor: VisitorId,
        (conversation, message): (&ConversationHead, Option<&MessageHead>),
    ) -> Result<bool, DeleteError> {
        let lives = conversation.conversation.content.is_some();
        Ok(match precondition {
            Precondition::None => true,
            Precondition::Lives => lives && message.is_none_or(|head| head.content_bytes > 0),
            Precondition::LatestChange(accepts) => {
                let key = conversation.conversation.id.key();
                let head = self.reader.head(visitor, key).await?.flatten();
                head.is_some_and(|head| !head.is_dead() && accepts(head.latest_change))
            }
        })
    }
}

impl NamedItem {
    fn name(&self) -> NamedConversation {
        NamedConversation {
            key: self.conversation.key(),
            messages: self.message.iter().map(MessageId::key).collect(),
        }
    }

    /// The heads of the conversation and of the message, if one is named.
    fn find<'a>(
        &self,
        heads: &'a [ConversationHead],
    ) -> Result<(&'a ConversationHead, Option<&'a MessageHead>), DeleteError> {
        let key = self.conversation.key();
        let conversation = heads.iter().find(|head| head.conversation.id.key() == key);
        let conversation = conversation.ok_or(DeleteError::UnknownConversation)?;
        let message = self.message.as_ref().map(|id| {
            let mut messages = conversation.messages.iter();
            let found = messages.find(|head| head.key == id.key());
            found.ok_or(DeleteError::UnknownMessage)
        });
        Ok((conversation, message.transpose()?))
    }

    /// The moment at which a deletion takes effect whatever the item has seen; `None` where the item is not there.
    fn moment_of_deletion(&self, stored: &[StoredItems], now: Timestamp) -> Option<Timestamp> {
        let key = self.conversation.key();
        let mut conversations = stored.iter();
        let items = conversations.find(|items| items.conversation.id.key() == key)?;
        let (stamps, future_stamp) = match &self.message {
            None => {
                let ConversationHistory {
                    stamp,
                    future_stamp,
                    ..
                } = items.conversation.history;
                ([stamp, None], future_stamp)
            }
            Some(id) => {
                let MessageHistory {
                    stamp,
                    own_stamp,
                    future_stamp,
                    ..
                } = items.messages.get(&id.key())?.history;
                ([stamp, own_stamp], future_stamp)
            }
        };
        let moment = stamps.into_iter().flatten().fold(now, Timestamp::max);
        // At a moment that was from the future once, the deletion would count as that one again, and as older.
        Some(match Some(moment) == future_stamp {
            true => moment.plus_micros(1),
            false => moment,
        })
    }

    /// What a device would post that deletes the item at this moment.
    fn deletion(&self, moment: Timestamp) -> PostedConversation {
        let id = self.conversation.clone();
        let Some(message) = self.message.clone() else {
            return PostedConversation {
                id,
                change: deleted_at(moment),
                messages: Vec::new(),
            };
        };
        let content = PostedContent::Read {
            digest: None,
            change: Box::new(deleted_at(moment)),
        };
        PostedConversation {
            id,
            change: PostedChange::Fields {
                updated_at: None,
                patch: ConversationPatch::default(),
            },
            messages: vec![PostedMessage {
                id: message,
                content,
            }],
        }
    }
}

fn deleted_at<P>(moment: Timestamp) -> PostedChange<P> {
    PostedChange::Deletion {
        deleted_at: moment,
        updated_at: None,
    }
}
