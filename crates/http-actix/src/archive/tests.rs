use convosync_domain::archive::{ArchivedConversation, ArchivedMessage};
use convosync_domain::conversation::Conversation;
use convosync_domain::identity::{ConversationId, MessageId};
use convosync_domain::json::JsonValue;
use convosync_domain::message::{Message, MessageFields, MessageRequest};
use convosync_domain::patch::Extra;
use convosync_domain::posted::Digest;
use convosync_domain::stored::{
    ConversationHistory, MessageHistory, StoredConversation, StoredMessage,
};
use convosync_domain::timestamp::Timestamp;

use super::*;

fn at(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros).unwrap()
}

fn line() -> ArchiveLine {
    let identity = VisitorIdentity::registered("ada").unwrap();
    let living = Message {
        fields: MessageFields {
            timestamp: Some(at(5)),
            metadata: Some(JsonValue::parse("[\r\n1.0000000000000000001]").unwrap()),
            ..MessageFields::default()
        },
        request: Some(MessageRequest {
            request_n: Some(3),
            extra: Extra::from([("sync".to_owned(), JsonValue::parse("{}").unwrap())]),
            ..MessageRequest::default()
        }),
        response: None,
        output: None,
    };
    let message = |id, history, content| ArchivedMessage {
        message: StoredMessage {
            id: MessageId::from_uuid(Uuid::from_u128(id)),
            history,
            digest: Some(Digest([id.to_be_bytes()[15]; 16])),
            content,
        },
        change_number: 2,
    };
    let dead = MessageHistory {
        deleted_at: Some(at(-1)),
        future_stamp: Some(at(9)),
        ..MessageHistory::default()
    };
    let stamped = MessageHistory {
        stamp: Some(at(7)),
        own_stamp: Some(at(6)),
        ..MessageHistory::default()
    };
    ArchiveLine {
        visitor: ArchivedVisitor {
            id: VisitorId::from(&identity),
            user_id: Some("ada".into()),
            registered_at: at(1),
            change_counter: 3,
            last_changed_at: None,
        },
        conversations: vec![
            ArchivedConversation {
                conversation: StoredConversation {
                    id: ConversationId::from_uuid(Uuid::from_u128(1)),
                    history: ConversationHistory {
                        stamp: Some(at(4)),
                        erased_through: Some(at(3)),
                        future_stamp: None,
                    },
                    content: Some(Conversation {
                        title: Some("x".repeat(1_100)),
                        ..Conversation::default()
                    }),
                },
                change_number: 1,
                messages: vec![
                    message(2, stamped, Some(Box::new(living))),
                    message(3, dead, None),
                ],
            },
            ArchivedConversation {
                conversation: StoredConversation {
                    id: ConversationId::from_uuid(Uuid::from_u128(9)),
                    history: ConversationHistory {
                        erased_through: Some(at(3)),
                        ..ConversationHistory::default()
                    },
                    content: None,
                },
                change_number: 3,
                messages: vec![message(2, MessageHistory::default(), None)],
            },
        ],
    }
}

#[test]
fn what_is_written_is_read() {
    let mut written = write_line(&line());
    assert_eq!(written.pop(), Some(b'\n'));
    assert!(!written.contains(&b'\n'));
    assert_eq!(read_line(written), Ok(Line::Items(line())));
    let mut changed = line();
    changed.visitor.last_changed_at = Some(at(8));
    assert_eq!(read_line(write_line(&changed)), Ok(Line::Items(changed)));
    assert_eq!(read_line(write_end(7)), Ok(Line::End { visitors: 7 }));
    for seed in [0, u64::MAX] {
        assert_eq!(read_header(&write_header(seed)), Ok(seed));
    }
}

/// Whoever reads archives elsewhere sees here what may not change without a new version.
#[test]
fn the_format_stays() {
    let mut line = line();
    line.conversations.truncate(1);
    line.conversations[0].conversation.content = Some(Conversation::default());
    let written = String::from_utf8(write_line(&line)).unwrap();
    insta::assert_snapshot!(written, @r#"{"conversations":[{"id":"00000000-0000-0000-0000-000000000001","messages":[{"message_id":"00000000-0000-0000-0000-000000000002","timestamp":"1970-01-01T00:00:00.000005Z","metadata":[  1.0000000000000000001],"request":{"request_n":3,"sync":{}}},{"message_id":"00000000-0000-0000-0000-000000000003","deleted_at":"1969-12-31T23:59:59.999999Z"}]}],"sync":{"visitor":{"id":"bf91b7ea-ecb1-81c3-9d07-a65e7c95a089","kind":"registered","user_id":"ada","registered_at":"1970-01-01T00:00:00.000001Z","change_counter":3},"conversations":[{"change_number":1,"stamp":"1970-01-01T00:00:00.000004Z","erased_through":"1970-01-01T00:00:00.000003Z","messages":[{"change_number":2,"stamp":"1970-01-01T00:00:00.000007Z","own_stamp":"1970-01-01T00:00:00.000006Z","digest":"02020202020202020202020202020202"},{"change_number":2,"future_stamp":"1970-01-01T00:00:00.000009Z","deleted_at":"1969-12-31T23:59:59.999999Z","digest":"03030303030303030303030303030303"}]}]}}"#);
    let header = String::from_utf8(write_header(7)).unwrap();
    insta::assert_snapshot!(header, @r#"{"convosync_archive":1,"digest_seed":"7"}"#);
    let end = String::from_utf8(write_end(3)).unwrap();
    insta::assert_snapshot!(end, @r#"{"convosync_archive_end":true,"visitors":3}"#);
}

#[test]
fn a_bad_line_is_refused_by_place() {
    let written = String::from_utf8(write_line(&line())).unwrap();
    let refused = |from: &str, to: &str| {
        assert!(written.contains(from), "{from}");
        let line = written.replacen(from, to, 1);
        read_line(line.into_bytes()).unwrap_err().to_string()
    };
    let mut refusals = Vec::new();
    for (from, to) in [
        ("{\"conversations\"", "\"conversations\""),
        ("\"sync\":{\"visitor\"", "\"other\":{\"visitor\""),
        ("\"request_n\":3", "\"request_n\":\"3\""),
        (
            "\"id\":\"00000000-0000-0000-0000-000000000009\"",
            "\"id\":\"\"",
        ),
        ("\"change_number\":3", "\"change_number\":4"),
        ("\"change_number\":3", "\"change_number\":0"),
        (
            "\"change_counter\":3",
            "\"change_counter\":18446744073709551615",
        ),
        ("\"change_counter\":3", "\"change_counter\":-1"),
        ("\"user_id\":\"ada\"", "\"user_id\":\"bob\""),
        ("\"user_id\":\"ada\",", ""),
        ("\"registered\"", "\"known\""),
        (
            "\"stamp\":\"1970-01-01T00:00:00.000004Z\"",
            "\"stamp\":\"1970-01-01T00:00:00.000003Z\"",
        ),
        ("\"digest\":\"0202", "\"digest\":\"+202"),
        ("\"stamp\":\"1970-01-01T00:00:00.000007Z\"", "\"stamp\":7"),
    ] {
        refusals.push(refused(from, to));
    }
    insta::assert_snapshot!(refusals.join("\n"), @r"
    body: trailing characters at line 1 column 16
    sync: is missing or not as it should be at column 2397
    conversations[0].messages[0].request.request_n: must be an integer
    conversations[1].id: must be a text of 1 to 128 characters without control characters
    conversations[1]: change_number must be 1 to the visitor's change_counter
    conversations[1]: change_number must be 1 to the visitor's change_counter
    sync: is missing or not as it should be at column 1837
    sync: is missing or not as it should be at column 1818
    sync.visitor.id: is not that of its user_id
    sync.visitor.user_id: registered visitors have one, and no others
    sync: is missing or not as it should be at column 1731
    conversations[0].deleted_at: must be there where sync makes the item dead, and only there
    sync: is missing or not as it should be at column 2095
    sync: is missing or not as it should be at column 1980
    ");
}

#[test]
fn a_header_of_something_else_is_refused() {
    for (header, complaint) in [
        ("", "this is not an archive of Convosync"),
        ("{}", "this is not an archive of Convosync"),
        (
            r#"{"convosync_archive":2,"digest_seed":"7"}"#,
            "the archive has version 2, and this program reads version 1",
        ),
        (
            r#"{"convosync_archive":1,"digest_seed":"-7"}"#,
            "digest_seed: must be a number of 64 bits",
        ),
    ] {
        let error = read_header(header.as_bytes()).unwrap_err();
        assert_eq!(error.to_string(), complaint);
    }
}
