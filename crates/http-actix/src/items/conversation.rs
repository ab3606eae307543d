//! One conversation of a post.

use std::fmt;

use convosync_application::sync::{SubmittedConversation, SubmittedMessage};
use convosync_domain::conversation::ConversationPatch;
use convosync_domain::identity::ConversationId;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use uuid::Uuid;

use super::change::Change;
use super::message::RawMessage;
use super::post::{Messages, Post};
use crate::json::{JsonPath, MUST_BE_ARRAY, MUST_BE_OBJECT, MUST_BE_UUID, Reader};

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
        json.deserialize_any(self)
    }
}

impl<'a> ConversationVisitor<'_, 'a> {
    fn not_an_object<E>(self) -> Result<(), E> {
        let at = self.reader.position();
        self.reader.report_at(at, self.path, MUST_BE_OBJECT);
        Ok(())
    }
}

macro_rules! visit_as_not_an_object {
    ($( $visit:ident($($value:ty)?); )+) => {$(
        fn $visit<E: Error>(self, $(_: $value)?) -> Result<(), E> {
            self.not_an_object()
        }
    )+};
}

impl<'a> Visitor<'a> for ConversationVisitor<'_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_map<M: MapAccess<'a>>(self, mut fields: M) -> Result<(), M::Error> {
        let Self { reader, post, path } = self;
        let start = reader.position();
        let mut draft = Draft::default();
        reader.walk(&mut fields, path, |reader, fields, key| {
            draft.read_field(reader, post, fields, key, path)
        })?;
        if draft.id.is_none() {
            reader.missing(start, &path.key("id"), MUST_BE_UUID);
        }
        post.conversations.push(SubmittedConversation {
            id: draft
                .id
                .flatten()
                .unwrap_or(ConversationId::from_uuid(Uuid::nil())),
            change: draft.change.finish(),
            messages: draft.messages,
        });
        Ok(())
    }

    fn visit_seq<S: SeqAccess<'a>>(self, mut items: S) -> Result<(), S::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        self.not_an_object()
    }

    visit_as_not_an_object! {
        visit_unit(); visit_bool(bool); visit_i64(i64); visit_u64(u64); visit_f64(f64); visit_str(&str);
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
