//! Conversations, messages and their parts, from the fields that the domain declares.
//!
//! Each is described twice: as a post may have it, with nulls and the values that are taken for others, and as
//! answers have it. What answers hold could be posted.

use convosync_domain::conversation::Conversation;
use convosync_domain::fields::{FieldInfo, FieldKind};
use convosync_domain::identity::ID_MAX_CHARACTERS;
use convosync_domain::message::{MessageFields, MessageOutput, MessageRequest, MessageResponse};
use serde_json::Value;
use utoipa::openapi::schema::{AdditionalProperties, SchemaType};
use utoipa::openapi::{ObjectBuilder, RefOr, Schema, Type};

use super::parameters::NAME_PATTERN;
use super::schema::{DATE_TIME, Has as _, any_of, array, moment, null, object, of_type, shared};

/// A conversation as an answer has it.
pub(crate) const CONVERSATION: &str = "Conversation";
/// A dead conversation as an answer has it.
pub(crate) const CONVERSATION_TOMBSTONE: &str = "ConversationTombstone";
/// A message as an answer has it.
pub(crate) const MESSAGE: &str = "Message";
/// A dead message as an answer has it.
pub(crate) const MESSAGE_TOMBSTONE: &str = "MessageTombstone";
/// A conversation as a post may have it.
pub(crate) const POSTED_CONVERSATION: &str = "PostedConversation";
const POSTED_MESSAGE: &str = "PostedMessage";

/// The Unix times of the years that there are: in seconds below 10^11 in magnitude, else in milliseconds.
const UNIX_TIME: (f64, f64) = (-62_135_596_800.0, 253_402_300_799_999.0);

const PARTS: [(&str, &str, &str, &[FieldInfo]); 3] = [
    (
        "request",
        "MessageRequest",
        "What was asked of the model.",
        MessageRequest::FIELDS,
    ),
    (
        "response",
        "MessageResponse",
        "What the model's service answered about itself.",
        MessageResponse::FIELDS,
    ),
    (
        "output",
        "MessageOutput",
        "What the model said.",
        MessageOutput::FIELDS,
    ),
];

/// Which way an item goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Posted,
    Answered,
}

/// The schemas of all items, by name.
pub(super) fn schemas() -> impl Iterator<Item = (String, RefOr<Schema>)> {
    let ways = [Way::Posted, Way::Answered].into_iter();
    let parts = ways.flat_map(|way| {
        PARTS.map(|(_, name, description, fields)| {
            let part = object(description);
            (way.name_of(name), way.with_fields(part, fields).into())
        })
    });
    parts.chain([
        (POSTED_CONVERSATION.to_owned(), posted_conversation().into()),
        (POSTED_MESSAGE.to_owned(), posted_message().into()),
        (
            CONVERSATION.to_owned(),
            conversation("A conversation.").into(),
        ),
        (MESSAGE.to_owned(), message().into()),
        (
            CONVERSATION_TOMBSTONE.to_owned(),
            tombstone("What stays of a conversation that was deleted.", "id").into(),
        ),
        (
            MESSAGE_TOMBSTONE.to_owned(),
            tombstone("What stays of a message that was deleted.", "message_id").into(),
        ),
    ])
}

/// The fields of a conversation as answers have it, without its messages.
pub(crate) fn conversation_alone(description: &str) -> ObjectBuilder {
    let conversation = object(description).has("id", id());
    Way::Answered.with_fields(conversation, Conversation::FIELDS)
}

fn conversation(description: &str) -> ObjectBuilder {
    let messages = any_of(
        "A message, or what stays of one.",
        [shared(MESSAGE).into(), shared(MESSAGE_TOMBSTONE).into()],
    );
    conversation_alone(description).has("messages", array("Messages of it.", messages))
}

fn message() -> ObjectBuilder {
    let message = object("A message.").has("message_id", id());
    let message = Way::Answered.with_fields(message, MessageFields::FIELDS);
    PARTS.iter().fold(message, |message, (field, name, ..)| {
        message.property(*field, shared(name))
    })
}

fn tombstone(description: &str, id_field: &str) -> ObjectBuilder {
    object(description)
        .has(id_field, id())
        .has("deleted_at", moment("The moment of the deletion."))
}

fn posted_conversation() -> ObjectBuilder {
    let conversation = object(
        "A conversation as a device has it. What is not sent stays as it is; null clears a field, where the post is newer.",
    );
    let conversation = conversation.has("id", id());
    let messages = array(
        "Messages of it; those that are not sent stay.",
        shared(POSTED_MESSAGE),
    )
    .schema_type(SchemaType::from_iter([Type::Array, Type::Null]));
    Way::Posted
        .with_fields(conversation, Conversation::FIELDS)
        .property("deleted_at", posted_deletion())
        .property("messages", messages)
}

fn posted_message() -> ObjectBuilder {
    let message = object("A message as a device has it.").has("message_id", id());
    let message = Way::Posted
        .with_fields(message, MessageFields::FIELDS)
        .property("deleted_at", posted_deletion());
    PARTS
        .iter()
        .fold(message, |message, (field, name, description, _)| {
            let part = shared(&Way::Posted.name_of(name)).into();
            message.property(*field, any_of(description, [part, null()]))
        })
}

/// The id of a conversation or a message.
pub(crate) fn id() -> ObjectBuilder {
    of_type(Type::String)
        .description(Some(
            "Chosen by the app. One in the form of a UUID comes back in lower case, any other as sent.",
        ))
        .min_length(Some(1))
        .max_length(Some(ID_MAX_CHARACTERS))
        .pattern(Some(NAME_PATTERN))
}

fn posted_deletion() -> ObjectBuilder {
    let description = "Deletes it as of this moment; fields beside it are not stored.";
    Way::Posted
        .schema_of(FieldKind::Timestamp)
        .description(Some(description))
}

impl Way {
    fn name_of(self, item: &str) -> String {
        match self {
            Self::Posted => format!("Posted{item}"),
            Self::Answered => item.to_owned(),
        }
    }

    /// The object with these fields and any others.
    fn with_fields(self, object: ObjectBuilder, fields: &[FieldInfo]) -> ObjectBuilder {
        let others = AdditionalProperties::FreeForm(true);
        let object = object.additional_properties(Some(others));
        fields.iter().fold(object, |object, field| {
            let schema = self
                .schema_of(field.kind)
                .description(Some(field.description));
            object.property(field.name, schema)
        })
    }

    fn schema_of(self, kind: FieldKind) -> ObjectBuilder {
        match (kind, self) {
            (FieldKind::Text, _) => self.one_of([Type::String]),
            (FieldKind::Integer, _) => within_64_bits(self.one_of([Type::Integer])),
            (FieldKind::Number, _) => self.one_of([Type::Number]),
            (FieldKind::PartId, _) => within_64_bits(self.one_of([Type::Integer, Type::String])),
            (FieldKind::Json, _) => of_type(SchemaType::AnyValue),
            (FieldKind::Boolean, Self::Answered) => self.one_of([Type::Boolean]),
            (FieldKind::Boolean, Self::Posted) => self
                .one_of([Type::Boolean, Type::Integer])
                .enum_values(Some([
                    true.into(),
                    false.into(),
                    0.into(),
                    1.into(),
                    Value::Null,
                ])),
            (FieldKind::Timestamp, Self::Answered) => {
                self.one_of([Type::String]).format(Some(DATE_TIME))
            }
            (FieldKind::Timestamp, Self::Posted) => self
                .one_of([Type::String, Type::Number])
                .format(Some(DATE_TIME))
                .minimum(Some(UNIX_TIME.0))
                .maximum(Some(UNIX_TIME.1)),
        }
    }

    /// One of these types, or null where that may be posted.
    fn one_of<const N: usize>(self, types: [Type; N]) -> ObjectBuilder {
        let null = (self == Self::Posted).then_some(Type::Null);
        let types: Vec<_> = types.into_iter().chain(null).collect();
        of_type(match types.as_slice() {
            [only] => SchemaType::Type(only.clone()),
            _ => SchemaType::Array(types),
        })
    }
}

fn within_64_bits(schema: ObjectBuilder) -> ObjectBuilder {
    schema.minimum(Some(i64::MIN)).maximum(Some(i64::MAX))
}
