//! Requests whose URL, method or headers ask for what is not given.

use insta::assert_snapshot;
use serde_json::json;

use super::{KNOWN, MARKER, Request, SYNC, Visitor};
use crate::support::api::Api;

const CHANGES: &str = "/api/sync-conversations/changes/?user_id=ada";
const EMPTY: &str = r#"{"conversations":[]}"#;

/// A post and a pull with this query.
fn with_query(query: &str) -> [Request; 3] {
    let mut post = Request::post(EMPTY);
    post.target = format!("/api/sync-conversations/{query}");
    [
        post,
        Request::new("GET", format!("/api/sync-conversations/{query}")),
        Request::new("GET", format!("/api/sync-conversations/changes/{query}")),
    ]
}

#[test]
fn nobody_asks() {
    let visitor = Visitor::new();
    for query in [
        "",
        "?",
        "?since=x",
        "?anon=m4rker",
        "?user_id[]=m4rker",
        "?USER_ID=ada",
        "?anon_id=m4rker",
        "?user_id=m4rker",
        "?anon_id=ada",
        "?user_id=Ada",
        "?user_id=ada+",
    ] {
        for request in with_query(query) {
            let answer = visitor.refusal(&request);
            insta::allow_duplicates! {
                assert_snapshot!(answer.shown(), @r#"404 {"error":"Visitor not found","code":"visitor_not_found"}"#);
            }
        }
    }
}

#[test]
fn more_than_one_identity() {
    let visitor = Visitor::new();
    for query in ["?anon_id=m4rker&user_id=ada", "?user_id=&anon_id="] {
        for request in with_query(query) {
            let answer = visitor.refusal(&request);
            insta::allow_duplicates! {
                assert_snapshot!(answer.shown(), @r#"400 {"error":"Give anon_id or user_id, not both","code":"conflicting_identity"}"#);
            }
        }
    }
    for (query, name) in [
        ("?anon_id=m4rker&anon_id=m4rker", "anon_id"),
        ("?user_id=ada&user_id=ada", "user_id"),
        ("?user_id=ada&x=1&user%5Fid=m4rker", "user_id"),
    ] {
        for request in with_query(query) {
            assert_eq!(
                visitor.refusal(&request).shown(),
                format!(r#"400 {{"error":"{name} given twice","code":"repeated_parameter"}}"#)
            );
        }
    }
}

#[test]
fn what_is_no_identity() {
    let visitor = Visitor::new();
    let too_long = "m4rker".repeat(43);
    for name in ["anon_id", "user_id"] {
        for value in [
            "",
            &too_long,
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
            for request in with_query(&format!("?{name}={value}")) {
                assert_eq!(
                    visitor.refusal(&request).shown(),
                    format!(r#"400 {{"error":"Invalid {name}","code":"invalid_identity"}}"#),
                    "{value}"
                );
            }
        }
    }
}

#[test]
fn ids_of_another_visitor_are_as_good_as_new_ones() {
    let visitor = Visitor::new();
    let other = Api::register(&visitor.server.url(), "user_id=grace");
    let body = |id: &str| {
        json!({ "conversations": [{
            "id": id,
            "title": "mine",
            "messages": [{ "message_id": KNOWN, "request": { "id": 1 } }],
        }] })
    };
    let new = other.post(&body("22222222-2222-4222-8222-222222222222"));
    let taken = other.post(&body(KNOWN));
    assert_eq!((new.status, &new.text), (taken.status, &taken.text));
    assert_eq!(taken.json()["created"], 1);
    visitor.expect_nothing_stored();

    assert_eq!(other.ids().len(), 2);
    let deletion = json!({ "id": KNOWN, "deleted_at": "2999-01-01T00:00:00Z" });
    assert_eq!(
        other.post(&json!({ "conversations": [deletion] })).status,
        200
    );
    visitor.expect_nothing_stored();
}

#[test]
fn headers_that_claim_to_be_somebody_else_are_ignored() {
    let visitor = Visitor::new();
    let request = Request::post(EMPTY)
        .with("X-User-ID", MARKER)
        .with("X-HTTP-Method-Override", "DELETE")
        .with("X-Original-URL", "/api/visitors/")
        .with("Cookie", "user_id=m4rker");
    visitor.expect_taken(&request);
    let mut nobody = request;
    nobody.target = "/api/sync-conversations/".into();
    assert_eq!(visitor.refusal(&nobody).status, 404);
}

#[test]
fn methods_that_a_path_does_not_have() {
    let visitor = Visitor::new();
    for (methods, target, allowed) in [
        (
            &["PUT", "PATCH", "TRACE", "M4RKER"][..],
            SYNC,
            "GET, HEAD, POST",
        ),
        (&["POST", "PUT"], CHANGES, "GET, HEAD"),
        (
            &["PUT", "PATCH"],
            "/api/visitors/",
            "GET, HEAD, POST, DELETE",
        ),
        (&["GET", "HEAD", "PUT"], "/api/visitors/merge/", "POST"),
        (&["POST", "PUT"], "/livez", "GET, HEAD"),
    ] {
        for method in methods {
            let request = Request::new(method, target);
            if *method == "HEAD" {
                let answer = visitor.send(&request).unwrap();
                assert_eq!((answer.status, answer.body.as_str()), (405, ""));
                continue;
            }
            let answer = visitor.refusal(&request);
            assert_eq!(answer.header("allow"), Some(allowed), "{method} {target}");
            insta::allow_duplicates! {
                assert_snapshot!(answer.shown(), @r#"405 {"error":"Method not allowed","code":"method_not_allowed"}"#);
            }
        }
    }
}

#[test]
fn head_is_get_without_a_body() {
    let visitor = Visitor::new();
    for target in [SYNC, CHANGES, "/livez", "/readyz", "/version"] {
        let get = visitor.send(&Request::new("GET", target)).unwrap();
        let head = visitor.send(&Request::new("HEAD", target)).unwrap();
        assert_eq!((get.status, head.status), (200, 200), "{target}");
        assert_eq!(head.body, "");
        let length = get.body.len().to_string();
        assert_eq!(head.header("content-length"), Some(&*length), "{target}");
    }
}

#[test]
fn paths_that_nothing_stands_at() {
    let visitor = Visitor::new();
    for target in [
        "//",
        "/m4rker",
        "/api",
        "/api/sync-conversations/m4rker?user_id=ada",
        "/api/sync-conversations//?user_id=ada",
        "/API/sync-conversations/?user_id=ada",
        "/api%2Fsync-conversations/?user_id=ada",
        "/api/../m4rker",
        "/%00",
        "/%ff",
        "/livez/m4rker",
    ] {
        for method in ["GET", "POST", "DELETE"] {
            let answer = visitor.refusal(&Request::new(method, target));
            insta::allow_duplicates! {
                assert_snapshot!(answer.shown(), @r#"404 {"error":"Not found","code":"not_found"}"#);
            }
        }
    }
}

#[test]
fn limits_of_a_pull_that_are_none() {
    let visitor = Visitor::new();
    for limit in [
        "0",
        "-1",
        "1001",
        "1000000000",
        "x",
        "",
        "1.0",
        "%31%30%30%31",
        "+1",
        "18446744073709551617",
    ] {
        let answer = visitor.refusal(&Request::new("GET", format!("{CHANGES}&limit={limit}")));
        insta::allow_duplicates! {
            assert_snapshot!(answer.shown(), @r#"400 {"error":"limit must be 1 to 1000","code":"invalid_limit"}"#);
        }
    }
    let answer = visitor.refusal(&Request::new("GET", format!("{CHANGES}&limit=1&limit=2")));
    assert_snapshot!(answer.shown(), @r#"400 {"error":"limit given twice","code":"repeated_parameter"}"#);
}

#[test]
fn cursors_that_are_none_of_this_visitor() {
    let visitor = Visitor::new();
    let other = Api::register(&visitor.server.url(), "user_id=grace");
    let foreign = other.drain(None, 500, |_| ());
    let own = visitor.api.drain(None, 500, |_| ());
    let cut = &own[..own.len() - 1];
    let longer = format!("{own}A");
    let swapped: String = own.chars().rev().collect();
    for cursor in [
        "", "0", "m4rker", "%00", "%ff", "%zz", "AAAA", "~", cut, &longer, &swapped, &foreign,
    ] {
        let answer = visitor.refusal(&Request::new("GET", format!("{CHANGES}&since={cursor}")));
        insta::allow_duplicates! {
            assert_snapshot!(answer.shown(), @r#"400 {"error":"Invalid cursor","code":"invalid_cursor"}"#);
        }
    }
    let answer = visitor.refusal(&Request::new(
        "GET",
        format!("{CHANGES}&since={own}&since={own}"),
    ));
    assert_snapshot!(answer.shown(), @r#"400 {"error":"since given twice","code":"repeated_parameter"}"#);
}

#[test]
fn a_cursor_of_another_store_has_expired() {
    let visitor = Visitor::new();
    let elsewhere = Visitor::new();
    let cursor = elsewhere.api.drain(None, 500, |_| ());
    let answer = visitor.refusal(&Request::new("GET", format!("{CHANGES}&since={cursor}")));
    assert_snapshot!(answer.shown(), @r#"410 {"error":"Cursor expired, start again","code":"cursor_expired"}"#);
}
