//! A visitor's items in memory, and short ways to write posts.

use std::collections::{BTreeMap, HashMap};

use convosync_domain::change_set::{ConversationChange, Counts, Erasure};
use convosync_domain::conversation::ConversationPatch;
use convosync_domain::identity::{ConversationId, ConversationKey, MessageId, MessageKey};
use convosync_domain::merge::{Receipt, StoredItems, merge};
use convosync_domain::message::MessagePatch;
use convosync_domain::patch::Patch;
use convosync_domain::posted::{
    Digest, PostedChange, PostedContent, PostedConversation, PostedMessage,
};
use convosync_domain::stored::{StoredConversation, StoredMessage};
use convosync_domain::timestamp::Timestamp;
use uuid::Uuid;

/// A post of these arrives at noon; stamps from [`FUTURE`] on are from the future.
pub(crate) const NOON: i64 = 1_000;
pub(crate) const SKEW_SECONDS: u32 = 1;
pub(crate) const FUTURE: i64 = 10_000_000_000;

pub(crate) fn at(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros).unwrap()
}

pub(crate) fn conversation_id(number: u128) -> ConversationId {
    ConversationId::from_uuid(Uuid::from_u128(number))
}

pub(crate) fn message_id(number: u128) -> MessageId {
    MessageId::from_uuid(Uuid::from_u128(number))
}

/// What a visitor has.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Items {
    pub(crate) conversations: BTreeMap<ConversationKey, StoredConversation>,
    pub(crate) messages: BTreeMap<(ConversationKey, MessageKey), StoredMessage>,
    /// The number of posts that changed something.
    pub(crate) change_counter: u64,
    /// The change number of each item, conversations under the nil message.
    pub(crate) change_numbers: BTreeMap<(ConversationKey, Option<MessageKey>), u64>,
}

impl Items {
    pub(crate) fn post(&mut self, posted: Vec<PostedConversation>, now: i64) -> Counts {
        let stored = posted
            .iter()
            .filter_map(|named| self.conversations.get(&named.id.key()))
            .map(|conversation| StoredItems {
                conversation: conversation.clone(),
                messages: self.messages_of(conversation.id.key()),
            })
            .collect();
        let merged = merge(posted, stored, Receipt::new(at(now), SKEW_SECONDS));
        if !merged.changes.is_empty() {
            self.change_counter += 1;
        }
        for change in merged.changes {
            self.apply(change);
        }
        merged.counts
    }

    pub(crate) fn conversation(&self, number: u128) -> &StoredConversation {
        &self.conversations[&conversation_id(number).key()]
    }

    pub(crate) fn message(&self, conversation: u128, number: u128) -> Option<&StoredMessage> {
        self.messages.get(&(
            conversation_id(conversation).key(),
            message_id(number).key(),
        ))
    }

    fn messages_of(&self, key: ConversationKey) -> HashMap<MessageKey, StoredMessage> {
        self.messages
            .iter()
            .filter(|((conversation, _), _)| *conversation == key)
            .map(|((_, message), stored)| (*message, stored.clone()))
            .collect()
    }

    fn apply(&mut self, change: ConversationChange) {
        let id = change.key;
        let number = self.change_counter;
        if let Some(write) = change.conversation {
            self.conversations.insert(id, write.item().clone());
            self.change_numbers.insert((id, None), number);
        }
        for ((conversation, message), stored) in &mut self.messages {
            let dies = match change.erasure {
                None => false,
                Some(Erasure::Everything) => true,
                Some(Erasure::Through(moment)) => stored.history.stamp <= Some(moment),
            };
            let erased = *conversation == id && stored.content.is_some() && dies;
            if erased {
                stored.content = None;
                stored.digest = None;
                if change.erasure == Some(Erasure::Everything) {
                    stored.history.stamp = None;
                }
                self.change_numbers.insert((id, Some(*message)), number);
            }
        }
        for write in change.messages {
            let message = write.item().clone();
            self.change_numbers
                .insert((id, Some(message.id.key())), number);
            self.messages.insert((id, message.id.key()), message);
        }
    }

    /// The content of everything that lives.
    pub(crate) fn living(&self) -> Vec<String> {
        let conversations = self
            .conversations
            .values()
            .filter_map(|stored| Some(format!("{} {:?}", stored.id, stored.content.as_ref()?)));
        let messages = self
            .messages
            .iter()
            .filter_map(|((conversation, _), stored)| {
                let (id, content) = (&stored.id, stored.content.as_ref()?);
                Some(format!("{conversation:?} {id} {content:?}"))
            });
        conversations.chain(messages).collect()
    }
}

/// A conversation posted with this `updated_at` and title.
pub(crate) fn titled(
    updated_at: Option<i64>,
    title: Patch<&str>,
) -> PostedChange<ConversationPatch> {
    let patch = ConversationPatch {
        title: title.map(str::to_owned),
        updated_at: updated_at.map(at).map_or(Patch::NotSent, Patch::Value),
        created_at: Patch::Value(at(0)),
        ..ConversationPatch::default()
    };
    PostedChange::Fields {
        updated_at: updated_at.map(at),
        patch,
    }
}

/// A deletion at this moment, beside no `updated_at`.
pub(crate) fn deleted<P>(moment: i64) -> PostedChange<P> {
    PostedChange::Deletion {
        deleted_at: at(moment),
        updated_at: None,
    }
}

/// A message posted with this `updated_at` of its own and this `img`.
pub(crate) fn image(updated_at: Option<i64>, img: Patch<&str>) -> PostedChange<MessagePatch> {
    let mut patch = MessagePatch::default();
    patch.fields.img = img.map(str::to_owned);
    patch.fields.timestamp = Patch::Value(at(0));
    patch.fields.updated_at = updated_at.map(at).map_or(Patch::NotSent, Patch::Value);
    PostedChange::Fields {
        updated_at: updated_at.map(at),
        patch,
    }
}

/// The same message with a null timestamp.
pub(crate) fn undated(change: PostedChange<MessagePatch>) -> PostedChange<MessagePatch> {
    with(change, |patch| patch.fields.timestamp = Patch::Null)
}

/// The same change with another patch, unless it is a deletion.
pub(crate) fn with<P>(mut change: PostedChange<P>, edit: impl FnOnce(&mut P)) -> PostedChange<P> {
    if let PostedChange::Fields { patch, .. } = &mut change {
        edit(patch);
    }
    change
}

/// A message of a post; its digest is that of its debug form.
pub(crate) fn message(number: u128, change: PostedChange<MessagePatch>) -> PostedMessage {
    use std::hash::{DefaultHasher, Hash as _, Hasher as _};
    let mut hasher = DefaultHasher::new();
    format!("{change:?}").hash(&mut hasher);
    let digest = Digest(u128::from(hasher.finish()).to_be_bytes());
    let content = PostedContent::Read {
        digest: Some(digest),
        change: Box::new(change),
    };
    PostedMessage {
        id: message_id(number),
        content,
    }
}

/// A conversation of a post.
pub(crate) fn conversation(
    number: u128,
    change: PostedChange<ConversationPatch>,
    messages: Vec<PostedMessage>,
) -> PostedConversation {
    PostedConversation {
        id: conversation_id(number),
        change,
        messages,
    }
}
