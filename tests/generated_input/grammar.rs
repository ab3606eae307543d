//! JSON texts by kind in every place where one may stand: what is valid comes back with its digits,
//! what is invalid is refused, and nothing is worse than refused.

use serde_json::Value;
use uuid::Uuid;

use super::json_texts::{Text, Verdict, all};
use crate::support::api::Api;
use crate::support::json_text::Json;
use crate::support::{Answer, Server};

/// A visitor that every text is posted for.
struct Visitor {
    api: Api,
    cursor: String,
    posts: u128,
    _server: Server,
}

impl Visitor {
    fn new() -> Self {
        let server = Server::start();
        let api = Api::register(&server.url(), "user_id=ada");
        Self {
            cursor: api.drain(None, 500, |_| ()),
            api,
            posts: 0,
            _server: server,
        }
    }

    /// Posts these bytes in a new message, between what opens and what closes it; the answer, and
    /// the message as it was pulled if it was stored.
    fn post(&mut self, open: &str, text: &[u8], close: &str) -> (Answer, Option<Json>) {
        self.posts += 1;
        let id = Uuid::from_u128(self.posts);
        let before = format!(
            "{{\"conversations\":[{{\"id\":\"{id}\",\"messages\":[{{\"message_id\":\"{id}\",{open}"
        );
        let after = format!("{close}}}]}}]}}");
        let body = [before.as_bytes(), text, after.as_bytes()].concat();
        let answer = self.api.try_post(&body).expect("an answer");
        let page = Json::parse(&self.api.page_text(Some(&self.cursor)));
        let changed = page.get("conversations").unwrap().items();
        let Some(Json::Text(cursor)) = page.get("cursor") else {
            panic!("no cursor: {page:?}");
        };
        match answer.status {
            200 => {
                assert_ne!(*cursor, self.cursor);
                self.cursor.clone_from(cursor);
                let [conversation] = changed else {
                    panic!("one conversation, not {changed:?}");
                };
                let messages = conversation.get("messages").unwrap().items();
                (answer, Some(messages[0].clone()))
            }
            400 => {
                assert_eq!((changed, cursor), (&[][..], &self.cursor), "stored");
                (answer, None)
            }
            _ => panic!("{}: {answer:?}", String::from_utf8_lossy(&body)),
        }
    }
}

/// The only bad place that a refusal names.
fn path(answer: &Answer) -> String {
    let body: Value = answer.json();
    let details = body["details"].as_array().expect("details");
    assert_eq!(details.len(), 1, "{answer:?}");
    details[0]["path"].as_str().unwrap().to_owned()
}

fn is_null(text: &[u8]) -> bool {
    text.trim_ascii() == b"null"
}

/// Posts every text as the value of a field that takes any JSON value.
fn expect_as_a_value_of(field: &str) {
    let mut visitor = Visitor::new();
    for Text { bytes, verdict } in all() {
        let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(200)]).into_owned();
        let (answer, message) = visitor.post(&format!("\"{field}\":"), &bytes, "");
        match (verdict, &message) {
            (Verdict::Valid, None) | (Verdict::Invalid, Some(_)) => {
                panic!("{verdict:?} {shown}: {answer:?}")
            }
            (Verdict::Valid | Verdict::Open, Some(message)) => {
                let sent = std::str::from_utf8(&bytes).unwrap();
                let sent = (!is_null(&bytes)).then(|| Json::parse(sent));
                assert_eq!(message.get(field), sent.as_ref(), "{shown}");
            }
            (Verdict::Invalid, None) => assert_eq!(path(&answer), "body", "{shown}"),
            (Verdict::Open, None) => assert_ne!(path(&answer), "body", "{shown}"),
        }
    }
}

#[test]
fn every_text_as_metadata() {
    expect_as_a_value_of("metadata");
}

#[test]
fn every_text_under_an_unknown_key() {
    expect_as_a_value_of("unknown");
}

#[test]
fn every_text_as_the_text_of_an_output() {
    let mut visitor = Visitor::new();
    for Text { bytes, verdict } in all() {
        let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(200)]).into_owned();
        let open = "\"output\":{\"output_content_text\":";
        let (answer, message) = visitor.post(open, &bytes, "}");
        let is_text = bytes.trim_ascii().starts_with(b"\"");
        match (verdict, &message) {
            (Verdict::Invalid, None) => assert_eq!(path(&answer), "body", "{shown}"),
            (Verdict::Valid | Verdict::Open, Some(message)) if is_text || is_null(&bytes) => {
                let sent = std::str::from_utf8(&bytes).unwrap();
                let sent = (!is_null(&bytes)).then(|| Json::parse(sent).mended());
                let output = message.get("output").unwrap();
                assert_eq!(output.get("output_content_text"), sent.as_ref(), "{shown}");
            }
            (Verdict::Valid, None) if !is_text => assert_eq!(
                path(&answer),
                "conversations[0].messages[0].output.output_content_text"
            ),
            (Verdict::Open, None) if !is_text => assert_ne!(path(&answer), "body", "{shown}"),
            _ => panic!("{verdict:?} {shown}: {answer:?}"),
        }
    }
}

#[test]
fn every_text_as_a_body() {
    let visitor = Visitor::new();
    for Text { bytes, verdict } in all() {
        let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(200)]).into_owned();
        let answer = visitor.api.try_post(&bytes).expect("an answer");
        assert_eq!(answer.status, 400, "{shown}: {answer:?}");
        // No text has conversations, so a valid one is refused for that.
        match verdict {
            Verdict::Invalid => assert_eq!(path(&answer), "body", "{shown}"),
            Verdict::Valid => assert_eq!(path(&answer), "conversations", "{shown}"),
            Verdict::Open => {}
        }
    }
    assert_eq!(visitor.api.drain(None, 500, |_| ()), visitor.cursor);
}
