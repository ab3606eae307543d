//! The merge rule: what is stored, what is posted and the moment of receipt give what changes.
//!
//! Everything here is pure. [`merge`] takes a whole post, [`Merge`] one conversation of it after the other; the
//! rule for one conversation and one message is in the two modules of those names, and [`Outcome`] tells what
//! became of what was posted.

mod conversation;
mod message;
mod outcome;
mod stamp;

use std::collections::HashMap;

pub use outcome::{Outcome, conversation_outcome, message_outcome};
pub use stamp::Receipt;

use crate::change_set::{ConversationChange, Counts, Erasure, Write};
use crate::conversation::ConversationPatch;
use crate::identity::{ConversationId, ConversationKey, MessageKey};
use crate::posted::{PostedChange, PostedContent, PostedConversation, PostedMessage};
use crate::stored::{ConversationHistory, StoredConversation, StoredMessage};
use message::Context;

/// What is stored of one conversation that a post names.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredItems {
    /// The conversation.
    pub conversation: StoredConversation,
    /// Every message of it that the post names, but those that are
    /// [`PostedContent::AlreadyApplied`].
    pub messages: HashMap<MessageKey, StoredMessage>,
}

/// What a post does.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Merged {
    /// What the client is told.
    pub counts: Counts,
    /// What the store has to write; empty if nothing changes.
    pub changes: Vec<ConversationChange>,
}

/// Merges a post into what is stored. The post means what its conversations, posted one by one in
/// order, would mean.
#[must_use]
pub fn merge(
    posted: Vec<PostedConversation>,
    stored: Vec<StoredItems>,
    receipt: Receipt,
) -> Merged {
    let mut merge = Merge::into(stored, receipt);
    for conversation in posted {
        merge.post(conversation);
    }
    merge.finish()
}

/// A post that is being merged, conversation by conversation.
#[derive(Debug)]
pub struct Merge {
    receipt: Receipt,
    conversations: HashMap<ConversationKey, ConversationMerge>,
    /// The conversations in the order in which the post names them.
    order: Vec<ConversationKey>,
    counts: Counts,
}

impl Merge {
    /// Begins to merge what arrives with this receipt into what is stored.
    #[must_use]
    pub fn into(stored: Vec<StoredItems>, receipt: Receipt) -> Self {
        let conversations = stored
            .into_iter()
            .map(|items| {
                let key = items.conversation.id.key();
                (key, ConversationMerge::stored(items))
            })
            .collect();
        Self {
            receipt,
            conversations,
            order: Vec::new(),
            counts: Counts::default(),
        }
    }

    /// Merges the next conversation of the post.
    pub fn post(&mut self, posted: PostedConversation) {
        let key = posted.id.key();
        let merge = self.conversations.entry(key).or_default();
        if !merge.is_named {
            merge.is_named = true;
            self.order.push(key);
        }
        merge.post(posted, self.receipt, &mut self.counts);
    }

    /// The conversations that the post has named so far, as they are now, in its order.
    pub fn named(&self) -> impl Iterator<Item = &StoredConversation> {
        self.order.iter().filter_map(|key| self.conversation(*key))
    }

    /// A conversation as it is now, if it is stored or the post has created it.
    #[must_use]
    pub fn conversation(&self, key: ConversationKey) -> Option<&StoredConversation> {
        let tracked = self.conversations.get(&key)?.conversation.as_ref();
        tracked.map(|tracked| &tracked.item)
    }

    /// A message as it is now, if it was stored and loaded, or the post has created it.
    #[must_use]
    pub fn message(
        &self,
        conversation: ConversationKey,
        key: MessageKey,
    ) -> Option<&StoredMessage> {
        let tracked = self.conversations.get(&conversation)?.messages.get(&key);
        tracked.map(|tracked| &tracked.item)
    }

    /// What the post does.
    #[must_use]
    pub fn finish(mut self) -> Merged {
        let order = self.order.into_iter();
        let changes = order.filter_map(|key| self.conversations.remove(&key)?.into_change(key));
        Merged {
            changes: changes.collect(),
            counts: self.counts,
        }
    }
}

/// An item, and what it was before the post.
#[derive(Debug)]
struct Tracked<T> {
    before: Option<T>,
    item: T,
    /// Whether it died in between: the store's erasure reaches it, so that it is written even if it
    /// lives again just as it was.
    erased: bool,
}

impl<T: Clone> Tracked<T> {
    fn stored(item: T) -> Self {
        Self {
            before: Some(item.clone()),
            item,
            erased: false,
        }
    }

    fn created(item: T) -> Self {
        Self {
            before: None,
            item,
            erased: false,
        }
    }

    /// What is to be written, unless the item is the same as it was.
    fn into_write(self, is_same: impl FnOnce(&T, &T) -> bool) -> Option<Write<T>> {
        match self.before {
            None => Some(Write::Insert(self.item)),
            Some(before) if self.erased || !is_same(&before, &self.item) => {
                Some(Write::Update(self.item))
            }
            Some(_) => None,
        }
    }
}

/// The merge of one conversation, with those of its messages that the post names.
#[derive(Debug, Default)]
struct ConversationMerge {
    is_named: bool,
    conversation: Option<Tracked<StoredConversation>>,
    erasure: Option<Erasure>,
    messages: HashMap<MessageKey, Tracked<StoredMessage>>,
    /// The messages in the order in which the post names them.
    order: Vec<MessageKey>,
}

impl ConversationMerge {
    fn stored(items: StoredItems) -> Self {
        Self {
            conversation: Some(Tracked::stored(items.conversation)),
            messages: items
                .messages
                .into_iter()
                .map(|(id, message)| (id, Tracked::stored(message)))
                .collect(),
            ..Self::default()
        }
    }

    fn post(&mut self, posted: PostedConversation, receipt: Receipt, counts: &mut Counts) {
        let updated_at = posted.change.updated_at();
        let conversation = self.post_conversation(posted.id, posted.change, receipt, counts);
        let context = Context {
            conversation,
            updated_at,
            receipt,
        };
        for message in posted.messages {
            self.order.push(message.id.key());
            if self.post_message(message, context) {
                counts.messages_created += 1;
            } else {
                counts.messages_updated += 1;
            }
        }
    }

    /// Returns what the conversation remembers after the post.
    fn post_conversation(
        &mut self,
        id: ConversationId,
        change: PostedChange<ConversationPatch>,
        receipt: Receipt,
        counts: &mut Counts,
    ) -> ConversationHistory {
        let Some(tracked) = &mut self.conversation else {
            counts.created += 1;
            let created = conversation::create(id, change, receipt);
            let history = created.history;
            self.conversation = Some(Tracked::created(created));
            return history;
        };
        counts.updated += 1;
        let erasure = conversation::update(&mut tracked.item, change, receipt);
        let history = tracked.item.history;
        if let Some(erasure) = erasure {
            if tracked.before.is_some() {
                self.erasure = Some(self.erasure.map_or(erasure, |earlier| earlier.and(erasure)));
            }
            for message in self.messages.values_mut() {
                message.erased |= message::erase(&mut message.item, &history);
            }
        }
        history
    }

    /// Returns whether the post created the message.
    fn post_message(&mut self, posted: PostedMessage, context: Context) -> bool {
        let PostedContent::Read { digest, change } = posted.content else {
            return false;
        };
        if let Some(tracked) = self.messages.get_mut(&posted.id.key()) {
            message::update(&mut tracked.item, digest, *change, context);
            return false;
        }
        let key = posted.id.key();
        let created = message::create(posted.id, digest, *change, context);
        let is_created = created.is_some();
        self.messages
            .extend(created.map(|message| (key, Tracked::created(message))));
        is_created
    }

    fn into_change(mut self, key: ConversationKey) -> Option<ConversationChange> {
        let messages = self.order.iter().filter_map(|key| {
            // A digest alone is no change.
            let tracked = self.messages.remove(key)?;
            tracked.into_write(|before, after| {
                before.history == after.history && before.content == after.content
            })
        });
        let change = ConversationChange {
            key,
            messages: messages.collect(),
            conversation: self
                .conversation
                .and_then(|tracked| tracked.into_write(PartialEq::eq)),
            erasure: self.erasure,
        };
        let is_empty = change.conversation.is_none() && change.messages.is_empty();
        (!is_empty).then_some(change)
    }
}
