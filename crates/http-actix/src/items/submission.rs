//! A post, read once from start to end.
//!
//! Conversations are read whole, messages only to their id and the digest of their text: most
//! messages of most posts are stored already, and then nothing else of them is looked at.

use std::fmt;
use std::sync::Arc;

use convosync_application::sync::{
    MessageText as _, Submission, SubmittedConversation, VIOLATIONS_MAX,
};
use convosync_domain::json::JsonValue;
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use super::conversation::ConversationVisitor;
use super::message::RawMessage;
use super::post::{Post, Rejected};
use crate::body::{Body, begins_object, check_json, not_json};
use crate::json::{JsonPath, Leniency, MUST_BE_ARRAY, Reader, Refusal, Violation};

const CONVERSATIONS: &str = "conversations";

/// A post that can be taken.
pub(crate) struct ReadPost {
    /// What is to be taken.
    pub(crate) submission: Submission<RawMessage>,
    /// What is left out of it so far, in the order of the document.
    pub(crate) rejected: Vec<Rejected>,
}

/// Reads the body of a post. Where less is taken than can be, every message is read to its end: the text
/// of one that is stored already may have been taken from a more lenient post.
pub(crate) fn read_submission(body: &Arc<Body>, leniency: Leniency) -> Result<ReadPost, Refusal> {
    let text = body.text();
    let mut reader = Reader::new(text, body.limits(), leniency);
    let mut post = Post::new(body, leniency);
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
        read.map_err(|error| not_json(&error))?;
    } else {
        check_json(text).map_err(|error| not_json(&error))?;
    }
    if !post.names_conversations {
        reader.missing(0, &JsonPath::Document.key(CONVERSATIONS), MUST_BE_ARRAY);
    }
    let is_invalid = reader.has_violations() || post.has_bad_message;
    let is_read = leniency.reads_known_texts() && !leniency.leaves_out_bad_items;
    if is_invalid || is_read {
        let of_messages = violations_of_messages(&post.conversations);
        if is_invalid || !of_messages.is_empty() {
            return Err(Refusal::Invalid(reader.into_violations(of_messages)));
        }
    }
    Ok(ReadPost {
        submission: Submission {
            conversations: post.conversations,
            leaves_out_invalid: leniency.leaves_out_bad_items,
        },
        rejected: post.rejected,
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
        reader.pass_bracket();
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
