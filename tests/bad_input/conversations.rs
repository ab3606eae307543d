//! Conversations by URL, asked for in ways that name nothing.

use insta::assert_snapshot;

use super::{KNOWN, MARKER, Request, Visitor};
use crate::support::api::Api;

const LIST: &str = "/api/conversations/?user_id=ada";

fn one(id: &str, parameters: &str) -> String {
    format!("/api/conversations/{id}/?user_id=ada{parameters}")
}

/// Everything that names a conversation, and what it names a message with.
fn naming(conversation: &str, message: &str) -> [Request; 3] {
    let of_message = format!("{conversation}/messages/{message}");
    [
        Request::new("GET", one(conversation, "")),
        Request::new("DELETE", one(conversation, "")),
        Request::new("DELETE", one(&of_message, "")),
    ]
}

#[test]
fn what_is_no_id() {
    let visitor = Visitor::new();
    let too_long = "m4rker".repeat(22);
    let too_many = "%F0%9F%98%80".repeat(129);
    for id in [
        &too_long,
        &too_many,
        "m4rker%00",
        "m4rker%0d%0a",
        "%1b",
        "%7f",
        "%c2%85",
        "m4rker%",
        "m4rker%2",
        "m4rker%zz",
        "%ff",
        "%ed%a0%bd",
        "%c0%af",
    ] {
        for request in naming(id, "m") {
            let answer = visitor.refusal(&request);
            insta::allow_duplicates! {
                assert_snapshot!(answer.shown(), @r#"400 {"error":"Invalid conversation id","code":"invalid_id"}"#);
            }
        }
        let request = Request::new("DELETE", one(&format!("{KNOWN}/messages/{id}"), ""));
        let answer = visitor.refusal(&request);
        insta::allow_duplicates! {
            assert_snapshot!(answer.shown(), @r#"400 {"error":"Invalid message id","code":"invalid_id"}"#);
        }
    }
}

#[test]
fn what_is_not_there() {
    let visitor = Visitor::new();
    for id in [MARKER, "..", "%2E%2E", "messages", "a%2Fb", &KNOWN[1..]] {
        for request in naming(id, "m") {
            let answer = visitor.refusal(&request);
            insta::allow_duplicates! {
                assert_snapshot!(answer.shown(), @r#"404 {"error":"Conversation not found","code":"conversation_not_found"}"#);
            }
        }
        let request = Request::new("DELETE", one(&format!("{KNOWN}/messages/{id}"), ""));
        let answer = visitor.refusal(&request);
        insta::allow_duplicates! {
            assert_snapshot!(answer.shown(), @r#"404 {"error":"Message not found","code":"message_not_found"}"#);
        }
    }
    for path in [
        format!("/api/conversations//{KNOWN}"),
        format!("/api/conversations/{KNOWN}/messages"),
        format!("/api/conversations/{KNOWN}/messages/"),
        format!("/api/conversations/{KNOWN}/m4rker/m"),
        format!("/api/conversations/{KNOWN}/messages/m/m4rker"),
    ] {
        for method in ["GET", "DELETE"] {
            let answer = visitor.refusal(&Request::new(method, format!("{path}?user_id=ada")));
            insta::allow_duplicates! {
                assert_snapshot!(answer.shown(), @r#"404 {"error":"Not found","code":"not_found"}"#);
            }
        }
    }
}

#[test]
fn nobody_asks() {
    let visitor = Visitor::new();
    for query in ["", "?user_id=m4rker", "?anon_id=ada"] {
        for (method, path) in [
            ("GET", "/api/conversations/".to_owned()),
            ("GET", format!("/api/conversations/{KNOWN}/")),
            ("DELETE", format!("/api/conversations/{KNOWN}/")),
            ("DELETE", format!("/api/conversations/{KNOWN}/messages/m/")),
        ] {
            let answer = visitor.refusal(&Request::new(method, path + query));
            insta::allow_duplicates! {
                assert_snapshot!(answer.shown(), @r#"404 {"error":"Visitor not found","code":"visitor_not_found"}"#);
            }
        }
    }
}

#[test]
fn pages_that_are_none() {
    let visitor = Visitor::new();
    let targets = |parameters: &str| [format!("{LIST}{parameters}"), one(KNOWN, parameters)];
    for limit in ["0", "-1", "1001", "x", "", "1.0", "18446744073709551617"] {
        for target in targets(&format!("&limit={limit}")) {
            let answer = visitor.refusal(&Request::new("GET", target));
            insta::allow_duplicates! {
                assert_snapshot!(answer.shown(), @r#"400 {"error":"limit must be 1 to 1000","code":"invalid_limit"}"#);
            }
        }
    }
    let pulled = visitor.api.drain(None, 500, |_| ());
    for cursor in ["", "m4rker", "%00", "%ff", "%zz", "AAAA", "~", &pulled] {
        for target in targets(&format!("&cursor={cursor}")) {
            let answer = visitor.refusal(&Request::new("GET", target));
            insta::allow_duplicates! {
                assert_snapshot!(answer.shown(), @r#"400 {"error":"Invalid cursor","code":"invalid_cursor"}"#);
            }
        }
    }
    for order in ["", "m4rker", "Oldest", "oldest,newest", "%ff"] {
        let target = one(KNOWN, &format!("&order={order}"));
        let answer = visitor.refusal(&Request::new("GET", target));
        insta::allow_duplicates! {
            assert_snapshot!(answer.shown(), @r#"400 {"error":"order must be oldest or newest","code":"invalid_order"}"#);
        }
    }
    for name in ["limit=1", "cursor=x", "order=oldest"] {
        let (parameter, _) = name.split_once('=').unwrap();
        let target = one(KNOWN, &format!("&{name}&{name}"));
        assert_eq!(
            visitor.refusal(&Request::new("GET", target)).shown(),
            format!(r#"400 {{"error":"{parameter} given twice","code":"repeated_parameter"}}"#)
        );
    }
}

/// The places of another store: where it has changed means nothing here, what a message is means the same.
#[test]
fn a_cursor_of_another_store_has_expired_in_the_list_alone() {
    let visitor = Visitor::new();
    let elsewhere = Visitor::new();
    let next = |path: &str, posted: &str| {
        elsewhere.expect_taken(&Request::post(posted));
        let request = Request::new("GET", format!("{path}&limit=1"));
        let answer = elsewhere.send(&request).expect("an answer");
        let body: serde_json::Value = serde_json::from_str(&answer.body).expect("JSON");
        body["next_cursor"].as_str().expect("a cursor").to_owned()
    };
    let cursor = next(LIST, r#"{"conversations":[{"id":"another"}]}"#);
    let answer = visitor.refusal(&Request::new("GET", format!("{LIST}&cursor={cursor}")));
    assert_snapshot!(answer.shown(), @r#"410 {"error":"Cursor expired, start again","code":"cursor_expired"}"#);

    let messages = r#"[{"message_id":"1"},{"message_id":"2"}]"#;
    let posted = format!(r#"{{"conversations":[{{"id":"{KNOWN}","messages":{messages}}}]}}"#);
    let cursor = next(&one(KNOWN, ""), &posted);
    let request = Request::new("GET", one(KNOWN, &format!("&cursor={cursor}")));
    assert_eq!(visitor.send(&request).expect("an answer").status, 200);
}

#[test]
fn if_match_that_does_not_hold() {
    let visitor = Visitor::new();
    let other = Api::register(&visitor.server.url(), "user_id=grace");
    other.post(&serde_json::json!({ "conversations": [{ "id": KNOWN }] }));
    let foreign = format!("/api/conversations/{KNOWN}/?user_id=grace");
    let foreign = visitor
        .send(&Request::new("GET", foreign))
        .expect("an answer");
    let foreign = foreign.header("etag").expect("a tag");
    for tag in ["", "m4rker", "\"m4rker\"", "W/\"m4rker\"", "\"*\"", foreign] {
        let request = Request::new("DELETE", one(KNOWN, "")).with("If-Match", tag);
        let answer = visitor.refusal(&request);
        insta::allow_duplicates! {
            assert_snapshot!(answer.shown(), @r#"412 {"error":"Conversation is not what If-Match says","code":"precondition_failed"}"#);
        }
    }
}

#[test]
fn methods_that_a_path_does_not_have() {
    let visitor = Visitor::new();
    let message = one(&format!("{KNOWN}/messages/m"), "");
    for (methods, target, allowed) in [
        (&["POST", "PUT", "DELETE"][..], LIST, "GET, HEAD"),
        (
            &["POST", "PUT", "PATCH"],
            &one(KNOWN, ""),
            "GET, HEAD, DELETE",
        ),
        (&["GET", "POST", "PUT"], &message, "DELETE"),
    ] {
        for method in methods {
            let answer = visitor.refusal(&Request::new(method, target));
            assert_eq!(answer.header("allow"), Some(allowed), "{method} {target}");
            insta::allow_duplicates! {
                assert_snapshot!(answer.shown(), @r#"405 {"error":"Method not allowed","code":"method_not_allowed"}"#);
            }
        }
    }
}
