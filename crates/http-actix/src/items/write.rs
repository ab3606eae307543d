//! Conversations and messages as answers hold them: in the shape that a post takes.

use convosync_domain::archive::ArchivedConversation;
use convosync_domain::feed::ChangedConversation;
use convosync_domain::fields::{FieldRef, PartId};
use convosync_domain::json::JsonValue;
use convosync_domain::message::Message;
use convosync_domain::patch::Extra;
use convosync_domain::stored::{ConversationHistory, StoredConversation, StoredMessage};
use convosync_domain::timestamp::Timestamp;

use crate::json::{ObjectWriter, push, push_array, push_id, push_plain, push_string};

/// A conversation with messages of it, as a pull shows it.
pub(crate) fn push_conversation(out: &mut Vec<u8>, changed: &ChangedConversation) {
    let stored = &changed.conversation;
    let mut object = begin_conversation(out, stored);
    if stored.content.is_some() {
        push_array(object.key("messages"), &changed.messages, |out, message| {
            push_message(out, message, &stored.history);
        });
    }
    object.end();
}

/// The fields of a living conversation itself, `id` first, but for fields of these names: an app may have made them
/// up, and the answer says something else by them.
pub(crate) fn push_own_fields(
    object: &mut ObjectWriter<'_>,
    stored: &StoredConversation,
    but: &[&str],
) {
    push_id(
        object.key("id"),
        stored.id.key().as_uuid(),
        stored.id.opaque(),
    );
    if let Some(conversation) = &stored.content {
        let extra = conversation.extra.iter();
        let extra = extra.filter(|(name, _)| !but.contains(&name.as_str()));
        push_fields(object, conversation.fields(), extra);
    }
}

/// A conversation as an archive has it: a dead one comes with its dead messages.
pub(crate) fn push_archived(out: &mut Vec<u8>, archived: &ArchivedConversation) {
    let stored = &archived.conversation;
    let mut object = begin_conversation(out, stored);
    push_array(
        object.key("messages"),
        &archived.messages,
        |out, archived| {
            push_message(out, &archived.message, &stored.history);
        },
    );
    object.end();
}

fn begin_conversation<'a>(out: &'a mut Vec<u8>, stored: &StoredConversation) -> ObjectWriter<'a> {
    let mut object = ObjectWriter::new(out);
    push_own_fields(&mut object, stored, &[]);
    if stored.content.is_none() {
        push_deletion(&mut object, stored.history.erased_through);
    }
    object
}

/// A message of a conversation with this history, as a pull shows it.
pub(crate) fn push_message(
    out: &mut Vec<u8>,
    stored: &StoredMessage,
    conversation: &ConversationHistory,
) {
    let mut object = ObjectWriter::new(out);
    push_id(
        object.key("message_id"),
        stored.id.key().as_uuid(),
        stored.id.opaque(),
    );
    match &stored.content {
        None => {
            let deleted_at = stored.history.deleted_at.or(conversation.erased_through);
            push_deletion(&mut object, deleted_at);
        }
        Some(message) => push_content(&mut object, message),
    }
    object.end();
}

fn push_content(object: &mut ObjectWriter<'_>, message: &Message) {
    let Message {
        fields,
        request,
        response,
        output,
    } = message;
    push_fields(object, fields.fields(), &fields.extra);
    if let Some(part) = request {
        push_part(object, "request", part.fields(), &part.extra);
    }
    if let Some(part) = response {
        push_part(object, "response", part.fields(), &part.extra);
    }
    if let Some(part) = output {
        push_part(object, "output", part.fields(), &part.extra);
    }
}

fn push_part<'a>(
    object: &mut ObjectWriter<'_>,
    name: &'static str,
    fields: impl Iterator<Item = (&'static str, FieldRef<'a>)>,
    extra: &'a Extra,
) {
    let mut part = ObjectWriter::new(object.key(name));
    push_fields(&mut part, fields, extra);
    part.end();
}

fn push_deletion(object: &mut ObjectWriter<'_>, deleted_at: Option<Timestamp>) {
    if let Some(moment) = deleted_at {
        push_plain(object.key("deleted_at"), moment);
    }
}

fn push_fields<'a>(
    object: &mut ObjectWriter<'_>,
    fields: impl Iterator<Item = (&'static str, FieldRef<'a>)>,
    extra: impl IntoIterator<Item = (&'a String, &'a JsonValue)>,
) {
    for (name, value) in fields {
        push_value(object.key(name), value);
    }
    for (name, value) in extra {
        object
            .any_key(name)
            .extend_from_slice(value.as_str().as_bytes());
    }
}

fn push_value(out: &mut Vec<u8>, value: FieldRef<'_>) {
    match value {
        FieldRef::Text(text) => push_string(out, text),
        FieldRef::Integer(number) => push(out, &number),
        FieldRef::Number(number) => push(out, &number),
        FieldRef::Boolean(truth) => push(out, &truth),
        FieldRef::Timestamp(moment) => push_plain(out, moment),
        FieldRef::Json(json) => out.extend_from_slice(json.as_str().as_bytes()),
        FieldRef::PartId(PartId::Number(number)) => push(out, number),
        FieldRef::PartId(PartId::Text(text)) => push_string(out, text),
    }
}
