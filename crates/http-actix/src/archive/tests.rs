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
use convosync_domain::tombstone::{VisitorGone, VisitorTombstone};

use super::*;

fn at(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros).unwrap()
}

fn items() -> VisitorItems {
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
    VisitorItems {
        visitor: ArchivedVisitor {
            id: VisitorId::from(&identity),
            user_id: Some("ada".into()),
            registered_at: at(1),
            change_counter: 3,
            last_changed_at: Some(at(8)),
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

fn line() -> ArchiveLine {
    ArchiveLine::Items(items())
}

fn tombstone(gone: VisitorGone) -> ArchiveLine {
    ArchiveLine::Tombstone(VisitorTombstone {
        id: VisitorId::from_uuid(Uuid::from_u128(6)),
        gone,
        at: at(2),
    })
}

fn merged() -> ArchiveLine {
    let into = VisitorId::from_uuid(Uuid::from_u128(7));
    tombstone(VisitorGone::Merged { into })
}

const COUNTS: ArchiveCounts = ArchiveCounts {
    visitors: 3,
    tombstones: 4,
};

#[test]
fn what_is_written_is_read() {
    for line in [line(), tombstone(VisitorGone::Erased), merged()] {
        let mut written = write_line(&line);
        assert_eq!(written.pop(), Some(b'\n'));
        assert!(!written.contains(&b'\n'));
        assert_eq!(read_line(written), Ok(Line::Archived(line)));
    }
    assert_eq!(read_line(write_end(COUNTS)), Ok(Line::End(COUNTS)));
    for digest_seed in [0, u64::MAX] {
        let header = read_header(&write_header(digest_seed)).unwrap();
        assert_eq!(header.digest_seed, digest_seed);
        assert!(header.is_current());
    }
}

/// The lines of an earlier version of this program.
#[test]
fn version_1_is_read() {
    let header = read_header(br#"{"convosync_archive":1,"digest_seed":"7"}"#).unwrap();
    assert_eq!((header.digest_seed, header.is_current()), (7, false));
    let mut expected = items();
    expected.visitor.last_changed_at = None;
    let written = String::from_utf8(write_line(&line())).unwrap();
    let last = r#","last_changed_at":"1970-01-01T00:00:00.000008Z""#;
    assert!(written.contains(last), "{written}");
    let read = read_line(written.replace(last, "").into_bytes());
    assert_eq!(read, Ok(Line::Archived(ArchiveLine::Items(expected))));
    let end = br#"{"convosync_archive_end":true,"visitors":7}"#;
    let counts = ArchiveCounts {
        visitors: 7,
        tombstones: 0,
    };
    assert_eq!(read_line(end.to_vec()), Ok(Line::End(counts)));
}

/// Whoever reads archives elsewhere sees here what may not change without a new version.
#[test]
fn the_format_stays() {
    let mut items = items();
    items.conversations.truncate(1);
    items.conversations[0].conversation.content = Some(Conversation::default());
    let written = String::from_utf8(write_line(&ArchiveLine::Items(items))).unwrap();
    insta::assert_snapshot!(written, @r#"{"conversations":[{"id":"00000000-0000-0000-0000-000000000001","messages":[{"message_id":"00000000-0000-0000-0000-000000000002","timestamp":"1970-01-01T00:00:00.000005Z","metadata":[  1.0000000000000000001],"request":{"request_n":3,"sync":{}}},{"message_id":"00000000-0000-0000-0000-000000000003","deleted_at":"1969-12-31T23:59:59.999999Z"}]}],"sync":{"visitor":{"id":"bf91b7ea-ecb1-81c3-9d07-a65e7c95a089","kind":"registered","user_id":"ada","registered_at":"1970-01-01T00:00:00.000001Z","change_counter":3,"last_changed_at":"1970-01-01T00:00:00.000008Z"},"conversations":[{"change_number":1,"stamp":"1970-01-01T00:00:00.000004Z","erased_through":"1970-01-01T00:00:00.000003Z","messages":[{"change_number":2,"stamp":"1970-01-01T00:00:00.000007Z","own_stamp":"1970-01-01T00:00:00.000006Z","digest":"02020202020202020202020202020202"},{"change_number":2,"future_stamp":"1970-01-01T00:00:00.000009Z","deleted_at":"1969-12-31T23:59:59.999999Z","digest":"03030303030303030303030303030303"}]}]}}"#);
    let header = String::from_utf8(write_header(7)).unwrap();
    insta::assert_snapshot!(header, @r#"{"convosync_archive":2,"digest_seed":"7"}"#);
    let end = String::from_utf8(write_end(COUNTS)).unwrap();
    insta::assert_snapshot!(end, @r#"{"convosync_archive_end":true,"visitors":3,"tombstones":4}"#);
    let erased = write_line(&tombstone(VisitorGone::Erased));
    insta::assert_snapshot!(String::from_utf8(erased).unwrap(), @r#"{"convosync_tombstone":{"id":"00000000-0000-0000-0000-000000000006","gone_at":"1970-01-01T00:00:00.000002Z"}}"#);
    let merged = write_line(&merged());
    insta::assert_snapshot!(String::from_utf8(merged).unwrap(), @r#"{"convosync_tombstone":{"id":"00000000-0000-0000-0000-000000000006","gone_at":"1970-01-01T00:00:00.000002Z","merged_into":"00000000-0000-0000-0000-000000000007"}}"#);
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
    sync: is missing or not as it should be at column 2445
    conversations[0].messages[0].request.request_n: must be an integer
    conversations[1].id: must be a text of 1 to 128 characters without control characters
    conversations[1]: change_number must be 1 to the visitor's change_counter
    conversations[1]: change_number must be 1 to the visitor's change_counter
    sync: is missing or not as it should be at column 1836
    sync: is missing or not as it should be at column 1818
    sync.visitor.id: is not that of its user_id
    sync.visitor.user_id: registered visitors have one, and no others
    sync: is missing or not as it should be at column 1731
    conversations[0].deleted_at: must be there where sync makes the item dead, and only there
    sync: is missing or not as it should be at column 2143
    sync: is missing or not as it should be at column 2028
    ");
}

#[test]
fn a_bad_line_of_one_who_is_gone_is_refused() {
    let written = String::from_utf8(write_line(&merged())).unwrap();
    for (from, to) in [
        ("\"gone_at\"", "\"at\""),
        ("\"id\":\"0", "\"id\":\"x"),
        ("merged_into", "into"),
        ("}}", "},\"x\":1}"),
    ] {
        assert!(written.contains(from), "{from}");
        let error = read_line(written.replacen(from, to, 1).into_bytes()).unwrap_err();
        let expected = "convosync_tombstone: is not as it should be at column ";
        assert!(error.to_string().starts_with(expected), "{error}");
    }
}

#[test]
fn a_header_of_something_else_is_refused() {
    for (header, complaint) in [
        ("", "this is not an archive of Convosync"),
        ("{}", "this is not an archive of Convosync"),
        (
            r#"{"convosync_archive":3,"digest_seed":"7"}"#,
            "the archive has version 3, and this program reads versions 1 to 2",
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
