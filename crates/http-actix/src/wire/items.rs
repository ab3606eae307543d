//! Conversations and messages as answers hold them: in the shape that a post takes.

use convosync_application::pull_changes::Pulled;
use convosync_domain::archive::ArchivedConversation;
use convosync_domain::feed::ChangedConversation;
use convosync_domain::fields::{FieldRef, PartId};
use convosync_domain::identity::ConversationId;
use convosync_domain::message::Message;
use convosync_domain::patch::Extra;
use convosync_domain::stored::{ConversationHistory, StoredConversation, StoredMessage};
use convosync_domain::timestamp::Timestamp;
use uuid::fmt::Hyphenated;

use super::json_writer::{ObjectWriter, push, push_array, push_plain, push_string};
use crate::settings::Version;

/// `{"conversations": ["…"]}`
pub(crate) fn write_ids(ids: &[ConversationId]) -> Vec<u8> {
    let mut out = Vec::with_capacity(32 + ids.len() * (Hyphenated::LENGTH + 3));
    let mut answer = ObjectWriter::new(&mut out);
    push_array(answer.key("conversations"), ids, |out, id| {
        let mut text = [0; Hyphenated::LENGTH];
        out.push(b'"');
        out.extend_from_slice(id.as_uuid().hyphenated().encode_lower(&mut text).as_bytes());
        out.push(b'"');
    });
    answer.end();
    out
}

/// `{"conversations": […], "cursor": "…", "has_more": …}`
pub(crate) fn write_changes(pulled: &Pulled) -> Vec<u8> {
    let mut out = Vec::with_capacity(4 << 10);
    let mut answer = ObjectWriter::new(&mut out);
    push_array(
        answer.key("conversations"),
        &pulled.page.conversations,
        push_conversation,
    );
    push_string(answer.key("cursor"), &pulled.cursor);
    push(answer.key("has_more"), &pulled.page.has_more);
    answer.end();
    out
}

fn push_conversation(out: &mut Vec<u8>, changed: &ChangedConversation) {
    let stored = &changed.conversation;
    let mut object = begin_conversation(out, stored);
    if stored.content.is_some() {
        push_array(object.key("messages"), &changed.messages, |out, message| {
            push_message(out, message, &stored.history);
        });
    }
    object.end();
}

/// A conversation as an archive has it: a dead one comes with its dead messages.
pub(super) fn push_archived(out: &mut Vec<u8>, archived: &ArchivedConversation) {
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
    push_plain(object.key("id"), stored.id);
    match &stored.content {
        None => push_deletion(&mut object, stored.history.erased_through),
        Some(conversation) => {
            push_fields(&mut object, conversation.fields(), &conversation.extra);
        }
    }
    object
}

fn push_message(out: &mut Vec<u8>, stored: &StoredMessage, conversation: &ConversationHistory) {
    let mut object = ObjectWriter::new(out);
    push_plain(object.key("message_id"), stored.id);
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
    name: &str,
    fields: impl Iterator<Item = (&'static str, FieldRef<'a>)>,
    extra: &Extra,
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
    extra: &Extra,
) {
    for (name, value) in fields {
        push_value(object.key(name), value);
    }
    for (name, value) in extra {
        object
            .key(name)
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

/// `{"version": "…", "commit": "…", "schema": "…"}`
pub(crate) fn write_version(version: &Version) -> Vec<u8> {
    let mut out = Vec::with_capacity(128);
    let mut answer = ObjectWriter::new(&mut out);
    push_string(answer.key("version"), &version.version);
    push_string(answer.key("commit"), &version.commit);
    push_string(answer.key("schema"), &version.schema);
    answer.end();
    out
}

#[cfg(test)]
mod tests {
    use convosync_application::sync::MessageText as _;
    use convosync_domain::conversation::Conversation;
    use convosync_domain::feed::{ChangesPage, FeedPosition};
    use convosync_domain::identity::MessageId;
    use convosync_domain::posted::PostedChange;
    use convosync_domain::stored::MessageHistory;
    use uuid::Uuid;

    use super::*;
    use crate::settings::{Limits, UnknownFields};

    fn at(micros: i64) -> Timestamp {
        Timestamp::from_micros(micros).unwrap()
    }

    fn written(changed: ChangedConversation) -> String {
        let next = FeedPosition {
            since: 1,
            dead_left_out_through: None,
            last: None,
        };
        let page = ChangesPage {
            conversations: vec![changed],
            next,
            has_more: true,
            change_counter: 1,
        };
        let cursor = "C".into();
        String::from_utf8(write_changes(&Pulled { page, cursor })).unwrap()
    }

    fn conversation(content: Option<Conversation>, erased: Option<i64>) -> StoredConversation {
        StoredConversation {
            id: ConversationId::from_uuid(Uuid::from_u128(0xA)),
            history: ConversationHistory {
                erased_through: erased.map(at),
                ..ConversationHistory::default()
            },
            content,
        }
    }

    fn message(content: Option<Message>, deleted_at: Option<i64>) -> StoredMessage {
        StoredMessage {
            id: MessageId::from_uuid(Uuid::from_u128(0xB)),
            history: MessageHistory {
                deleted_at: deleted_at.map(at),
                ..MessageHistory::default()
            },
            content: content.map(Box::new),
            digest: None,
        }
    }

    #[test]
    fn tombstones() {
        let dead = ChangedConversation {
            conversation: conversation(None, Some(1_500_000)),
            messages: vec![],
        };
        insta::assert_snapshot!(written(dead), @r#"{"conversations":[{"id":"00000000-0000-0000-0000-00000000000a","deleted_at":"1970-01-01T00:00:01.500Z"}],"cursor":"C","has_more":true}"#);

        let living = ChangedConversation {
            conversation: conversation(Some(Conversation::default()), Some(1_000_000)),
            messages: vec![message(None, None), message(None, Some(2_000_000))],
        };
        insta::assert_snapshot!(written(living), @r#"{"conversations":[{"id":"00000000-0000-0000-0000-00000000000a","messages":[{"message_id":"00000000-0000-0000-0000-00000000000b","deleted_at":"1970-01-01T00:00:01Z"},{"message_id":"00000000-0000-0000-0000-00000000000b","deleted_at":"1970-01-01T00:00:02Z"}]}],"cursor":"C","has_more":true}"#);
    }

    /// What was posted comes back equal, in the shape that a post takes: every kind of field, in
    /// each kind of object.
    #[test]
    fn what_is_written_was_posted() {
        let body = concat!(
            r#"{"conversations":[{"id":"00000000-0000-0000-0000-00000000000a","title":"\"é\n\u001b","#,
            r#""created_at":"2025-01-01T00:00:00.000001Z","local_only":false,"#,
            r#""a\"b":{ "n" : 12345678901234567890123 },"messages":[{"#,
            r#""message_id":"00000000-0000-0000-0000-00000000000b","timestamp":"2025-01-01T00:00:00Z","#,
            r#""vote":true,"metadata":0.1000000000000000055,"#,
            r#""request":{"id":-7,"request_temperature":0.7,"request_top_p":40.0,"request_n":9223372036854775807,"#,
            r#""request_stop":["\n"],"x":""},"#,
            r#""response":{},"output":{"id":"1"}}]}],"cursor":"C","has_more":true}"#,
        );
        let posted = super::super::body::Body::new(body.into(), Limits::default(), 0).unwrap();
        let mut posted =
            super::super::read_submission(&std::sync::Arc::new(posted), UnknownFields::Keep)
                .unwrap();
        let posted = posted.conversations.remove(0);
        let PostedChange::Fields { patch, .. } = posted.change else {
            panic!("a deletion");
        };
        let PostedChange::Fields {
            patch: of_message, ..
        } = posted.messages[0].text.read().unwrap()
        else {
            panic!("a deletion");
        };
        let changed = ChangedConversation {
            conversation: conversation(Some(Conversation::created_from(patch)), None),
            messages: vec![message(
                Some(Message::created_at_receipt(of_message, at(0))),
                None,
            )],
        };
        assert_eq!(written(changed), body);
    }
}
