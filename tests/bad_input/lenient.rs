//! Posts of which what is good is to be taken: the rest is told, and a bad document is refused as ever.

use insta::assert_snapshot;
use serde_json::Value;

use super::{ID, MARKER, MESSAGE_ID, Request, SYNC, Visitor, conversation, message};

fn lenient(body: impl Into<Vec<u8>>) -> Request {
    Request::post(body).with("Prefer", "handling=lenient")
}

/// What was rejected, one a line.
fn rejected(answer: &Value) -> String {
    let items = answer["rejected"].as_array().expect("an array").iter();
    let lines = items.map(|item| {
        let [path, message] = ["path", "message"].map(|key| item[key].as_str().unwrap());
        format!("{path}: {message} ({})", item["id"])
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn every_kind_of_bad_item() {
    let visitor = Visitor::new();
    let long = "x".repeat(129);
    let body = format!(
        r#"{{"conversations":[
            7,
            {{"id":"good","title":"T","messages":[
                {{"message_id":"vote","vote":"{MARKER}","timestamp":"{MARKER}"}},
                {{"message_id":"good"}},
                {{"message_id":"part","output":{{"output_type":[]}}}},
                {{"vote":true}},
                "{MARKER}",
                {{"message_id":"twice","message_id":"twice"}},
                {{"message_id":"\ud83d"}},
                {{"message_id":"{long}"}}
            ]}},
            {{"id":"bad","messages":[{{"message_id":"good"}},{{"message_id":5}}],"title":[]}},
            {{"title":"{MARKER}"}},
            {{"id":"{MARKER}\u0000","title":7}},
            {{"id":"4CCAB2CE-F948-4A7B-BEC6-103D5125687C","messages":{{}}}},
            {{"id":"also good","messages":[]}}
        ]}}"#
    );
    let answer = visitor.expect_taken(&lenient(body));
    assert_snapshot!(answer["message"].as_str().unwrap(), @"2 conversations created, 0 updated. 1 messages created, 0 updated.");
    assert_snapshot!(rejected(&answer), @r#"
    conversations[0]: must be an object (null)
    conversations[1].messages[0].vote: must be true, false, 0 or 1 ("vote")
    conversations[1].messages[2].output.output_type: must be a string ("part")
    conversations[1].messages[3].message_id: must be a text of 1 to 128 characters without control characters (null)
    conversations[1].messages[4]: must be an object (null)
    conversations[1].messages[5].message_id: duplicate key ("twice")
    conversations[1].messages[6].message_id: must be a text of 1 to 128 characters without control characters (null)
    conversations[1].messages[7].message_id: must be a text of 1 to 128 characters without control characters (null)
    conversations[2].title: must be a string ("bad")
    conversations[3].id: must be a text of 1 to 128 characters without control characters (null)
    conversations[4].id: must be a text of 1 to 128 characters without control characters (null)
    conversations[5].messages: must be an array ("4ccab2ce-f948-4a7b-bec6-103d5125687c")
    "#);
    assert_eq!(visitor.api.ids()[1..], ["also good", "good"]);
}

/// All the bad places of what is refused otherwise are told, not only up to a hundred.
#[test]
fn many_bad_items() {
    let visitor = Visitor::new();
    let bad = vec![r#"{"message_id":"m","vote":2}"#; 1_000].join(",");
    let body = conversation(&format!(",\"messages\":[{bad},{{{MESSAGE_ID}}}]"));
    let answer = visitor.expect_taken(&lenient(body));
    assert_eq!(answer["messages_created"], 1);
    assert_eq!(answer["rejected"].as_array().unwrap().len(), 1_000);
}

#[test]
fn nothing_but_bad_items() {
    let visitor = Visitor::new();
    let answer = visitor.expect_taken(&lenient(r#"{"conversations":[{"id":5},null]}"#));
    assert_snapshot!(answer, @r#"{"created":0,"message":"0 conversations created, 0 updated. 0 messages created, 0 updated.","messages_created":0,"messages_updated":0,"rejected":[{"id":null,"message":"must be a text of 1 to 128 characters without control characters","path":"conversations[0].id"},{"id":null,"message":"must be an object","path":"conversations[1]"}],"updated":0}"#);
}

#[test]
fn bad_documents() {
    let visitor = Visitor::new();
    for body in [
        "",
        "{",
        "[]",
        "{}",
        "{\"conversations\":{}}",
        "{\"conversations\":[{]}",
    ] {
        let answer = visitor.refusal(&lenient(body));
        assert_eq!(answer.status, 400, "{body}");
    }
    let told = visitor.violations_of(&lenient(r#"{"conversations":[],"conversations":[]}"#));
    assert_snapshot!(told, @"conversations: duplicate key");
    let told = visitor.violations_of(&lenient(r#"{"conversations":[{"id":"a"},]}"#));
    assert_snapshot!(told, @"body: not JSON: trailing comma at line 1 column 30");
    let many = vec!["{}"; 10_001].join(",");
    let answer = visitor.refusal(&lenient(format!("{{\"conversations\":[{many}]}}")));
    assert_snapshot!(answer.shown(), @r#"413 {"error":"More than 10,000 conversations in one request","code":"too_many_items"}"#);
}

#[test]
fn preferences_that_are_none() {
    let visitor = Visitor::new();
    for preferred in [
        "lenient",
        "handling=m4rker",
        "handling",
        "handling=leniently",
    ] {
        let request = Request::post(message(",\"vote\":2")).with("Prefer", preferred);
        let told = visitor.violations_of(&request);
        insta::allow_duplicates! {
            assert_snapshot!(told, @"conversations[0].messages[0].vote: must be true, false, 0 or 1");
        }
    }
}

/// The device is told at once what is not stored, and what has changed.
#[test]
fn in_a_turn() {
    let visitor = Visitor::new();
    let cursor = visitor.api.drain(None, 500, |_| ());
    let body = format!(
        r#"{{"conversations":[{{{ID},"created_at":"2025-01-01T00:00:00Z","messages":[{{{MESSAGE_ID},"vote":2}}]}}]}}"#
    );
    let mut request = lenient(body);
    request.target = format!("{SYNC}&since={cursor}");
    let answer = visitor.expect_taken(&request);
    assert_snapshot!(rejected(&answer), @r#"conversations[0].messages[0].vote: must be true, false, 0 or 1 ("7518856d-63ae-5696-b190-8593ef95598b")"#);
    assert_eq!(answer["conversations"], serde_json::json!([]));
    assert_eq!(answer["has_more"], false);
    let mut bad_cursor = request;
    bad_cursor.target = format!("{SYNC}&since={MARKER}");
    assert_snapshot!(visitor.refusal(&bad_cursor).shown(), @r#"400 {"error":"Invalid cursor","code":"invalid_cursor"}"#);
}
