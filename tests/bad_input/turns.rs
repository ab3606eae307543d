//! Posts that are turns and ask for what is not given: nothing of a good body is stored either.

use insta::assert_snapshot;

use super::{MARKER, Request, SYNC, Visitor, conversation, message};
use crate::support::api::Api;

/// A post with these parameters.
fn turn(parameters: &str, body: impl Into<Vec<u8>>) -> Request {
    let mut request = Request::post(body);
    request.target = format!("{SYNC}{parameters}");
    request
}

fn good() -> String {
    conversation(",\"title\":\"from a turn\"")
}

#[test]
fn cursors_that_are_none_of_this_visitor() {
    let visitor = Visitor::new();
    let other = Api::register(&visitor.server.url(), "user_id=grace");
    let foreign = other.drain(None, 500, |_| ());
    let own = visitor.api.drain(None, 500, |_| ());
    let cut = &own[..own.len() - 1];
    let longer = format!("{own}A");
    for cursor in [
        "0", MARKER, "%00", "%ff", "%zz", "%20", "AAAA", "~", cut, &longer, &foreign,
    ] {
        // The body is not looked at.
        for body in [good(), "{".to_owned()] {
            let answer = visitor.refusal(&turn(&format!("&since={cursor}"), body));
            insta::allow_duplicates! {
                assert_snapshot!(answer.shown(), @r#"400 {"error":"Invalid cursor","code":"invalid_cursor"}"#);
            }
        }
    }
    let answer = visitor.refusal(&turn(&format!("&since={own}&since={own}"), good()));
    assert_snapshot!(answer.shown(), @r#"400 {"error":"since given twice","code":"repeated_parameter"}"#);
    let answer = visitor.refusal(&turn("&since=&since=", good()));
    assert_snapshot!(answer.shown(), @r#"400 {"error":"since given twice","code":"repeated_parameter"}"#);
}

#[test]
fn a_cursor_of_another_store_has_expired() {
    let visitor = Visitor::new();
    let elsewhere = Visitor::new();
    let cursor = elsewhere.api.drain(None, 500, |_| ());
    let answer = visitor.refusal(&turn(&format!("&since={cursor}"), good()));
    assert_snapshot!(answer.shown(), @r#"410 {"error":"Cursor expired, start again","code":"cursor_expired"}"#);
}

#[test]
fn limits_that_are_none() {
    let visitor = Visitor::new();
    for limit in [
        "0",
        "-1",
        "1001",
        "x",
        "",
        "1.0",
        "%31%30%30%31",
        "18446744073709551617",
    ] {
        let answer = visitor.refusal(&turn(&format!("&since=&limit={limit}"), good()));
        insta::allow_duplicates! {
            assert_snapshot!(answer.shown(), @r#"400 {"error":"limit must be 1 to 1000","code":"invalid_limit"}"#);
        }
    }
    let answer = visitor.refusal(&turn("&since=&limit=1&limit=1", good()));
    assert_snapshot!(answer.shown(), @r#"400 {"error":"limit given twice","code":"repeated_parameter"}"#);
}

#[test]
fn a_visitor_who_is_unknown_or_not_named() {
    let visitor = Visitor::new();
    for query in ["?since=", "?user_id=m4rker&since=", "?anon_id=ada&since="] {
        let mut request = Request::post(good());
        request.target = format!("/api/sync-conversations/{query}");
        let answer = visitor.refusal(&request);
        insta::allow_duplicates! {
            assert_snapshot!(answer.shown(), @r#"404 {"error":"Visitor not found","code":"visitor_not_found"}"#);
        }
    }
}

/// A bad body is refused as in any other post, and there is no page.
#[test]
fn bad_bodies() {
    let visitor = Visitor::new();
    let cursor = visitor.api.drain(None, 500, |_| ());
    for since in ["", &cursor] {
        let parameters = format!("&since={since}&limit=1");
        let told = visitor.violations_of(&turn(&parameters, message(",\"vote\":2")));
        insta::allow_duplicates! {
            assert_snapshot!(told, @"conversations[0].messages[0].vote: must be true, false, 0 or 1");
        }
        let strict = turn(&parameters, message(",\"unknown\":2"));
        let told = visitor.violations_of(&strict.with("Prefer", "handling=strict"));
        insta::allow_duplicates! {
            assert_snapshot!(told, @"conversations[0].messages[0].unknown: unknown field");
        }
    }
    let answer = visitor.refusal(&turn("&since=", good()).without("Content-Type"));
    assert_snapshot!(answer.shown(), @r#"415 {"error":"Content-Type must be application/json","code":"unsupported_content_type"}"#);
}

#[test]
fn what_is_no_turn_has_no_page() {
    let visitor = Visitor::new();
    for parameters in ["&limit=0", "&Since=", "&cursor=x"] {
        let answer = visitor.expect_taken(&turn(parameters, good()));
        assert_eq!(answer.as_object().unwrap().len(), 5, "{answer}");
    }
}
