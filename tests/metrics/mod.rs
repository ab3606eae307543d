//! What operators see of the running server: metrics, health, and the dashboard and alerts made of them.

mod counts;
mod health;
mod leaks;
mod names;
mod places;
mod promql;
mod queries;
mod samples;

use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::raw::{Connection, RawAnswer};
use crate::support::{Answer, Server};
use samples::Samples;

pub(crate) const LISTEN: (&str, &str) = ("CONVOSYNC__METRICS__LISTEN", "127.0.0.1:0");
const TOKEN: &str = "a-token-of-some-length";

const SYNC: &str = "/api/sync-conversations/";
const VISITORS: &str = "/api/visitors/";

/// How long a test waits for what is soon to be.
const SOON: Duration = Duration::from_secs(60);

/// A server with a listener for operators.
fn observed(settings: &[(&str, &str)]) -> Server {
    let mut all = vec![LISTEN];
    all.extend(settings);
    Server::start_with(&all)
}

/// The address of the listener for operators, `127.0.0.1:PORT`.
fn operators(server: &Server) -> String {
    let stderr = server.stderr();
    let mut lines = stderr.lines();
    let told = lines.find_map(|line| line.strip_prefix("metrics on http://"));
    let told = told.unwrap_or_else(|| panic!("no listener for operators: {stderr}"));
    told.strip_suffix("/metrics").unwrap().to_owned()
}

/// Sends a request to an address, with these lines among the headers.
fn ask(address: &str, target: &str, headers: &str) -> RawAnswer {
    let mut connection = Connection::open(address);
    connection.send(format!(
        "GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\r\n"
    ));
    connection.last_answer().expect("an answer")
}

/// What the listener for operators tells.
pub(crate) fn scrape(server: &Server) -> Samples {
    let answer = ask(&operators(server), "/metrics", "");
    assert_eq!(answer.status, 200, "{answer:?}");
    Samples::parse(&answer.body)
}

/// Looks until what the listener for operators tells is as it is to be.
fn await_sample(server: &Server, expected: &str, is_there: impl Fn(&Samples) -> bool) {
    let started = Instant::now();
    while !is_there(&scrape(server)) {
        assert!(started.elapsed() < SOON, "{expected} is not told");
        thread::sleep(Duration::from_millis(20));
    }
}

/// One conversation with one message.
fn body(conversation: &str, message: &str, text: &str, updated_at: &str) -> Value {
    json!({ "conversations": [{
        "id": conversation, "title": text, "updated_at": updated_at,
        "messages": [{
            "message_id": message, "timestamp": updated_at, "output": { "output_content_text": text },
        }],
    }] })
}

fn register(server: &Server, user: &str) {
    let registered = server.post(VISITORS, &json!({ "user_id": user }));
    assert_eq!(registered.status, 201, "{registered:?}");
}

/// Posts, and expects that it is taken.
fn post(server: &Server, query: &str, body: &Value) -> Answer {
    let answer = server.post(&format!("{SYNC}?{query}"), body);
    assert_eq!(answer.status, 200, "{answer:?}");
    answer
}

/// A short life of a visitor, in which everything is measured that can be.
fn live(server: &Server) {
    register(server, "ada");
    post(
        server,
        "user_id=ada",
        &body("c", "m", "hello", "2026-01-01T00:00:00Z"),
    );
    for path in [
        format!("{SYNC}?user_id=ada"),
        format!("{SYNC}changes/?user_id=ada"),
        "/no/such/path".to_owned(),
        "/readyz".to_owned(),
    ] {
        server.get(&path);
    }
}
