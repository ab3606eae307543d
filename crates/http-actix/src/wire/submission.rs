//! A post, read once from start to end.
//!
//! Conversations are read whole, messages only to their id and the digest of their text: most
//! messages of most posts are stored already, and then nothing else of them is looked at.

use std::fmt;
use std::sync::Arc;

use convosync_application::sync::{
    MessageText as _, Submission, SubmittedConversation, SubmittedMessage, VIOLATIONS_MAX,
};
use convosync_domain::identity::MessageId;
use convosync_domain::json::JsonValue;
use convosync_domain::posted::Digest;
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use uuid::Uuid;
use xxhash_rust::xxh3::xxh3_128_with_seed;

use super::body::{Body, begins_object, check_json, not_json};
use super::conversation::ConversationVisitor;
use super::message::{RawMessage, find_message_id};
use super::object::Reader;
use super::violation::{JsonPath, Refusal, Violation};
use crate::settings::UnknownFields;

const CONVERSATIONS: &str = "conversations";
pub(super) const MUST_BE_ARRAY: &str = "must be an array";
pub(super) const MUST_BE_OBJECT: &str = "must be an object";

/// Reads the body of a post. Where unknown fields are refused, every message is read to its end: the
/// text of one that is stored already may have been taken when they were kept.
pub(crate) fn read_submission(
    body: &Arc<Body>,
    unknown_fields: UnknownFields,
) -> Result<Submission<RawMessage>, Refusal> {
    let text = body.text();
    let mut reader = Reader::new(text, body.limits(), unknown_fields);
    let mut post = Post::new(body, unknown_fields);
    if begins_object(text) {
        let mut json = serde_json::Deserializer::from_str(text);
        let document = DocumentVisitor {
            reader: &mut reader,
            post: &mut post,
        };
        let read = json.deserialize_map(document).and_then(|()| json.end());
        if let Some((most, what)) = post.too_many {
            return Err(Refusal::TooMany(most, what));
        }
        if let Err(error) = read {
            if check_json(text).is_err() {
                return Err(not_json(&error));
            }
            // It is JSON, but none that the parser makes a value of, like 1e999: that is only so
            // where a conversation should be.
            let conversations = JsonPath::Document.key(CONVERSATIONS);
            let path = conversations.index(post.begun.saturating_sub(1));
            reader.missing(reader.position(), &path, MUST_BE_OBJECT);
        }
    } else {
        check_json(text).map_err(|error| not_json(&error))?;
    }
    if !post.names_conversations {
        reader.missing(0, &JsonPath::Document.key(CONVERSATIONS), MUST_BE_ARRAY);
    }
    let is_invalid = reader.has_violations() || post.has_bad_message;
    if is_invalid || unknown_fields == UnknownFields::Reject {
        let of_messages = violations_of_messages(&post.conversations);
        if is_invalid || !of_messages.is_empty() {
            return Err(Refusal::Invalid(reader.into_violations(of_messages)));
        }
    }
    Ok(Submission {
        conversations: post.conversations,
    })
}

/// The violations of all messages, read to the end, in order, as many as are told.
fn violations_of_messages(conversations: &[SubmittedConversation<RawMessage>]) -> Vec<Violation> {
    conversations
        .iter()
        .flat_map(|conversation| &conversation.messages)
        .filter_map(|message| message.text.read().err())
        .flatten()
        .take(VIOLATIONS_MAX)
        .collect()
}

/// What has been read of a post.
pub(super) struct Post<'a> {
    body: &'a Arc<Body>,
    unknown_fields: UnknownFields,
    /// Those read so far. In an invalid post they may bear nil ids, and none is used.
    pub(super) conversations: Vec<SubmittedConversation<RawMessage>>,
    names_conversations: bool,
    /// How many conversations have been begun.
    begun: usize,
    /// How many messages have been met, in all conversations.
    messages: usize,
    /// Whether there is a message with no good id; what is wrong its own reading tells.
    has_bad_message: bool,
    too_many: Option<(usize, &'static str)>,
}

impl<'a> Post<'a> {
    fn new(body: &'a Arc<Body>, unknown_fields: UnknownFields) -> Self {
        Self {
            body,
            unknown_fields,
            conversations: Vec::new(),
            names_conversations: false,
            begun: 0,
            messages: 0,
            has_bad_message: false,
            too_many: None,
        }
    }

    pub(super) fn begin_conversation(&mut self) {
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
                self.unknown_fields,
                start..start + text.len(),
                self.begun.saturating_sub(1),
                index,
            ),
        })
    }
}

/// Reads the document: an object with `conversations`; what stands beside is checked and ignored.
struct DocumentVisitor<'r, 'a> {
    reader: &'r mut Reader<'a>,
    post: &'r mut Post<'a>,
}

impl<'a> Visitor<'a> for DocumentVisitor<'_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<M: MapAccess<'a>>(self, mut fields: M) -> Result<(), M::Error> {
        let Self { reader, post } = self;
        let document = JsonPath::Document;
        reader.walk(&mut fields, &document, |reader, fields, key| {
            let path = document.key(key);
            if key == CONVERSATIONS {
                post.names_conversations = true;
                if reader.peek_value() == Some(b'[') {
                    return fields.next_value_seed(Conversations { reader, post });
                }
                let raw = reader.raw_value(fields)?;
                reader.report(raw, &path, MUST_BE_ARRAY);
            } else {
                let raw = reader.raw_value(fields)?;
                if let Err(violation) = JsonValue::parse(raw) {
                    reader.report(raw, &path, violation);
                }
            }
            Ok(())
        })
    }
}

/// Reads the array of conversations.
struct Conversations<'r, 'a> {
    reader: &'r mut Reader<'a>,
    post: &'r mut Post<'a>,
}

impl<'a> DeserializeSeed<'a> for Conversations<'_, 'a> {
    type Value = ();

    fn deserialize<D: Deserializer<'a>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_seq(self)
    }
}

impl<'a> Visitor<'a> for Conversations<'_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<S: SeqAccess<'a>>(self, mut items: S) -> Result<(), S::Error> {
        let Self { reader, post } = self;
        let conversations = JsonPath::Document.key(CONVERSATIONS);
        let most = reader.limits.conversations;
        loop {
            let path = conversations.index(post.begun);
            let conversation = ConversationVisitor {
                reader: &mut *reader,
                post: &mut *post,
                path: &path,
            };
            if items.next_element_seed(conversation)?.is_none() {
                return Ok(());
            }
            if post.begun > most {
                post.too_many = Some((most, CONVERSATIONS));
                return Err(S::Error::custom("too many conversations"));
            }
        }
    }
}

/// Reads the array of messages of the conversation that was begun last.
pub(super) struct Messages<'r, 'a> {
    pub(super) reader: &'r mut Reader<'a>,
    pub(super) post: &'r mut Post<'a>,
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
