//! What the server refuses: whatever is sent, nothing of a refused request is stored, no change
//! number is taken, no value that was sent is in the answer, and the next good post is taken.

mod bytes;
mod conversations;
mod framing;
mod gzip;
mod ids;
mod leaks;
mod lenient;
mod requests;
mod scalars;
mod shape;
mod slow;
mod turns;
mod values;

use std::cell::{Cell, RefCell};
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::Server;
use crate::support::api::Api;
use crate::support::raw::{Connection, RawAnswer};

/// The sync path for the visitor of a test.
const SYNC: &str = "/api/sync-conversations/?user_id=ada";
/// Part of every value that must not come back.
const MARKER: &str = "m4rker";
/// Generous, for a slow machine that does other things besides.
const AT_ONCE: Duration = Duration::from_secs(10);
const KNOWN: &str = "11111111-1111-4111-8111-111111111111";
const ID: &str = r#""id":"6518856d-63ae-5696-b190-8593ef95598b""#;
const MESSAGE_ID: &str = r#""message_id":"7518856d-63ae-5696-b190-8593ef95598b""#;

/// A request to be sent as it is.
struct Request {
    method: &'static str,
    target: String,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

impl Request {
    /// A post of this visitor with the headers that it should have.
    fn post(body: impl Into<Vec<u8>>) -> Self {
        let body = body.into();
        let length = body.len().to_string();
        Self::new("POST", SYNC)
            .with("Content-Type", "application/json")
            .with("Content-Length", length)
            .with_body(body)
    }

    fn new(method: &'static str, target: impl Into<String>) -> Self {
        Self {
            method,
            target: target.into(),
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Without the header of this name.
    fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(sent, _)| *sent != name);
        self
    }

    fn with_body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    fn head(&self) -> String {
        let Self { method, target, .. } = self;
        let mut head = format!("{method} {target} HTTP/1.1\r\nHost: localhost\r\n");
        for (name, value) in &self.headers {
            let _ = write!(head, "{name}: {value}\r\n");
        }
        head + "\r\n"
    }
}

/// A visitor that has one conversation, and what the server has of it.
struct Visitor {
    server: Server,
    api: Api,
    state: RefCell<State>,
    turns: Cell<u32>,
}

#[derive(Debug, PartialEq)]
struct State {
    ids: Vec<String>,
    items: Vec<Value>,
    cursor: String,
}

impl Visitor {
    fn new() -> Self {
        Self::with_settings(&[])
    }

    fn with_settings(settings: &[(&str, &str)]) -> Self {
        let server = Server::start_with(settings);
        let api = Api::register(&server.url(), "user_id=ada");
        let visitor = Self {
            state: RefCell::new(State::of(&api)),
            server,
            api,
            turns: Cell::new(0),
        };
        visitor.posts_on();
        visitor
    }

    fn connect(&self) -> Connection {
        Connection::open(self.server.address())
    }

    /// The answer to a request that is the only one of its connection.
    fn send(&self, request: &Request) -> Option<RawAnswer> {
        let head = request.head();
        let head = head.replacen("\r\n", "\r\nConnection: close\r\n", 1);
        self.send_bytes([head.as_bytes(), &request.body].concat())
    }

    /// The answer to what is sent in one piece: an answer may get lost where a server closes a
    /// connection on which more arrives.
    fn send_bytes(&self, bytes: impl AsRef<[u8]>) -> Option<RawAnswer> {
        let mut connection = self.connect();
        // A server that has refused a body need not take the rest of it.
        connection.send(bytes);
        connection.last_answer()
    }

    /// The refusal of a request, after which everything is as before.
    fn refusal(&self, request: &Request) -> RawAnswer {
        self.expect_refusal(self.send(request))
    }

    /// Expects that this is a refusal, and everything as before.
    fn expect_refusal(&self, answer: Option<RawAnswer>) -> RawAnswer {
        let answer = answer.expect("an answer");
        assert!((400..500).contains(&answer.status), "{answer:?}");
        self.expect_a_proper_answer(&answer);
        self.expect_nothing_stored();
        answer
    }

    /// The places of a post that are bad, one a line, like `conversations: must be an array`.
    fn violations(&self, body: impl Into<Vec<u8>>) -> String {
        self.violations_of(&Request::post(body))
    }

    /// The places that are bad where the client wants nothing to be mended.
    fn strict_violations(&self, body: impl Into<Vec<u8>>) -> String {
        self.violations_of(&Request::post(body).with("Prefer", "handling=strict"))
    }

    fn violations_of(&self, request: &Request) -> String {
        let answer = self.refusal(request);
        assert_eq!(answer.status, 400, "{answer:?}");
        let body: Value = serde_json::from_str(&answer.body).expect("JSON");
        assert_eq!(body["error"], "Invalid conversations format");
        assert_eq!(body["code"], "invalid_conversations");
        let details = body["details"].as_array().expect("details");
        let places = details.iter().map(|detail| {
            let [path, message] = ["path", "message"].map(|key| detail[key].as_str().unwrap());
            format!("{path}: {message}")
        });
        places.collect::<Vec<_>>().join("\n")
    }

    /// Expects of each body that one place is bad.
    fn expect_violations<B: Into<Vec<u8>>>(&self, cases: impl IntoIterator<Item = (B, String)>) {
        for (body, expected) in cases {
            let body = body.into();
            let shown = String::from_utf8_lossy(&body[..body.len().min(300)]).into_owned();
            assert_eq!(self.violations(body), expected, "{shown}");
        }
    }

    /// Expects that a post is taken, and everything that comes with an answer.
    fn expect_taken(&self, request: &Request) -> Value {
        let answer = self.send(request).expect("an answer");
        assert_eq!(answer.status, 200, "{answer:?}");
        self.expect_a_proper_answer(&answer);
        self.posts_on();
        serde_json::from_str(&answer.body).expect("JSON")
    }

    fn expect_a_proper_answer(&self, answer: &RawAnswer) {
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        let id = answer.header("x-request-id").expect("a request id");
        assert!(!id.is_empty());
        if answer.status >= 400 {
            let named = format!(r#","request_id":"{id}"}}"#);
            assert!(answer.body.ends_with(&named), "{answer:?}");
        }
        assert!(!format!("{answer:?}").contains(MARKER), "{answer:?}");
    }

    /// Everything is as it was, and the next good post is taken.
    fn expect_nothing_stored(&self) {
        assert_eq!(State::of(&self.api), *self.state.borrow());
        self.posts_on();
    }

    /// Posts what the server has to take at once, and keeps what it then has.
    fn posts_on(&self) {
        let turn = self.turns.get() + 1;
        self.turns.set(turn);
        let conversation = json!({ "id": KNOWN, "title": format!("turn {turn}") });
        let started = Instant::now();
        let answer = self.api.post(&json!({ "conversations": [conversation] }));
        assert_eq!(answer.status, 200, "{answer:?}");
        assert!(started.elapsed() < AT_ONCE, "a slow post");
        let state = State::of(&self.api);
        assert_ne!(state.cursor, self.state.borrow().cursor);
        self.state.replace(state);
    }
}

impl State {
    fn of(api: &Api) -> Self {
        let mut items = Vec::new();
        let cursor = api.drain(None, 1_000, |page| {
            items.extend(page["conversations"].as_array().unwrap().clone());
        });
        Self {
            ids: api.ids(),
            items,
            cursor,
        }
    }
}

impl RawAnswer {
    /// The status and the body, the name of the request aside.
    fn shown(&self) -> String {
        let (body, _) = self.body.rsplit_once(r#","request_id":"#).expect("an id");
        format!("{} {body}}}", self.status)
    }
}

/// A post of one conversation with these further fields.
fn conversation(fields: &str) -> String {
    format!("{{\"conversations\":[{{{ID}{fields}}}]}}")
}

/// A post of one message with these further fields.
fn message(fields: &str) -> String {
    conversation(&format!(",\"messages\":[{{{MESSAGE_ID}{fields}}}]"))
}
