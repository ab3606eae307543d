//! A page of changes as it is answered.

use convosync_application::pull_changes::Pulled;
use convosync_domain::feed::{ChangedConversation, ChangesPage};
use convosync_domain::stored::StoredMessage;

use crate::items::push_conversation;
use crate::json::{ObjectWriter, push, push_array, push_string};

/// `{"conversations": […], "cursor": "…", "has_more": …}`
pub(super) fn write_page(pulled: &Pulled) -> Vec<u8> {
    let mut out = Vec::new();
    push_whole_page(&mut out, pulled);
    out
}

/// Writes the same after something else.
pub(crate) fn push_whole_page(out: &mut Vec<u8>, pulled: &Pulled) {
    out.reserve(about_bytes(&pulled.page));
    let mut answer = ObjectWriter::new(out);
    push_page(&mut answer, &[], pulled);
    answer.end();
}

/// About how long the answer becomes: its content and, for each item, some names of fields.
fn about_bytes(page: &ChangesPage) -> usize {
    const NAMES: usize = 512;
    let conversations = page.conversations.iter().map(|changed| {
        let messages = changed.messages.iter().map(StoredMessage::content_bytes);
        let messages: usize = messages.map(|bytes| bytes + NAMES).sum();
        changed.conversation.content_bytes() + NAMES + messages
    });
    NAMES + conversations.sum::<usize>()
}

/// The fields of a page, with conversations that come before it.
pub(crate) fn push_page(
    answer: &mut ObjectWriter<'_>,
    first: &[ChangedConversation],
    pulled: &Pulled,
) {
    push_array(
        answer.key("conversations"),
        first.iter().chain(&pulled.page.conversations),
        push_conversation,
    );
    push_string(answer.key("cursor"), &pulled.cursor);
    push(answer.key("has_more"), &pulled.page.has_more);
}

#[cfg(test)]
mod tests {
    use convosync_application::byte_budget::ByteBudget;
    use convosync_application::sync::MessageText as _;
    use convosync_domain::conversation::Conversation;
    use convosync_domain::feed::{ChangedConversation, ChangesPage, FeedPosition};
    use convosync_domain::identity::{ConversationId, MessageId};
    use convosync_domain::message::Message;
    use convosync_domain::posted::PostedChange;
    use convosync_domain::stored::{
        ConversationHistory, MessageHistory, StoredConversation, StoredMessage,
    };
    use convosync_domain::timestamp::Timestamp;
    use uuid::Uuid;

    use super::*;
    use crate::json::Leniency;
    use crate::settings::Limits;

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
        let pulled = Pulled {
            page,
            cursor: "C".into(),
            memory: ByteBudget::new(0).reserve(),
        };
        String::from_utf8(write_page(&pulled)).unwrap()
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
        let posted = crate::body::Body::new(body.into(), Limits::default(), 0).unwrap();
        let mut posted =
            crate::items::read_submission(&std::sync::Arc::new(posted), Leniency::FULL).unwrap();
        let posted = posted.submission.conversations.remove(0);
        let PostedChange::Fields { patch, .. } = posted.change else {
            panic!("a deletion");
        };
        let PostedChange::Fields {
            patch: of_message, ..
        } = posted.messages[0].text.read().unwrap().change
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
