//! Conversations by URL: looked at page by page, and deleted.

mod deleting;
mod expecting;
mod reading;

use serde_json::{Value, json};

use crate::support::Server;
use crate::support::api::Api;
use crate::support::raw::{Connection, RawAnswer};

const LIST: &str = "/api/conversations/";
const T1: &str = "2025-01-01T00:00:01Z";
const T2: &str = "2025-01-01T00:00:02Z";
const T3: &str = "2025-01-01T00:00:03Z";

/// A visitor of a server, who names itself in every URL.
struct Visitor<'a> {
    address: &'a str,
    api: Api,
    query: String,
}

impl<'a> Visitor<'a> {
    fn register(server: &'a Server, name: &str) -> Self {
        Self::register_at(server.address(), name)
    }

    fn register_at(address: &'a str, name: &str) -> Self {
        let query = format!("user_id={name}");
        Self {
            address,
            api: Api::register(&format!("http://{address}"), &query),
            query,
        }
    }

    /// Posts one conversation, which has to be taken.
    fn post(&self, conversation: &Value) -> Value {
        let answer = self.api.post(&json!({ "conversations": [conversation] }));
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()
    }

    /// The answer to a request for this path, with more of the query and with these headers.
    fn send(&self, method: &str, path: &str, more: &str, headers: &[(&str, &str)]) -> RawAnswer {
        let mut head = format!(
            "{method} {path}?{}{more} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n",
            self.query
        );
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        let mut connection = Connection::open(self.address);
        connection.send(head + "\r\n");
        connection.last_answer().expect("an answer")
    }

    fn get(&self, path: &str, more: &str) -> RawAnswer {
        self.send("GET", path, more, &[])
    }

    fn shown(&self, path: &str, more: &str) -> Value {
        let answer = self.get(path, more);
        assert_eq!(answer.status, 200, "{answer:?}");
        serde_json::from_str(&answer.body).expect("JSON")
    }

    /// The status of a deletion.
    fn delete(&self, path: &str) -> u16 {
        self.send("DELETE", path, "", &[]).status
    }

    /// The status of a deletion that is to be done only if the conversation is what this tag stands for.
    fn delete_if(&self, path: &str, tag: &str) -> u16 {
        self.send("DELETE", path, "", &[("If-Match", tag)]).status
    }

    fn tag(&self, path: &str, more: &str) -> String {
        let answer = self.get(path, more);
        answer.header("etag").expect("a tag").to_owned()
    }

    /// What there is to read on all pages of so many items, in their order.
    fn pages(&self, path: &str, more: &str, limit: usize, items: &str) -> Vec<Value> {
        let mut all = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = self.shown(path, &format!("{more}&limit={limit}{cursor}"));
            let shown = page[items].as_array().expect("items");
            assert!(shown.len() <= limit, "{page}");
            all.extend(shown.iter().cloned());
            let Some(next) = page["next_cursor"].as_str() else {
                assert_eq!(page["next_cursor"], Value::Null);
                return all;
            };
            let is_opaque = |byte: u8| byte.is_ascii_alphanumeric() || b"._~-".contains(&byte);
            assert!(next.bytes().all(is_opaque), "{next}");
            assert!(!shown.is_empty(), "no progress");
            cursor = format!("&cursor={next}");
        }
    }

    /// Everything there is to pull, as the server writes it.
    fn everything(&self) -> String {
        self.api.page_text(None)
    }
}

fn conversation_path(id: &str) -> String {
    format!("{LIST}{}/", encoded(id))
}

fn message_path(id: &str, message_id: &str) -> String {
    format!("{}messages/{}/", conversation_path(id), encoded(message_id))
}

/// The text with each of its bytes percent-encoded.
fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// A text of each of these items.
fn texts<'a>(items: &'a [Value], field: &str) -> Vec<&'a str> {
    let texts = items.iter().map(|item| item[field].as_str());
    texts.map(|text| text.expect("a text")).collect()
}
