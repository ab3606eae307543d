//! One message of a post: its text, its id, and all the rest once it is asked for.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use convosync_application::sync::{MessageReading, MessageText};
use convosync_domain::identity::MessageId;
use convosync_domain::message::{
    MessageFieldsPatch, MessageOutputPatch, MessagePatch, MessageRequestPatch, MessageResponsePatch,
};
use convosync_domain::posted::PostedChange;
use serde::de::{Deserializer as _, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::change::{Change, FieldsPatch};
use crate::body::Body;
use crate::json::{
    JsonPath, Leniency, MUST_BE_ID, MUST_BE_OBJECT, Object, ObjectVisitor, Reader, Violation,
    decode_text,
};

const MESSAGE_ID: &str = "message_id";

/// The text of a posted message, as a part of the body.
#[derive(Clone, Debug)]
pub(crate) struct RawMessage {
    body: Arc<Body>,
    leniency: Leniency,
    range: Range<usize>,
    /// The index of its conversation in the post.
    conversation: usize,
    /// Its index in the conversation.
    index: usize,
}

impl RawMessage {
    pub(crate) fn new(
        body: &Arc<Body>,
        leniency: Leniency,
        range: Range<usize>,
        conversation: usize,
        index: usize,
    ) -> Self {
        Self {
            body: Arc::clone(body),
            leniency,
            range,
            conversation,
            index,
        }
    }
}

impl MessageText for RawMessage {
    type Violation = Violation;

    fn read(&self) -> Result<MessageReading, Vec<Violation>> {
        let text = self.body.text();
        let conversations = JsonPath::Document.key("conversations");
        let conversation = conversations.index(self.conversation);
        let messages = conversation.key("messages");
        let path = messages.index(self.index);

        let mut reader = Reader::new(text, self.body.limits(), self.leniency);
        let mut draft = Draft::default();
        let raw = text.get(self.range.clone()).unwrap_or_default();
        if raw.starts_with('{') {
            let message = ObjectVisitor {
                reader: &mut reader,
                object: &mut draft,
                path: &path,
            };
            let read = serde_json::Deserializer::from_str(raw).deserialize_map(message);
            if read.is_err() {
                // It cannot fail: the post was checked to be JSON before its messages are read.
                reader.report(raw, &path, "not JSON");
            }
            if !draft.has_id {
                reader.missing(self.range.start, &path.key(MESSAGE_ID), MUST_BE_ID);
            }
        } else {
            reader.report(raw, &path, MUST_BE_OBJECT);
        }
        if reader.has_violations() {
            Err(reader.into_violations(Vec::new()))
        } else {
            Ok(MessageReading {
                is_mended: reader.take_mended(),
                change: draft.finish(),
            })
        }
    }
}

/// The id of the message with this text, which is JSON; `None` where there is no good one. The
/// first key of this name counts: where it stands twice, the reading of the message says so.
pub(crate) fn find_message_id(text: &str) -> Option<MessageId> {
    let mut found = None;
    if text.starts_with('{') {
        // It ends where the id was found, which the parser takes for an error.
        let _ = serde_json::Deserializer::from_str(text).deserialize_map(IdVisitor(&mut found));
    }
    found
}

struct IdVisitor<'r>(&'r mut Option<MessageId>);

impl<'a> Visitor<'a> for IdVisitor<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a message")
    }

    fn visit_map<M: MapAccess<'a>>(self, mut fields: M) -> Result<(), M::Error> {
        while let Some(key) = fields.next_key::<&'a RawValue>()? {
            if decode_text(key.get()).is_ok_and(|key| key == MESSAGE_ID) {
                let value = fields.next_value::<&'a RawValue>()?;
                *self.0 = decode_text(value.get())
                    .ok()
                    .and_then(|id| MessageId::parse(&id).ok());
                return Ok(());
            }
            fields.next_value::<IgnoredAny>()?;
        }
        Ok(())
    }
}

/// A message as far as it has been read.
#[derive(Default)]
struct Draft {
    has_id: bool,
    change: Change<MessageFieldsPatch>,
    request: Option<MessageRequestPatch>,
    response: Option<MessageResponsePatch>,
    output: Option<MessageOutputPatch>,
}

impl Draft {
    fn finish(self) -> PostedChange<MessagePatch> {
        let Self {
            request,
            response,
            output,
            ..
        } = self;
        self.change.finish_with(|fields| MessagePatch {
            fields,
            request,
            response,
            output,
        })
    }
}

impl<'a> Object<'a> for Draft {
    fn read_value<M: MapAccess<'a>>(
        &mut self,
        reader: &mut Reader<'a>,
        fields: &mut M,
        key: &str,
        path: &JsonPath<'_>,
    ) -> Result<(), M::Error> {
        match key {
            "request" => self.request = read_part(reader, fields, &path.key(key))?,
            "response" => self.response = read_part(reader, fields, &path.key(key))?,
            "output" => self.output = read_part(reader, fields, &path.key(key))?,
            MESSAGE_ID => {
                self.has_id = true;
                let raw = reader.raw_value(fields)?;
                let id = reader.field(raw).id(MessageId::parse);
                reader.keep(id, raw, &path.key(key));
            }
            _ => {
                let raw = reader.raw_value(fields)?;
                self.change.read_field(reader, key, raw, path);
            }
        }
        Ok(())
    }
}

/// Reads a part: an object exists, even an empty one; null is as not sent.
fn read_part<'a, P: FieldsPatch, M: MapAccess<'a>>(
    reader: &mut Reader<'a>,
    fields: &mut M,
    path: &JsonPath<'_>,
) -> Result<Option<P>, M::Error> {
    if reader.peek_value() == Some(b'{') {
        let mut patch = P::default();
        fields.next_value_seed(ObjectVisitor {
            reader,
            object: &mut patch,
            path,
        })?;
        return Ok(Some(patch));
    }
    let raw = reader.raw_value(fields)?;
    if raw != "null" {
        reader.report(raw, path, "must be an object or null");
    }
    Ok(None)
}
