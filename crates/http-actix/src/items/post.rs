//! What has been read of a post, and the messages that are taken into it unread.

use std::fmt;
use std::sync::Arc;

use convosync_application::sync::{SubmittedConversation, SubmittedMessage};
use convosync_domain::identity::MessageId;
use convosync_domain::posted::Digest;
use serde::de::{DeserializeSeed, Deserializer, SeqAccess, Visitor};
use serde_json::value::RawValue;
use uuid::Uuid;
use xxhash_rust::xxh3::xxh3_128_with_seed;

use super::message::{RawMessage, find_message_id};
use crate::body::Body;
use crate::json::{Leniency, Reader};

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
    pub(super) too_many: Option<(usize, &'static str)>,
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
            too_many: None,
        }
    }

    pub(crate) fn begin_conversation(&mut self) {
        self.begun += 1;
    }

    /// Counts a message and takes it as it is.
    fn take_message<E: serde::de::Error>(
        &mut self,
        text: &'a str,
        start: usize,
        index: usize,
    ) -> Result<SubmittedMessage<RawMessage>, E> {
        let most = self.body.limits().messages;
        if self.messages == most {
            self.too_many = Some((most, "messages"));
            return Err(E::custom("too many messages"));
        }
        self.messages += 1;
        let id = find_message_id(text);
        self.has_bad_message |= id.is_none();
        let digest = xxh3_128_with_seed(text.as_bytes(), self.body.digest_seed());
        Ok(SubmittedMessage {
            id: id.unwrap_or(MessageId::from_uuid(Uuid::nil())),
            digest: Digest(digest.to_be_bytes()),
            text: RawMessage::new(
                self.body,
                self.leniency,
                start..start + text.len(),
                self.begun.saturating_sub(1),
                index,
            ),
        })
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
        while let Some(raw) = items.next_element::<&'a RawValue>()? {
            let start = self.reader.pass(raw.get());
            messages.push(self.post.take_message(raw.get(), start, messages.len())?);
        }
        Ok(messages)
    }
}
