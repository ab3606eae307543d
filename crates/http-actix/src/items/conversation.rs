//! One conversation of a post.

use std::fmt;

use convosync_application::sync::{SubmittedConversation, SubmittedMessage};
use convosync_domain::conversation::ConversationPatch;
use convosync_domain::identity::ConversationId;
use serde::de::{Deserialize as _, DeserializeSeed, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use uuid::Uuid;

use super::change::Change;
use super::message::RawMessage;
use super::post::{Messages, Post};
use crate::json::{JsonPath, MUST_BE_ARRAY, MUST_BE_ID, MUST_BE_OBJECT, Reader};

/// Reads an item of the array of conversations.
pub(crate) struct ConversationVisitor<'r, 'a> {
    pub(crate) reader: &'r mut Reader<'a>,
    pub(crate) post: &'r mut Post<'a>,
    pub(crate) path: &'r JsonPath<'r>,
}

/// A conversation as far as it has been read.
#[derive(Default)]
struct Draft {
    /// `Some` once the key was met, whatever its value.
    id: Option<Option<ConversationId>>,
    change: Change<ConversationPatch>,
    messages: Vec<SubmittedMessage<RawMessage>>,
}

impl<'a> DeserializeSeed<'a> for ConversationVisitor<'_, 'a> {
    type Value = ();

    fn deserialize<D: Deserializer<'a>>(self, json: D) -> Result<(), D::Error> {
        self.post.begin_conversation();
        if self.reader.peek_value() == Some(b'{') {
            return json.deserialize_map(self);
        }
        let Self { reader, post, path } = self;
        let raw = <&'a RawValue>::deserialize(json)?.get();
        let violations = reader.violations();
        reader.pass(raw);
        reader.report(raw, path, MUST_BE_OBJECT);
        if reader.leniency.leaves_out_bad_items {
            post.reject(None, reader.take_violations_after(violations));
        }
        Ok(())
    }
}

impl<'a> Visitor<'a> for ConversationVisitor<'_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<M: MapAccess<'a>>(self, mut fields: M) -> Result<(), M::Error> {
        let Self { reader, post, path } = self;
        let (violations, rejected) = (reader.violations(), post.rejected.len());
        let start = reader.position();
        let mut draft = Draft::default();
        reader.take_mended();
        reader.pass_bracket();
        reader.walk(&mut fields, path, |reader, fields, key| {
            draft.read_field(reader, post, fields, key, path)
        })?;
        reader.pass_bracket();
        if draft.id.is_none() {
            reader.missing(start, &path.key("id"), MUST_BE_ID);
        }
        let id = draft.id.flatten();
        if reader.leniency.leaves_out_bad_items
            && let Some(first) = reader.take_violations_after(violations)
        {
            // Its messages go with it.
            post.rejected.truncate(rejected);
            post.reject(id.map(|id| id.to_string()), Some(first));
            return Ok(());
        }
        post.conversations.push(SubmittedConversation {
            id: id.unwrap_or(ConversationId::from_uuid(Uuid::nil())),
            change: draft.change.finish(),
            is_mended: reader.take_mended(),
            messages: draft.messages,
        });
        Ok(())
    }
}

impl Draft {
    fn read_field<'a, M: MapAccess<'a>>(
        &mut self,
        reader: &mut Reader<'a>,
        post: &mut Post<'a>,
        fields: &mut M,
        key: &str,
        path: &JsonPath<'_>,
    ) -> Result<(), M::Error> {
        if key == "messages" && reader.peek_value() == Some(b'[') {
            self.messages = fields.next_value_seed(Messages { reader, post })?;
            return Ok(());
        }
        let raw = reader.raw_value(fields)?;
        match key {
            "id" => {
                let id = reader.field(raw).id(ConversationId::parse);
                self.id = Some(reader.keep(id, raw, &path.key(key)));
            }
            "messages" if raw == "null" => {}
            "messages" => reader.report(raw, &path.key(key), MUST_BE_ARRAY),
            _ => self.change.read_field(reader, key, raw, path),
        }
        Ok(())
    }
}
