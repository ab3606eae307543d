//! JSON that is not in the shape of a post.

use insta::assert_snapshot;
use serde_json::json;

use super::{ID, MARKER, MESSAGE_ID, Request, Visitor, conversation, message};

#[test]
fn a_document_without_conversations() {
    let visitor = Visitor::new();
    let answer = visitor.refusal(&Request::post("{}"));
    assert_snapshot!(answer.shown(), @r#"400 {"error":"Invalid conversations format","code":"invalid_conversations","details":[{"path":"conversations","message":"must be an array"}]}"#);
    for body in [
        "[]",
        "\"m4rker\"",
        "null",
        "1",
        "true",
        "1e999",
        r#"{"Conversations":[]}"#,
        r#"{"conversations":{}}"#,
        r#"{"conversations":null}"#,
        r#"{"conversations":"[]"}"#,
        r#"{"conversations":1}"#,
        r#"[{"conversations":[]}]"#,
    ] {
        assert_eq!(visitor.violations(body), "conversations: must be an array");
    }
}

#[test]
fn no_conversation_is_no_violation_of_a_known_visitor() {
    let visitor = Visitor::new();
    let body = r#"{"conversations":[]}"#;
    let answer = visitor.expect_taken(&Request::post(body));
    assert_snapshot!(answer, @r#"{"created":0,"message":"0 conversations created, 0 updated. 0 messages created, 0 updated.","messages_created":0,"messages_updated":0,"updated":0}"#);

    let mut unknown = Request::post(body);
    unknown.target = "/api/sync-conversations/?user_id=nobody".into();
    let answer = visitor.refusal(&unknown);
    assert_snapshot!(answer.shown(), @r#"404 {"error":"Visitor not found","code":"visitor_not_found"}"#);
}

#[test]
fn items_that_are_no_objects() {
    let visitor = Visitor::new();
    for item in ["null", "1", "\"m4rker\"", "[]", "true", "1e999", "[{}]"] {
        let bad = format!("{{\"conversations\":[{item}]}}");
        assert_eq!(
            visitor.violations(bad),
            "conversations[0]: must be an object",
            "{item}"
        );
        let bad = conversation(&format!(",\"messages\":[{{{MESSAGE_ID}}},{item}]"));
        assert_eq!(
            visitor.violations(bad),
            "conversations[0].messages[1]: must be an object",
            "{item}"
        );
    }
    for messages in ["{}", "\"m4rker\"", "1", "false"] {
        assert_eq!(
            visitor.violations(conversation(&format!(",\"messages\":{messages}"))),
            "conversations[0].messages: must be an array",
            "{messages}"
        );
    }
    for part in ["request", "response", "output"] {
        for value in ["[]", "\"m4rker\"", "1", "true"] {
            assert_eq!(
                visitor.violations(message(&format!(",\"{part}\":{value}"))),
                format!("conversations[0].messages[0].{part}: must be an object or null"),
                "{value}"
            );
        }
    }
}

#[test]
fn nulls_that_are_as_not_sent() {
    let visitor = Visitor::new();
    visitor.expect_taken(&Request::post(conversation(",\"messages\":null")));
    let parts = ",\"request\":null,\"response\":null,\"output\":null";
    visitor.expect_taken(&Request::post(message(parts)));
}

#[test]
fn one_bad_conversation_of_a_thousand() {
    let visitor = Visitor::new();
    let good: String = (0..999)
        .map(|number| format!("{{\"id\":\"00000000-0000-4000-8000-{number:012}\"}},"))
        .collect();
    let body = format!("{{\"conversations\":[{good}{{{ID},\"title\":5}}]}}");
    assert_eq!(
        visitor.violations(body),
        "conversations[999].title: must be a string"
    );
}

#[test]
fn every_bad_place_is_told_in_the_order_of_the_document() {
    let visitor = Visitor::new();
    let body = format!(
        r#"{{"conversations":[
            {{{ID},"messages":[{{{MESSAGE_ID},"vote":"m4rker"}}],"title":5}},
            null
        ]}}"#
    );
    let answer = visitor.refusal(&Request::post(body));
    assert_snapshot!(answer.shown(), @r#"400 {"error":"Invalid conversations format","code":"invalid_conversations","details":[{"path":"conversations[0].messages[0].vote","message":"must be true, false, 0 or 1"},{"path":"conversations[0].title","message":"must be a string"},{"path":"conversations[1]","message":"must be an object"}]}"#);

    let bad = vec!["null"; 150].join(",");
    let violations = visitor.violations(format!("{{\"conversations\":[{bad}]}}"));
    assert_eq!(violations.lines().count(), 100);
    assert!(violations.ends_with("\nconversations[99]: must be an object"));

    let bad = vec!["{}"; 150].join(",");
    let violations = visitor.violations(conversation(&format!(",\"messages\":[{bad}]")));
    assert_eq!(violations.lines().count(), 100);
    assert!(violations.ends_with("\nconversations[0].messages[99].message_id: must be a text of 1 to 128 characters without control characters"));
}

#[test]
fn a_key_that_stands_twice() {
    let visitor = Visitor::new();
    let of_message = "conversations[0].messages[0]";
    for (body, path) in [
        (
            r#"{"conversations":[],"conversations":[]}"#.into(),
            "conversations".into(),
        ),
        (r#"{"x":1,"conversations":[],"x":1}"#.into(), "x".into()),
        (
            conversation(&format!(",{ID}")),
            "conversations[0].id".into(),
        ),
        (
            conversation(r#","t":"m4rker","\u0074":2"#),
            "conversations[0].t".into(),
        ),
        (
            conversation(r#","title":null,"title":"m4rker""#),
            "conversations[0].title".into(),
        ),
        (
            message(&format!(",{MESSAGE_ID}")),
            format!("{of_message}.message_id"),
        ),
        (
            message(r#","metadata":{"a":1,"a":1}"#),
            format!("{of_message}.metadata.a"),
        ),
        (
            message(r#","metadata":[{"b":{"a":1,"a":2}}]"#),
            format!("{of_message}.metadata[0].b.a"),
        ),
        (
            message(r#","x":{"a":1,"a":1}"#),
            format!("{of_message}.x.a"),
        ),
        (
            message(r#","output":{"id":1,"id":1}"#),
            format!("{of_message}.output.id"),
        ),
        (
            message(r#","response":{"tools":[{"a":1,"a":1}]}"#),
            format!("{of_message}.response.tools[0].a"),
        ),
    ] {
        assert_eq!(
            visitor.violations(&*body),
            format!("{path}: duplicate key"),
            "{body}"
        );
    }
}

#[test]
fn an_id_may_stand_twice_in_a_post() {
    let visitor = Visitor::new();
    let body = format!(
        "{{\"conversations\":[{{{ID},\"messages\":[{{{MESSAGE_ID}}},{{{MESSAGE_ID},\"img\":\"i\"}}]}},{{{ID},\"title\":\"second\"}}]}}"
    );
    let answer = visitor.expect_taken(&Request::post(body));
    let counts = json!([
        answer["created"],
        answer["updated"],
        answer["messages_created"],
        answer["messages_updated"]
    ]);
    assert_eq!(counts, json!([1, 1, 1, 1]));
    let page = visitor.api.page(None, 500);
    let stored = page["conversations"].as_array().unwrap();
    let stored = stored
        .iter()
        .find(|item| item["title"] == "second")
        .unwrap();
    assert_eq!(stored["messages"][0]["img"], "i");
}

#[test]
fn more_items_than_a_post_may_hold() {
    let visitor = Visitor::new();
    let many = vec![format!("{{{ID}}}"); 10_001].join(",");
    let answer = visitor.refusal(&Request::post(format!("{{\"conversations\":[{many}]}}")));
    assert_snapshot!(answer.shown(), @r#"413 {"error":"More than 10,000 conversations in one request","code":"too_many_items"}"#);

    let half = vec![format!("{{{MESSAGE_ID}}}"); 50_001].join(",");
    let item = format!("{{{ID},\"messages\":[{half}]}}");
    let answer = visitor.refusal(&Request::post(format!(
        "{{\"conversations\":[{item},{item}]}}"
    )));
    assert_snapshot!(answer.shown(), @r#"413 {"error":"More than 100,000 messages in one request","code":"too_many_items"}"#);
}

#[test]
fn values_nested_too_deep() {
    let visitor = Visitor::new();
    let nested =
        |open: &str, close: &str, depth| format!("{}1{}", open.repeat(depth), close.repeat(depth));
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        for (place, path) in [("metadata", "metadata"), ("unknown", "unknown")] {
            let at = |depth| message(&format!(",\"{place}\":{}", nested(open, close, depth)));
            visitor.expect_taken(&Request::post(at(64)));
            assert_eq!(
                visitor.violations(at(65)),
                format!("conversations[0].messages[0].{path}: nested deeper than 64")
            );
        }
    }
}

#[test]
fn keys_that_no_object_may_have() {
    let visitor = Visitor::new();
    let many: String = (0..10_000)
        .map(|number| format!(",\"k{number}\":1"))
        .collect();
    let long = "k".repeat(257);
    let shown = "k".repeat(64);
    for (body, expected) in [
        (
            conversation(&many),
            "conversations[0]: more than 1,000 keys",
        ),
        (
            message(&many),
            "conversations[0].messages[0]: more than 1,000 keys",
        ),
        (
            message(&format!(",\"output\":{{\"a\":1{many}}}")),
            "conversations[0].messages[0].output: more than 1,000 keys",
        ),
        (
            message(&format!(",\"metadata\":{{\"a\":1{many}}}")),
            "conversations[0].messages[0].metadata: more than 1,000 keys",
        ),
        (
            format!("{{\"conversations\":[]{many}}}"),
            "body: more than 1,000 keys",
        ),
        (
            conversation(&format!(",\"{long}\":1")),
            &format!("conversations[0].{shown}: key longer than 256 bytes"),
        ),
        (
            conversation(r#","\u0000":1"#),
            "conversations[0]: contains U+0000",
        ),
        (
            message(r#","metadata":{"a\u0000":1}"#),
            "conversations[0].messages[0].metadata: contains U+0000",
        ),
        (
            conversation(r#","\ud83d":1"#),
            "conversations[0]: unpaired surrogate",
        ),
        (
            message(r#","metadata":[{"a":{"\ud83d":1}}]"#),
            "conversations[0].messages[0].metadata[0].a: unpaired surrogate",
        ),
        (
            conversation(r#","a\u001b[31m":1,"a\u001b[31m":1"#),
            "conversations[0].a\\u{1b}[31m: duplicate key",
        ),
    ] {
        assert_eq!(visitor.violations(body), expected);
    }
}

#[test]
fn unknown_keys_are_data_whatever_they_are_called() {
    let visitor = Visitor::new();
    let fields = format!(
        r#","":"empty","__proto__":{{"a":1}},"constructor":1,"visitor_id":"{MARKER}","version":7,"change":0,"erased_through":1,"digest":"x","extra":{{"a":2}}"#
    );
    visitor.expect_taken(&Request::post(conversation(&fields)));
    visitor.expect_taken(&Request::post(message(&fields)));
    let page = visitor.api.page(None, 500);
    let stored = page["conversations"].as_array().unwrap();
    let stored = stored.iter().find(|item| item["version"] == 7).unwrap();
    for item in [stored, &stored["messages"][0]] {
        for (key, value) in [
            ("", json!("empty")),
            ("__proto__", json!({"a": 1})),
            ("constructor", json!(1)),
            ("visitor_id", json!(MARKER)),
            ("change", json!(0)),
            ("erased_through", json!(1)),
            ("digest", json!("x")),
            ("extra", json!({"a": 2})),
        ] {
            assert_eq!(item[key], value, "{key}");
        }
    }
}
