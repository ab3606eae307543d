//! Posts whose unknown fields are refused.

use super::*;

/// What is wrong with a post, by one reading of all of it.
fn strict_violations(body: &str) -> Vec<String> {
    violations_at_once(body, Leniency::with(UnknownFields::Reject))
}

#[test]
fn every_known_field_is_taken() {
    let body = conversation(&format!(
        r#","title":"T","created_at":"2025-01-01T00:00:00Z","updated_at":null,"local_only":1,"deleted_at":null,
        "messages":[{{{MESSAGE_ID},"timestamp":"2025-01-01T00:00:00Z","vote":null,"img":"","metadata":{{"any":1}},
        "embedding":[1],"doc":{{"a":{{"b":2}}}},"updated_at":null,"deleted_at":null,
        "request":{{"id":1,"request_stop":{{"x":1}}}},"response":{{"metadata":{{"x":1}}}},"output":null}}]"#
    ));
    assert_eq!(strict_violations(&body), [""; 0]);
    let body = "{\"conversations\":[],\"device\":{\"x\":1}}";
    assert_eq!(strict_violations(body), [""; 0]);
}

#[test]
fn an_unknown_field_is_a_violation_wherever_it_is_and_whatever_its_value() {
    for value in [
        "1",
        "null",
        "{\"a\":1,\"a\":1}",
        "\"\\u0000\"",
        "1e999",
        "[[]]",
    ] {
        let unknown = format!(",\"foo\":{value}");
        for (body, place) in [
            (conversation(&unknown), ""),
            (message(&unknown), ".messages[0]"),
            (
                message(&format!(",\"request\":{{\"id\":1{unknown}}}")),
                ".messages[0].request",
            ),
            (
                message(&format!(",\"response\":{{\"id\":1{unknown}}}")),
                ".messages[0].response",
            ),
            (
                message(&format!(",\"output\":{{\"id\":1{unknown}}}")),
                ".messages[0].output",
            ),
        ] {
            let expected = format!("conversations[0]{place}.foo: unknown field");
            assert_eq!(strict_violations(&body), [expected], "{body}");
        }
    }
}

#[test]
fn names_that_are_known_elsewhere_are_unknown() {
    let body = conversation(&format!(
        r#","message_id":1,"Title":"T","":1,"messages":[{{{MESSAGE_ID},"id":1,"title":"T",
        "output":{{"updated_at":null,"deleted_at":null,"message_id":1}}}}]"#
    ));
    assert_eq!(
        strict_violations(&body),
        [
            "conversations[0].message_id: unknown field",
            "conversations[0].Title: unknown field",
            "conversations[0]: unknown field",
            "conversations[0].messages[0].id: unknown field",
            "conversations[0].messages[0].title: unknown field",
            "conversations[0].messages[0].output.updated_at: unknown field",
            "conversations[0].messages[0].output.deleted_at: unknown field",
            "conversations[0].messages[0].output.message_id: unknown field",
        ]
    );
}

#[test]
fn a_deletion_carries_no_unknown_field_either() {
    let fields = r#","deleted_at":"2025-01-02T00:00:00Z","foo":1"#;
    assert_eq!(
        strict_violations(&message(fields)),
        ["conversations[0].messages[0].foo: unknown field"]
    );
    assert_eq!(
        strict_violations(&conversation(fields)),
        ["conversations[0].foo: unknown field"]
    );
}

#[test]
fn unknown_fields_stand_among_the_other_violations_in_the_order_of_the_document() {
    let body = format!(
        r#"{{"conversations":[
            {{{ID},"messages":[{{{MESSAGE_ID},"a":1,"vote":2,"request":{{"b":1}}}},5,{{"c":1}}],"d":1,"title":5}},
            {{{ID},"e":1,"messages":[{{{MESSAGE_ID},"f":1}}],"e":1,"g":1}}
        ]}}"#
    );
    assert_eq!(
        strict_violations(&body),
        [
            "conversations[0].messages[0].a: unknown field",
            "conversations[0].messages[0].vote: must be true, false, 0 or 1",
            "conversations[0].messages[0].request.b: unknown field",
            "conversations[0].messages[1]: must be an object",
            "conversations[0].messages[2].message_id: must be a text of 1 to 128 characters without control characters",
            "conversations[0].messages[2].c: unknown field",
            "conversations[0].d: unknown field",
            "conversations[0].title: must be a string",
            "conversations[1].e: unknown field",
            "conversations[1].messages[0].f: unknown field",
            "conversations[1].e: duplicate key",
            "conversations[1].g: unknown field",
        ]
    );
}

#[test]
fn every_message_is_read_at_once_and_a_hundred_violations_are_told() {
    let bad = format!("{{{MESSAGE_ID},\"timestamp\":true}}");
    let told = strict_violations(&conversation(&format!(",\"messages\":[{bad}]")));
    assert_eq!(
        told,
        ["conversations[0].messages[0].timestamp: not an RFC 3339 date-time or Unix time"]
    );

    let unknown = format!("{{{MESSAGE_ID},\"foo\":1}}");
    let many = vec![unknown; 150].join(",");
    let told = strict_violations(&conversation(&format!(",\"x\":1,\"messages\":[{many}]")));
    assert_eq!(told.len(), 100);
    assert_eq!(told[0], "conversations[0].x: unknown field");
    assert_eq!(told[99], "conversations[0].messages[98].foo: unknown field");
}
