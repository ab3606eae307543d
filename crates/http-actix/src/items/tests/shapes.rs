//! What may stand where, and every place where something else does.

use super::*;

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
            "conversations[0].messages[0].message_id: must be a text of 1 to 128 characters without control characters",
        ),
        (
            conversation(",\"messages\":[{\"message_id\":\"\"}]"),
            "conversations[0].messages[0].message_id: must be a text of 1 to 128 characters without control characters",
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
            "conversations[0].id: must be a text of 1 to 128 characters without control characters",
        ),
        (
            "{\"conversations\":[{\"id\":5}]}".into(),
            "conversations[0].id: must be a text of 1 to 128 characters without control characters",
        ),
        (
            "{\"conversations\":[{\"id\":null}]}".into(),
            "conversations[0].id: must be a text of 1 to 128 characters without control characters",
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
            conversation(",\"a\\u001b\":5,\"a\\u001b\":5"),
            "conversations[0].a\\u{1b}: duplicate key",
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
            {{{ID},"local_only":"no","messages":[{{{MESSAGE_ID},"metadata":{{"b\u0000":1}},"request":[]}}],"updated_at":true}}
        ]}}"#
    );
    assert_eq!(
        violations(body),
        [
            "a: duplicate key",
            "conversations[0].id: must be a text of 1 to 128 characters without control characters",
            "conversations[0].messages[0].message_id: must be a text of 1 to 128 characters without control characters",
            "conversations[0].messages[0].vote: must be true, false, 0 or 1",
            "conversations[0].messages[0].output.output_type: must be a string",
            "conversations[0].messages[1]: must be an object",
            "conversations[0].messages[2].timestamp: not an RFC 3339 date-time or Unix time",
            "conversations[0].title: must be a string",
            "conversations[1]: must be an object",
            "conversations[2].local_only: must be true, false, 0 or 1",
            "conversations[2].messages[0].metadata: contains U+0000",
            "conversations[2].messages[0].request: must be an object or null",
            "conversations[2].updated_at: not an RFC 3339 date-time or Unix time",
        ]
    );
}

#[test]
fn a_hundred_violations_are_told() {
    let bad = vec![r#"{"title":1}"#; 100].join(",");
    let told = violations(format!("{{\"conversations\":[{bad}]}}"));
    assert_eq!(told.len(), 100);
    assert_eq!(
        told[0],
        "conversations[0].id: must be a text of 1 to 128 characters without control characters"
    );
    assert_eq!(told[99], "conversations[49].title: must be a string");

    let messages = vec!["{}"; 150].join(",");
    let told = violations(conversation(&format!(
        ",\"messages\":[{messages}],\"title\":1"
    )));
    assert_eq!(told.len(), 100);
    assert_eq!(
        told[99],
        "conversations[0].messages[99].message_id: must be a text of 1 to 128 characters without control characters"
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
fn no_value_that_was_sent_is_in_a_violation() {
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
