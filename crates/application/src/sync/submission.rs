//! A post as a transport hands it over: read only as far as the sync must.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use convosync_domain::conversation::ConversationPatch;
use convosync_domain::identity::{ConversationId, MessageId};
use convosync_domain::message::MessagePatch;
use convosync_domain::ports::NamedConversation;
use convosync_domain::posted::{Digest, PostedChange};

/// The text of one posted message, to be read only where it is not the one last applied.
pub trait MessageText: Send + Sync {
    /// What is wrong at one place of the text.
    type Violation: Send;

    /// Reads the text.
    ///
    /// # Errors
    /// Every violation, in the order of the text.
    fn read(&self) -> Result<MessageReading, Vec<Self::Violation>>;
}

/// What a text says.
#[derive(Clone, Debug, PartialEq)]
pub struct MessageReading {
    /// What the post does to the message.
    pub change: PostedChange<MessagePatch>,
    /// Whether a value is not kept as it was sent, so that the device has to be told.
    pub is_mended: bool,
}

/// The conversations of a post, in order.
#[derive(Clone, Debug)]
pub struct Submission<T> {
    /// The conversations.
    pub conversations: Vec<SubmittedConversation<T>>,
    /// Whether messages that turn out to be invalid are left out, and everything else is taken.
    pub leaves_out_invalid: bool,
}

/// One conversation of a post.
#[derive(Clone, Debug)]
pub struct SubmittedConversation<T> {
    /// Which conversation.
    pub id: ConversationId,
    /// Its fields or its deletion.
    pub change: PostedChange<ConversationPatch>,
    /// Whether a value of it is not kept as it was sent, so that the device has to be told.
    pub is_mended: bool,
    /// The messages beside it, in order.
    pub messages: Vec<SubmittedMessage<T>>,
}

/// One message of a post.
#[derive(Clone, Debug)]
pub struct SubmittedMessage<T> {
    /// Which message.
    pub id: MessageId,
    /// The digest of its text.
    pub digest: Digest,
    /// Its text.
    pub text: T,
}

impl<T> Submission<T> {
    /// Every conversation and message of the post, each once.
    pub(super) fn names(&self) -> Vec<NamedConversation> {
        let mut names: Vec<NamedConversation> = Vec::with_capacity(self.conversations.len());
        let mut places = HashMap::with_capacity(self.conversations.len());
        for conversation in &self.conversations {
            let messages = conversation.messages.iter().map(|message| message.id.key());
            match places.entry(conversation.id.key()) {
                Entry::Vacant(vacant) => {
                    vacant.insert(names.len());
                    names.push(NamedConversation {
                        key: conversation.id.key(),
                        messages: messages.collect(),
                    });
                }
                Entry::Occupied(place) => {
                    names.get_mut(*place.get()).into_iter().for_each(|named| {
                        named.messages.extend(messages.clone());
                    });
                }
            }
        }
        for named in &mut names {
            named.messages.sort_unstable();
            named.messages.dedup();
        }
        names
    }
}
