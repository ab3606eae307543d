//! Bodies that are refused by the headers that announce them, or that do not arrive as announced.

use insta::assert_snapshot;

use super::{MARKER, Request, Visitor, conversation};

const EMPTY: &str = r#"{"conversations":[]}"#;
const LIMIT: &[(&str, &str)] = &[("CONVOSYNC__LIMITS__BODY_BYTES", "1000")];

/// A post without a length, in these chunks.
fn chunked(chunks: &[&str]) -> Request {
    let mut body = String::new();
    for chunk in chunks {
        body.push_str(&format!("{:x}\r\n{chunk}\r\n", chunk.len()));
    }
    Request::post("")
        .without("Content-Length")
        .with("Transfer-Encoding", "chunked")
        .with_body(body)
}

#[test]
fn bodies_that_do_not_claim_to_be_json() {
    let visitor = Visitor::new();
    for content_type in [
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=m4rker",
        "text/json",
        "application/jsonp",
        "application/problem+json",
        "*/*",
        "application/json; charset=latin1",
        "application/json; charset=utf-16",
        "application/json; charset=\"m4rker\"",
        "application/json, text/plain",
        "\u{e9}",
    ] {
        let request = Request::post(EMPTY)
            .without("Content-Type")
            .with("Content-Type", content_type);
        let answer = visitor.refusal(&request);
        assert_eq!(answer.header("accept"), Some("application/json"));
        insta::allow_duplicates! {
            assert_snapshot!(answer.shown(), @r#"415 {"error":"Content-Type must be application/json","code":"unsupported_content_type"}"#);
        }
    }
    let none = Request::post(EMPTY).without("Content-Type");
    assert_eq!(visitor.refusal(&none).status, 415);
    for content_type in [
        "application/json; charset=utf-8",
        "application/json;charset=\"UTF-8\"",
        "Application/JSON ; profile=x",
    ] {
        let request = Request::post(EMPTY)
            .without("Content-Type")
            .with("Content-Type", content_type);
        visitor.expect_taken(&request);
    }
}

#[test]
fn encodings_that_are_not_read() {
    let visitor = Visitor::new();
    for encoding in [
        "br",
        "zstd",
        "deflate",
        "x-foo",
        "m4rker",
        "gzip, gzip",
        "gzip, br",
    ] {
        let answer = visitor.refusal(&Request::post(EMPTY).with("Content-Encoding", encoding));
        assert_eq!(answer.header("accept-encoding"), Some("gzip"), "{encoding}");
        insta::allow_duplicates! {
            assert_snapshot!(answer.shown(), @r#"415 {"error":"Content-Encoding must be gzip or identity","code":"unsupported_content_encoding"}"#);
        }
    }
    visitor.expect_taken(&Request::post(EMPTY).with("Content-Encoding", "identity"));
}

#[test]
fn a_length_over_the_limit_is_refused_unread() {
    let visitor = Visitor::new();
    for length in ["67108865", "18446744073709551615"] {
        let request = Request::post("")
            .without("Content-Length")
            .with("Content-Length", length);
        let head = request.head();
        for head in [&head, &request.with("Expect", "100-continue").head()] {
            let mut connection = visitor.connect();
            assert!(connection.send(head));
            let mut answer = connection.answer();
            if answer.status == 100 {
                answer = connection.answer();
            }
            let answer = visitor.expect_refusal(Some(answer));
            assert_eq!(answer.header("connection"), Some("close"));
            insta::allow_duplicates! {
                assert_snapshot!(answer.shown(), @r#"413 {"error":"Body larger than 67108864 bytes","code":"body_too_large"}"#);
            }
        }
        let mut connection = visitor.connect();
        assert!(connection.send(head));
        // This is read until the server closes the connection.
        assert_eq!(connection.last_answer().unwrap().status, 413);
    }
}

#[test]
fn whoever_waits_before_a_body_is_told_to_go_on() {
    let visitor = Visitor::new();
    let request = Request::post(EMPTY).with("Expect", "100-continue");
    let mut connection = visitor.connect();
    assert!(connection.send(request.head()));
    assert_eq!(connection.answer().status, 100);
    assert!(connection.send(&request.body));
    assert_eq!(connection.answer().status, 200);
}

#[test]
fn a_body_may_be_as_long_as_the_limit() {
    let visitor = Visitor::with_settings(LIMIT);
    let body = |length: usize| format!("{EMPTY}{}", " ".repeat(length - EMPTY.len()));
    visitor.expect_taken(&Request::post(body(1_000)));
    visitor.expect_taken(&chunked(&[&body(1_000), ""]));
    visitor.expect_taken(&chunked(&[EMPTY, &" ".repeat(980), ""]));
    for request in [
        chunked(&[&body(1_001), ""]),
        chunked(&[&body(1_000), " "]),
        chunked(&[&body(1_000), " ", ""]),
    ] {
        let mut connection = visitor.connect();
        connection.send([request.head().as_bytes(), &request.body].concat());
        let answer = visitor.expect_refusal(Some(connection.answer()));
        insta::allow_duplicates! {
            assert_snapshot!(answer.shown(), @r#"413 {"error":"Body larger than 1000 bytes","code":"body_too_large"}"#);
        }
    }
}

#[test]
fn a_body_that_does_not_arrive_whole() {
    let visitor = Visitor::new();
    let whole = conversation(",\"title\":\"m4rker\"");
    let longer = (whole.len() + 1).to_string();
    let with_length = |body: &[u8], length: String| {
        Request::post(body)
            .without("Content-Length")
            .with("Content-Length", length)
    };
    let unended = chunked(&[&whole]);
    for request in [
        with_length(whole.as_bytes(), longer),
        with_length(&whole.as_bytes()[..20], whole.len().to_string()),
        with_length(b"", whole.len().to_string()),
        unended,
        chunked(&[]),
        chunked(&[]).with_body("zz\r\n{}\r\n0\r\n\r\n"),
        chunked(&[]).with_body("fffffffffffffffff\r\n{}\r\n0\r\n\r\n"),
        chunked(&[&whole]).with_body("2\r\n{}garbage\r\n0\r\n\r\n"),
    ] {
        let mut connection = visitor.connect();
        assert!(connection.send([request.head().as_bytes(), &request.body].concat()));
        connection.end();
        if let Some(answer) = connection.last_answer() {
            assert_eq!(answer.status, 400, "{answer:?}");
            assert!(!format!("{answer:?}").contains(MARKER));
        }
        visitor.expect_nothing_stored();
    }
}

#[test]
fn a_body_whose_length_is_in_doubt() {
    let visitor = Visitor::new();
    let body = conversation(",\"title\":\"m4rker\"");
    let length = body.len().to_string();
    let bare = || Request::post("").without("Content-Length");
    let chunks = format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
    for (request, sent) in [
        (
            bare()
                .with("Content-Length", &*length)
                .with("Transfer-Encoding", "chunked"),
            &chunks,
        ),
        (
            bare()
                .with("Transfer-Encoding", "chunked")
                .with("Content-Length", &*length),
            &chunks,
        ),
        (
            bare()
                .with("Content-Length", &*length)
                .with("Content-Length", "5"),
            &body,
        ),
        (bare().with("Content-Length", format!("{length}, 5")), &body),
        (bare().with("Content-Length", format!("+{length}")), &body),
        (bare().with("Content-Length", "-1"), &body),
        (bare().with("Content-Length", "0x10"), &body),
        (bare().with("Transfer-Encoding", "xchunked"), &chunks),
        (
            bare().with("Transfer-Encoding", "chunked, identity"),
            &chunks,
        ),
    ] {
        // That the connection ends keeps the rest from being taken for another request.
        let answer = visitor.send_bytes(request.head() + sent);
        let answer = answer.unwrap_or_else(|| panic!("no answer: {:?}", request.headers));
        assert_eq!(answer.status, 400, "{:?} {answer:?}", request.headers);
        assert!(!format!("{answer:?}").contains(MARKER));
        visitor.expect_nothing_stored();
    }
}

#[test]
fn heads_and_urls_that_are_too_long() {
    let visitor = Visitor::new();
    let longest = format!("/livez?{}", "m".repeat(2_048 - 7));
    assert_eq!(
        visitor
            .send(&Request::new("GET", &*longest))
            .unwrap()
            .status,
        200
    );
    for target in [
        format!("{longest}{MARKER}"),
        format!("{longest}{MARKER}{}", "m".repeat(50_000)),
    ] {
        let answer = visitor.refusal(&Request::new("GET", target));
        insta::allow_duplicates! {
            assert_snapshot!(answer.shown(), @r#"414 {"error":"URL longer than 2048 bytes","code":"url_too_long"}"#);
        }
    }

    let head = Request::post(EMPTY).with("X-Long", "m".repeat(200 << 10));
    // Of a head so long the rest is not read, so that its answer may get lost.
    if let Some(answer) = visitor.send_bytes(head.head()) {
        assert_eq!(answer.status, 431, "{answer:?}");
    }
    visitor.expect_nothing_stored();
}

#[test]
fn heads_that_are_no_http() {
    let visitor = Visitor::new();
    for head in [
        "m4rker\r\n\r\n",
        "GET /livez\r\n\r\n",
        "GET /livez HTTP/9.9\r\n\r\n",
        "GET /livez HTTP/1.1\r\nm4rker\r\n\r\n",
        "GET /livez HTTP/1.1\r\nHost : x\r\n\r\n",
        "GET /liv ez HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /livez HTTP/1.1\r\nX: m4rker\0\r\n\r\n",
        "\u{16}\u{3}\u{1}\u{2}\0\u{1}\0\u{1}m4rker\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ] {
        let mut connection = visitor.connect();
        assert!(connection.send(head));
        connection.end();
        if let Some(answer) = connection.last_answer() {
            assert_eq!(answer.status, 400, "{head:?}: {answer:?}");
            assert!(!format!("{answer:?}").contains(MARKER));
        }
        visitor.expect_nothing_stored();
    }
}

#[test]
fn a_client_that_goes_away_in_the_middle() {
    let visitor = Visitor::new();
    let body = conversation(",\"title\":\"m4rker\"");
    let request = Request::post(&*body);
    let whole = [request.head().as_bytes(), body.as_bytes()].concat();
    for cut in [
        1,
        10,
        whole.len() - body.len(),
        whole.len() - 30,
        whole.len() - 1,
    ] {
        let mut connection = visitor.connect();
        assert!(connection.send(&whole[..cut]));
        drop(connection);
        visitor.expect_nothing_stored();
    }
}

#[test]
fn a_client_that_does_not_wait_has_its_post_whole_or_not_at_all() {
    const MESSAGES: usize = 40;
    let visitor = Visitor::new();
    for post in 0..20 {
        let messages: Vec<_> = (0..MESSAGES)
            .map(|message| format!("{{\"message_id\":\"00000000-0000-4000-8000-{message:012}\"}}"))
            .collect();
        let body = format!(
            "{{\"conversations\":[{{\"id\":\"00000000-0000-4000-8000-{post:012}\",\"messages\":[{}]}}]}}",
            messages.join(",")
        );
        let request = Request::post(body);
        let mut connection = visitor.connect();
        assert!(connection.send(request.head()) && connection.send(&request.body));
        drop(connection);
    }
    for _ in 0..5 {
        visitor.posts_on();
        for conversation in &visitor.state.borrow().items {
            let messages = conversation["messages"].as_array().unwrap().len();
            assert!(messages == MESSAGES || messages == 0 && conversation["id"] == super::KNOWN);
        }
    }
}
