//! Posts as texts, and what is read of them.

use std::sync::Arc;

use convosync_application::sync::{MessageText as _, Submission};
use convosync_domain::conversation::ConversationPatch;
use convosync_domain::fields::PartId;
use convosync_domain::json::JsonValue;
use convosync_domain::message::MessagePatch;
use convosync_domain::patch::Patch;
use convosync_domain::posted::PostedChange;
use convosync_domain::timestamp::Timestamp;

use super::*;
use crate::body::Body;
use crate::json::{Refusal, Violation};
use crate::settings::{Limits, UnknownFields};

mod unknown_fields;

const ID: &str = r#""id":"6518856d-63ae-5696-b190-8593ef95598b""#;
const MESSAGE_ID: &str = r#""message_id":"7518856d-63ae-5696-b190-8593ef95598b""#;

fn submission(body: &[u8], limits: Limits) -> Result<Submission<RawMessage>, Refusal> {
    Body::new(body.to_vec(), limits, 7)
        .and_then(|body| read_submission(&Arc::new(body), UnknownFields::Keep))
}

fn read(body: &str) -> Submission<RawMessage> {
    submission(body.as_bytes(), Limits::default())
        .unwrap_or_else(|refusal| panic!("{body}: {refusal:?}"))
}

fn shown(violations: &[Violation]) -> Vec<String> {
    violations
        .iter()
        .map(|violation| format!("{}: {}", violation.path(), violation.message()))
        .collect()
}

/// What is wrong with a post, messages included.
fn violations(body: impl AsRef<[u8]>) -> Vec<String> {
    match submission(body.as_ref(), Limits::default()) {
        Ok(submission) => submission
            .conversations
            .iter()
            .flat_map(|conversation| &conversation.messages)
            .filter_map(|message| message.text.read().err())
            .flat_map(|violations| shown(&violations))
            .collect(),
        Err(Refusal::Invalid(violations)) => shown(&violations),
        Err(other) => panic!("{other:?}"),
    }
}

/// A post of one conversation with these further fields.
fn conversation(fields: &str) -> String {
    format!("{{\"conversations\":[{{{ID}{fields}}}]}}")
}

/// A post of one message with these further fields.
fn message(fields: &str) -> String {
    conversation(&format!(",\"messages\":[{{{MESSAGE_ID}{fields}}}]"))
}

fn conversation_patch(fields: &str) -> ConversationPatch {
    match read(&conversation(fields)).conversations.remove(0).change {
        PostedChange::Fields { patch, .. } => patch,
        PostedChange::Deletion { .. } => panic!("a deletion"),
    }
}

fn message_patch(fields: &str) -> MessagePatch {
    match message_change(fields) {
        PostedChange::Fields { patch, .. } => patch,
        PostedChange::Deletion { .. } => panic!("a deletion"),
    }
}

fn message_change(fields: &str) -> PostedChange<MessagePatch> {
    let post = read(&message(fields));
    post.conversations[0].messages[0].text.read().unwrap()
}

fn json(text: &str) -> JsonValue {
    JsonValue::parse(text).unwrap()
}

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

#[test]
fn bodies_that_are_no_json() {
    for (body, expected) in [
        ("", "body: empty"),
        (" \n\t", "body: empty"),
        ("\u{feff}", "body: empty"),
        (
            "{",
            "body: not JSON: EOF while parsing an object at line 1 column 1",
        ),
        (
            "[",
            "body: not JSON: EOF while parsing a list at line 1 column 1",
        ),
        (
            "{'x':1}",
            "body: not JSON: key must be a string at line 1 column 2",
        ),
        ("'x'", "body: not JSON: expected value at line 1 column 1"),
        ("NaN", "body: not JSON: expected value at line 1 column 1"),
        ("// x", "body: not JSON: expected value at line 1 column 1"),
        (
            "{\"conversations\":[]}x",
            "body: trailing characters at line 1 column 21",
        ),
        (
            "{\"conversations\":[]}{}",
            "body: trailing characters at line 1 column 21",
        ),
        ("[] []", "body: trailing characters at line 1 column 4"),
        (
            "{\"conversations\":[],}",
            "body: not JSON: trailing comma at line 1 column 21",
        ),
    ] {
        assert_eq!(violations(body), [expected], "{body}");
    }
    for value in [
        "Infinity",
        "-Infinity",
        "1.",
        "01",
        "'x'",
        "[1,]",
        "1 /* */",
        "+1",
        ".5",
        "\"\t\"",
        "\"\\x\"",
    ] {
        for body in [
            format!("{{\"x\":{value}}}"),
            conversation(&format!(",\"x\":{value}")),
            message(&format!(",\"metadata\":{value}")),
            message(&format!(",\"output\":{{\"x\":{value}}}")),
        ] {
            let violations = violations(&body);
            assert!(
                violations.len() == 1 && violations[0].starts_with("body: not JSON: "),
                "{body} {violations:?}"
            );
        }
    }
}

#[test]
fn bodies_that_are_no_utf_8() {
    let utf_16: Vec<u8> = "{\"conversations\":[]}"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let big_endian: Vec<u8> = "{}".encode_utf16().flat_map(u16::to_be_bytes).collect();
    let marked = [b"\xff\xfe".as_slice(), &utf_16].concat();
    for body in [utf_16, big_endian, marked, b"\xfe\xff\0{\0}".to_vec()] {
        assert_eq!(violations(body), ["body: not UTF-8"]);
    }
    for bytes in [
        b"\xff".as_slice(),
        b"\xc0\xaf",
        b"\xed\xa0\xbd\xed\xb8\x80",
        b"\xf5\x80\x80\x80",
        b"\xe2\x82",
    ] {
        let body = [b"{\"x\":\"".as_slice(), bytes, b"\"}"].concat();
        assert_eq!(violations(body), ["body: not UTF-8 at byte 6"], "{bytes:?}");
    }
}

#[test]
fn a_byte_order_mark_is_dropped() {
    let body = format!("\u{feff} {}", conversation(",\"title\":5"));
    assert_eq!(
        violations(body),
        ["conversations[0].title: must be a string"]
    );
}

#[test]
fn documents_without_conversations() {
    for body in [
        "[]",
        "\"x\"",
        "null",
        "1",
        "true",
        "{}",
        "{\"Conversations\":[]}",
        "{\"conversations\":{}}",
        "{\"conversations\":null}",
        "{\"conversations\":\"[]\"}",
        "{\"conversations\":\"\\ud83d\"}",
        "{\"conversations\":1e999}",
        "1e999",
        "\"\\ud83d\"",
    ] {
        assert_eq!(
            violations(body),
            ["conversations: must be an array"],
            "{body}"
        );
    }
}

#[test]
fn shapes() {
    let long_key = "k".repeat(257);
    let many_keys: String = (0..1_001).map(|n| format!(",\"k{n}\":1")).collect();
    for (body, expected) in [
        (
            conversation(",\"messages\":{}"),
            "conversations[0].messages: must be an array",
        ),
        (
            conversation(",\"messages\":\"\\ud83d\""),
            "conversations[0].messages: must be an array",
        ),
        (
            conversation(",\"messages\":[null]"),
            "conversations[0].messages[0]: must be an object",
        ),
        (
            conversation(",\"messages\":[\"\\ud83d\"]"),
            "conversations[0].messages[0]: must be an object",
        ),
        (
            conversation(&format!(",\"messages\":[{{{MESSAGE_ID}}},[]]")),
            "conversations[0].messages[1]: must be an object",
        ),
        (
            conversation(",\"messages\":[{}]"),
            "conversations[0].messages[0].message_id: must be a UUID",
        ),
        (
            conversation(",\"messages\":[{\"message_id\":\"x\"}]"),
            "conversations[0].messages[0].message_id: must be a UUID",
        ),
        (
            message(",\"request\":[]"),
            "conversations[0].messages[0].request: must be an object or null",
        ),
        (
            message(",\"response\" : \"\\ud83d\""),
            "conversations[0].messages[0].response: must be an object or null",
        ),
        (
            message(",\"output\":1e999"),
            "conversations[0].messages[0].output: must be an object or null",
        ),
        (
            "{\"conversations\":[{}]}".into(),
            "conversations[0].id: must be a UUID",
        ),
        (
            "{\"conversations\":[{\"id\":5}]}".into(),
            "conversations[0].id: must be a UUID",
        ),
        (
            "{\"conversations\":[{\"id\":null}]}".into(),
            "conversations[0].id: must be a UUID",
        ),
        (
            conversation(&format!(",{ID}")),
            "conversations[0].id: duplicate key",
        ),
        (
            conversation(",\"t\":1,\"\\u0074\":2"),
            "conversations[0].t: duplicate key",
        ),
        (
            conversation(",\"title\":\"a\",\"title\":5"),
            "conversations[0].title: duplicate key",
        ),
        (
            conversation(",\"messages\":[],\"messages\":[]"),
            "conversations[0].messages: duplicate key",
        ),
        (
            "{\"conversations\":[],\"conversations\":[]}".into(),
            "conversations: duplicate key",
        ),
        (
            "{\"x\":1,\"conversations\":[],\"x\":1}".into(),
            "x: duplicate key",
        ),
        (
            "{\"x\":{\"a\":[{\"b\":1,\"b\":1}]},\"conversations\":[]}".into(),
            "x.a[0].b: duplicate key",
        ),
        (
            message(&format!(",{MESSAGE_ID}")),
            "conversations[0].messages[0].message_id: duplicate key",
        ),
        (
            message(",\"metadata\":{\"a\":1,\"a\":1}"),
            "conversations[0].messages[0].metadata.a: duplicate key",
        ),
        (
            message(",\"x\":[{\"a\":1,\"a\":1}]"),
            "conversations[0].messages[0].x[0].a: duplicate key",
        ),
        (
            message(",\"output\":{\"id\":1,\"id\":1}"),
            "conversations[0].messages[0].output.id: duplicate key",
        ),
        (
            message(",\"output\":{},\"output\":{}"),
            "conversations[0].messages[0].output: duplicate key",
        ),
        (
            conversation(&many_keys),
            "conversations[0]: more than 1,000 keys",
        ),
        (
            message(&format!(",\"output\":{{\"a\":1{many_keys}}}")),
            "conversations[0].messages[0].output: more than 1,000 keys",
        ),
        (
            format!("{{\"conversations\":[]{many_keys}}}"),
            "body: more than 1,000 keys",
        ),
        (
            conversation(&format!(",\"{long_key}\":1")),
            &format!(
                "conversations[0].{}: key longer than 256 bytes",
                "k".repeat(64)
            ),
        ),
        (
            conversation(",\"a\\u0000\":1"),
            "conversations[0]: contains U+0000",
        ),
        (
            message(",\"\\ud83d\":1"),
            "conversations[0].messages[0]: unpaired surrogate",
        ),
        (
            conversation(",\"a\\u001b\":\"\\u0000\""),
            "conversations[0].a\\u{1b}: contains U+0000",
        ),
        (
            message(&format!(
                ",\"metadata\":{}{}",
                "[".repeat(65),
                "]".repeat(65)
            )),
            "conversations[0].messages[0].metadata: nested deeper than 64",
        ),
    ] {
        assert_eq!(violations(&body), [expected], "{body}");
    }
}

#[test]
fn a_conversation_that_is_no_object() {
    for item in [
        "null",
        "1",
        "-1",
        "1.5",
        "\"x\"",
        "[]",
        "[[{}]]",
        "true",
        "1e999",
        "\"\\ud83d\"",
        "[1e999]",
    ] {
        let body = format!("{{\"conversations\":[{{{ID}}},{item}]}}");
        assert_eq!(
            violations(&body),
            ["conversations[1]: must be an object"],
            "{item}"
        );
    }
}

#[test]
fn every_bad_place_in_the_order_of_the_document() {
    let body = format!(
        r#"{{"a":1,"a":2,"conversations":[
            {{"messages":[{{"vote":2,"output":{{"output_type":1}}}},5,{{{MESSAGE_ID},"timestamp":""}}],"title":5}},
            null,
            {{{ID},"local_only":"no","messages":[{{{MESSAGE_ID},"metadata":{{"b":"\u0000"}},"request":[]}}],"updated_at":1}}
        ]}}"#
    );
    assert_eq!(
        violations(body),
        [
            "a: duplicate key",
            "conversations[0].id: must be a UUID",
            "conversations[0].messages[0].message_id: must be a UUID",
            "conversations[0].messages[0].vote: must be true, false, 0 or 1",
            "conversations[0].messages[0].output.output_type: must be a string",
            "conversations[0].messages[1]: must be an object",
            "conversations[0].messages[2].timestamp: not an RFC 3339 date-time",
            "conversations[0].title: must be a string",
            "conversations[1]: must be an object",
            "conversations[2].local_only: must be true, false, 0 or 1",
            "conversations[2].messages[0].metadata.b: contains U+0000",
            "conversations[2].messages[0].request: must be an object or null",
            "conversations[2].updated_at: not an RFC 3339 date-time",
        ]
    );
}

#[test]
fn a_hundred_faults_are_told() {
    let bad = vec![r#"{"title":1}"#; 100].join(",");
    let told = violations(format!("{{\"conversations\":[{bad}]}}"));
    assert_eq!(told.len(), 100);
    assert_eq!(told[0], "conversations[0].id: must be a UUID");
    assert_eq!(told[99], "conversations[49].title: must be a string");

    let messages = vec!["{}"; 150].join(",");
    let told = violations(conversation(&format!(
        ",\"messages\":[{messages}],\"title\":1"
    )));
    assert_eq!(told.len(), 100);
    assert_eq!(
        told[99],
        "conversations[0].messages[99].message_id: must be a UUID"
    );
}

#[test]
fn the_last_of_a_thousand_is_named() {
    let good = format!("{{{ID}}},").repeat(999);
    let body = format!("{{\"conversations\":[{good}{{{ID},\"title\":[]}}]}}");
    assert_eq!(
        violations(body),
        ["conversations[999].title: must be a string"]
    );
}

#[test]
fn a_million_open_brackets_are_passed_over() {
    let bomb = "[".repeat(1_000_000);
    let closed = format!("{bomb}{}", "]".repeat(1_000_000));
    for body in [
        bomb,
        closed.clone(),
        message(&format!(",\"metadata\":{closed}")),
    ] {
        assert_eq!(violations(&body).len(), 1);
    }
    assert_eq!(
        violations(format!("{{\"conversations\":[{closed}]}}")),
        ["conversations[0]: must be an object"]
    );
    assert_eq!(
        violations(format!("{{\"conversations\":[],\"x\":{closed}}}")),
        ["x: nested deeper than 64"]
    );
}

#[test]
fn limits_of_a_post() {
    let limits = Limits {
        conversations: 2,
        messages: 3,
        title_characters: 2,
        json_bytes: 10,
        ..Limits::default()
    };
    let two = format!("{{{MESSAGE_ID}}},{{{MESSAGE_ID}}}");
    let with = |count: usize, messages: &str| {
        let conversation = format!("{{{ID},\"messages\":[{messages}]}}");
        let body = format!(
            "{{\"conversations\":[{}]}}",
            vec![conversation; count].join(",")
        );
        submission(body.as_bytes(), limits).map(|post| post.conversations.len())
    };
    assert_eq!(with(2, ""), Ok(2));
    assert_eq!(with(1, &two), Ok(1));
    assert_eq!(with(3, ""), Err(Refusal::TooMany(2, "conversations")));
    assert_eq!(with(2, &two), Err(Refusal::TooMany(3, "messages")));

    let long = submission(conversation(",\"title\":\"😀😀😀\"").as_bytes(), limits);
    let Err(Refusal::Invalid(violations)) = long else {
        panic!("{long:?}");
    };
    assert_eq!(violations[0].message(), "longer than 2 characters");
    assert!(submission(conversation(",\"title\":\"😀😀\"").as_bytes(), limits).is_ok());

    let large = submission(conversation(",\"x\":\"123456789\"").as_bytes(), limits);
    let Err(Refusal::Invalid(violations)) = large else {
        panic!("{large:?}");
    };
    assert_eq!(violations[0].path(), "conversations[0].x");
    assert_eq!(violations[0].message(), "larger than 10 bytes");
}

#[test]
fn a_title_of_1024_characters_fits() {
    let title = |count| format!(",\"title\":\"{}\"", "😀".repeat(count));
    assert!(violations(conversation(&title(1_024))).is_empty());
    assert_eq!(
        violations(conversation(&title(1_025))),
        ["conversations[0].title: longer than 1,024 characters"]
    );
}

#[test]
fn fields_that_were_sent_null_and_not_sent() {
    let patch = conversation_patch(
        r#","title":null,"local_only":1,"updated_at":null,"deleted_at":null,"messages":null"#,
    );
    let expected = ConversationPatch {
        title: Patch::Null,
        local_only: Patch::Value(true),
        ..ConversationPatch::default()
    };
    assert_eq!(patch, expected);

    let patch = message_patch(
        r#","vote":null,"doc":null,"updated_at":null,"deleted_at":null,"request":null,"response":{},"output":{"id":"","output_type":null}"#,
    );
    let mut expected = MessagePatch {
        response: Some(Default::default()),
        output: Some(Default::default()),
        ..MessagePatch::default()
    };
    expected.fields.vote = Patch::Null;
    expected.fields.doc = Patch::Null;
    expected.output.as_mut().unwrap().output_type = Patch::Null;
    assert_eq!(patch, expected);
}

#[test]
fn an_updated_at_is_a_stamp_and_a_field() {
    let moment = at("2025-07-27T12:34:56Z");
    let post = read(&conversation(r#","updated_at":"2025-07-27T12:34:56Z""#));
    let change = &post.conversations[0].change;
    assert_eq!(change.updated_at(), Some(moment));
    assert!(
        matches!(change, PostedChange::Fields { patch, .. } if patch.updated_at == Patch::Value(moment))
    );

    let change = message_change(r#","updated_at":"2025-07-27T12:34:56Z""#);
    assert_eq!(change.updated_at(), Some(moment));
    assert!(
        matches!(change, PostedChange::Fields { patch, .. } if patch.fields.updated_at == Patch::Value(moment))
    );
}

#[test]
fn a_deletion_carries_no_content_but_is_checked() {
    let fields =
        r#","deleted_at":"2025-01-02T00:00:00Z","updated_at":"2025-01-01T00:00:00Z","x":1"#;
    let deletion = |deleted_at, updated_at| (at(deleted_at), Some(at(updated_at)));
    let expected = deletion("2025-01-02T00:00:00Z", "2025-01-01T00:00:00Z");

    let post = read(&conversation(&format!(
        "{fields},\"messages\":[{{{MESSAGE_ID}}}]"
    )));
    let deleted = &post.conversations[0];
    assert!(
        matches!(deleted.change, PostedChange::Deletion { deleted_at, updated_at } if (deleted_at, updated_at) == expected)
    );
    assert_eq!(deleted.messages.len(), 1);

    let change = message_change(fields);
    assert!(
        matches!(change, PostedChange::Deletion { deleted_at, updated_at } if (deleted_at, updated_at) == expected)
    );

    assert_eq!(
        violations(message(
            r#","deleted_at":"2025-01-02T00:00:00Z","vote":2,"output":1"#
        )),
        [
            "conversations[0].messages[0].vote: must be true, false, 0 or 1",
            "conversations[0].messages[0].output: must be an object or null",
        ]
    );
}

#[test]
fn unknown_fields_are_kept_where_they_were_sent() {
    let fields = r#","__proto__":{"a": 1.0},"":null,"visitor_id":"v","id":1,"deleted":12345678901234567890123"#;
    let message = message_patch(fields);
    let extra = [
        ("__proto__".to_owned(), Some(json(r#"{"a": 1.0}"#))),
        (String::new(), None),
        ("visitor_id".to_owned(), Some(json("\"v\""))),
        ("id".to_owned(), Some(json("1"))),
        ("deleted".to_owned(), Some(json("12345678901234567890123"))),
    ];
    assert_eq!(message.fields.extra, extra.into());

    let conversation = conversation_patch(r#","message_id":1,"vote":true,"k\u0065y":2"#);
    let keys: Vec<_> = conversation.extra.keys().map(String::as_str).collect();
    assert_eq!(keys, ["key", "message_id", "vote"]);

    let message = message_patch(r#","response":{"deleted_at":5,"updated_at":null,"model":"m"}"#);
    let response = message.response.unwrap();
    assert_eq!(response.model, Patch::Value("m".into()));
    let extra = [
        ("deleted_at".to_owned(), Some(json("5"))),
        ("updated_at".to_owned(), None),
    ];
    assert_eq!(response.extra, extra.into());
}

#[test]
fn every_part_is_read() {
    let patch = message_patch(
        r#","request":{"id":1,"top_k":4e1,"request_temperature":0.7,"request_stream":0,"request_stop":["\n"]},"response":{"created_at":"2025-01-01T00:00:00Z"},"output":{"id":"1","output_content_text":"Hello!"}"#,
    );
    let request = patch.request.unwrap();
    assert_eq!(request.id, Patch::Value(PartId::Number(1)));
    assert_eq!(request.top_k, Patch::Value(40));
    assert_eq!(request.request_temperature, Patch::Value(0.7));
    assert_eq!(request.request_stream, Patch::Value(false));
    assert_eq!(request.request_stop, Patch::Value(json(r#"["\n"]"#)));
    assert_eq!(
        patch.response.unwrap().created_at,
        Patch::Value(at("2025-01-01T00:00:00Z"))
    );
    let output = patch.output.unwrap();
    assert_eq!(output.id, Patch::Value(PartId::Text("1".into())));
    assert_eq!(output.output_content_text, Patch::Value("Hello!".into()));
}

#[test]
fn a_message_is_not_read_before_it_is_asked_for() {
    let post = read(&message(r#","timestamp":"yesterday""#));
    assert!(post.conversations[0].messages[0].text.read().is_err());
}

#[test]
fn a_message_id_may_stand_anywhere() {
    for fields in [
        r#""a":{"message_id":1},"b":[1,"]"],"message_id":"7518856D-63AE-5696-B190-8593EF95598B""#,
        r#" "messag\u0065_id" : "7518856d-63ae-5696-b190-8593ef95598b" , "x" : 1 "#,
    ] {
        let post = read(&conversation(&format!(",\"messages\":[{{{fields}}}]")));
        let message = &post.conversations[0].messages[0];
        assert_eq!(
            message.id.to_string(),
            "7518856d-63ae-5696-b190-8593ef95598b"
        );
        assert!(message.text.read().is_ok());
    }
}

#[test]
fn a_digest_is_that_of_the_text_and_the_seed() {
    let digest = |fields: &str, seed| {
        let body = message(fields).into_bytes();
        let body = Arc::new(Body::new(body, Limits::default(), seed).unwrap());
        let post = read_submission(&body, UnknownFields::Keep).unwrap();
        post.conversations[0].messages[0].digest
    };
    assert_eq!(digest("", 7), digest("", 7));
    assert_ne!(digest("", 7), digest("", 8));
    assert_ne!(digest(",\"a\":1", 7), digest(",\"a\": 1", 7));
    // What is beside the message does not matter, nor the white space around it.
    let spaced = conversation(&format!(
        ",\"title\":\"x\",\"messages\":[\n {{{MESSAGE_ID}}} ]"
    ));
    assert_eq!(
        read(&spaced).conversations[0].messages[0].digest,
        digest("", 7)
    );
}

#[test]
fn an_id_may_stand_twice_in_a_body() {
    let body = format!(
        "{{\"conversations\":[{{{ID},\"messages\":[{{{MESSAGE_ID}}},{{{MESSAGE_ID}}}]}},{{{ID}}}]}}"
    );
    let post = read(&body);
    assert_eq!(post.conversations.len(), 2);
    assert_eq!(post.conversations[0].messages.len(), 2);
}

#[test]
fn no_value_that_was_sent_is_in_a_fault() {
    for value in [
        "\"marker\"",
        "{\"a\":\"marker\",\"a\":1}",
        "[\"marker\\u0000\"]",
        "\"marker\\ud83d\"",
    ] {
        for name in [
            "id",
            "title",
            "created_at",
            "local_only",
            "deleted_at",
            "messages",
            "x",
        ] {
            let body = format!("{{\"conversations\":[{{\"{name}\":{value}}}]}}");
            assert!(!violations(&body).concat().contains("marker"), "{body}");
        }
        for name in ["message_id", "vote", "img", "metadata", "request"] {
            let body = conversation(&format!(",\"messages\":[{{\"{name}\":{value}}}]"));
            assert!(!violations(&body).concat().contains("marker"), "{body}");
        }
    }
}
