//! What has been read of a post, and the messages that are taken into it unread.

use std::fmt;
use std::sync::Arc;

use convosync_application::sync::{
    MessageText as _, RejectedMessage, SubmittedConversation, SubmittedMessage,
};
use convosync_domain::identity::MessageId;
use convosync_domain::posted::Digest;
use serde::de::{DeserializeSeed, Deserializer, SeqAccess, Visitor};
use serde_json::value::RawValue;
use uuid::Uuid;
use xxhash_rust::xxh3::xxh3_128_with_seed;

use super::message::{RawMessage, find_message_id};
use crate::body::Body;
use crate::json::{Leniency, Reader, Violation};

/// What has been read of a post.
pub(crate) struct Post<'a> {
    body: &'a Arc<Body>,
    leniency: Leniency,
    /// Those read so far. In an invalid post they may bear nil ids, and none is used.
    pub(crate) conversations: Vec<SubmittedConversation<RawMessage>>,
    pub(super) names_conversations: bool,
    /// How many conversations have been begun.
    pub(super) begun: usize,
    /// How many messages have been met, in all conversations.
    messages: usize,
    /// Whether there is a message with no good id; what is wrong its own reading tells.
    pub(super) has_bad_message: bool,
    /// The items that are left out, where bad ones are.
    pub(super) rejected: Vec<Rejected>,
    pub(super) too_many: Option<(usize, &'static str)>,
}

/// An item of a post that is left out while the others are taken.
#[derive(Debug)]
pub(crate) struct Rejected {
    /// Its id, if it has a good one.
    pub(crate) id: Option<String>,
    /// What is wrong with it first.
    pub(crate) violation: Violation,
}

impl Rejected {
    /// A message that turned out to be bad when it was read.
    pub(crate) fn of(message: RejectedMessage<Violation>) -> Option<Self> {
        let first = message.violations.into_iter().next();
        first.map(|violation| Self {
            id: Some(message.id.to_string()),
            violation,
        })
    }
}

impl<'a> Post<'a> {
    pub(super) fn new(body: &'a Arc<Body>, leniency: Leniency) -> Self {
        Self {
            body,
            leniency,
            conversations: Vec::new(),
            names_conversations: false,
            begun: 0,
            messages: 0,
            has_bad_message: false,
            rejected: Vec::new(),
            too_many: None,
        }
    }

    pub(crate) fn begin_conversation(&mut self) {
        self.begun += 1;
    }

    /// Leaves out an item of which this is wrong first.
    pub(super) fn reject(&mut self, id: Option<String>, first: Option<Violation>) {
        let rejected = first.map(|violation| Rejected { id, violation });
        self.rejected.extend(rejected);
    }

    /// Counts a message and takes it as it is; `None` if it is left out.
    fn take_message<E: serde::de::Error>(
        &mut self,
        text: &'a str,
        start: usize,
        index: usize,
    ) -> Result<Option<SubmittedMessage<RawMessage>>, E> {
        let most = self.body.limits().messages;
        if self.messages == most {
            self.too_many = Some((most, "messages"));
            return Err(E::custom("too many messages"));
        }
        self.messages += 1;
        let id = find_message_id(text);
        let raw = RawMessage::new(
            self.body,
            self.leniency,
            start..start + text.len(),
            self.begun.saturating_sub(1),
            index,
        );
        if self.leniency.leaves_out_bad_items {
            let is_read = id.is_none() || self.leniency.reads_known_texts();
            if is_read && let Err(violations) = raw.read() {
                let id = id.map(|id| id.to_string());
                self.reject(id, violations.into_iter().next());
                return Ok(None);
            }
        }
        self.has_bad_message |= id.is_none();
        let digest = xxh3_128_with_seed(text.as_bytes(), self.body.digest_seed());
        Ok(Some(SubmittedMessage {
            id: id.unwrap_or(MessageId::from_uuid(Uuid::nil())),
            digest: Digest(digest.to_be_bytes()),
            text: raw,
        }))
    }
}

/// Reads the array of messages of the conversation that was begun last.
pub(crate) struct Messages<'r, 'a> {
    pub(crate) reader: &'r mut Reader<'a>,
    pub(crate) post: &'r mut Post<'a>,
}

impl<'a> DeserializeSeed<'a> for Messages<'_, 'a> {
    type Value = Vec<SubmittedMessage<RawMessage>>;

    fn deserialize<D: Deserializer<'a>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_seq(self)
    }
}

impl<'a> Visitor<'a> for Messages<'_, 'a> {
    type Value = Vec<SubmittedMessage<RawMessage>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<S: SeqAccess<'a>>(self, mut items: S) -> Result<Self::Value, S::Error> {
        let mut messages = Vec::new();
        let mut index = 0;
        self.reader.pass_bracket();
        while let Some(raw) = items.next_element::<&'a RawValue>()? {
            let start = self.reader.pass(raw.get());
            messages.extend(self.post.take_message(raw.get(), start, index)?);
            index += 1;
        }
        self.reader.pass_bracket();
        Ok(messages)
    }
}
