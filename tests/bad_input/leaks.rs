//! What a request may not bring into the log.

use super::{MARKER, Request, Visitor, conversation, message};

#[test]
fn nothing_of_a_request_writes_into_the_log() {
    let mut visitor = Visitor::with_settings(&[
        ("CONVOSYNC__LOG__LEVEL", "trace"),
        ("CONVOSYNC__LOG__FORMAT", "text"),
    ]);
    let text = r#""m4rker\n\u001b[31mERROR\u001b]0;m4rker\u0007""#;
    let bad_id = format!("{{\"conversations\":[{{\"id\":{text}}}]}}");
    visitor.refusal(&Request::post(bad_id));
    visitor.refusal(&Request::post(
        conversation(&format!(",{text}:1,{text}:2")).replace(MARKER, "key"),
    ));
    visitor.expect_taken(&Request::post(conversation(&format!(",\"title\":{text}"))));
    visitor.expect_taken(&Request::post(message(&format!(
        ",\"metadata\":{text},\"output\":{{\"output_content_text\":{text}}}"
    ))));
    visitor.expect_taken(
        &Request::post("{\"conversations\":[]}").with("X-Request-Id", "m4rker m4rker"),
    );
    visitor.refusal(&Request::new("GET", "/m4rker%0a%1b?anon_id=m4rker%0a%1b"));

    // A line for each of the requests above, the registration of the visitor among them.
    let log = visitor.server.stderr_to_its_end();
    assert!(log.matches(" latency_ms=").count() >= 7, "{log}");
    assert!(!log.contains('\u{1b}') && !log.contains('\u{7}'), "{log}");
    assert!(!log.contains(MARKER) && !log.contains("[31m"), "{log}");
}
