//! What only a visitor sees: compressed bodies, streams of events, pulls that wait.

use std::fs;
use std::time::Duration;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use ureq::http::Method;

use super::Asking;
use super::client::{Answer, Client};
use super::routes;
use crate::failure::Failure;
use crate::finding::Finding;

const CHANGES: &str = "/api/sync-conversations/changes/";
const EVENTS: &str = "/api/sync-conversations/events/";
/// `{"conversations":[]}`, which changes nothing, as gzip.
const EMPTY_POST: [u8; 40] = [
    31, 139, 8, 0, 0, 0, 0, 0, 2, 3, 171, 86, 74, 206, 207, 43, 75, 45, 42, 78, 44, 201, 204, 207,
    43, 86, 178, 138, 142, 173, 5, 0, 113, 126, 11, 0, 20, 0, 0, 0,
];
/// The server sends something at once, and then every 15 seconds: what holds answers back sends nothing by now.
const PATIENCE: Duration = Duration::from_secs(5);
const PROMPT: Duration = Duration::from_secs(2);
/// How long a pull is to wait, in seconds.
const WAIT: u64 = 2;
/// Pages that are read to come to the end.
const PAGES_MAX: usize = 50;

/// Who asks, and how that is proved.
pub(super) struct Visitor {
    query: String,
    authorization: Option<String>,
}

impl Visitor {
    pub(super) fn of(asking: &Asking) -> Result<Option<Self>, Failure> {
        let encoded = |name: &str, id: &str| {
            let id = utf8_percent_encode(id, NON_ALPHANUMERIC);
            format!("{name}={id}")
        };
        if let Some(id) = &asking.anon_id {
            return Ok(Some(Self {
                query: encoded("anon_id", &given("--anon-id", id)?),
                authorization: None,
            }));
        }
        let Some(id) = &asking.user_id else {
            return Ok(None);
        };
        let token = asking.token.as_deref();
        let token = token.map(|token| given("--token", token)).transpose()?;
        Ok(Some(Self {
            query: encoded("user_id", id),
            authorization: token.map(|token| format!("Bearer {token}")),
        }))
    }

    fn headers(&self) -> Vec<(&str, &str)> {
        let proof = self.authorization.as_deref();
        proof
            .map(|proof| ("authorization", proof))
            .into_iter()
            .collect()
    }

    fn path(&self, path: &str, more: &str) -> String {
        format!("{path}?{}{more}", self.query)
    }
}

/// The value of an option, or what the file holds that it names.
fn given(option: &str, value: &str) -> Result<String, Failure> {
    let Some(file) = value.strip_prefix('@') else {
        return Ok(value.to_owned());
    };
    match fs::read_to_string(file) {
        Ok(text) => Ok(text.trim().to_owned()),
        Err(error) => Err(Failure::usage(format!(
            "{option}: cannot read {file}: {error}"
        ))),
    }
}

pub(super) fn findings(client: &Client, visitor: Option<&Visitor>) -> Vec<Finding> {
    let Some(visitor) = visitor else {
        let skipped = Finding::skipped(
            "streams",
            "gzip, streams of events and waiting pulls need a visitor",
            "give --anon-id ID, or --user-id ID with --token TOKEN, of a visitor for tests that is registered",
        );
        return vec![routes::large_body(client), skipped];
    };
    let cursor = match cursor(client, visitor) {
        Ok(cursor) => cursor,
        Err(finding) => return vec![finding],
    };
    vec![
        large_body(client, visitor),
        gzip(client, visitor),
        stream(client, visitor, &cursor),
        waiting_pull(client, visitor, &cursor),
    ]
}

/// The cursor at the end of the visitor's changes.
fn cursor(client: &Client, visitor: &Visitor) -> Result<String, Finding> {
    const CHECK: &str = "visitor";
    let refused = |found: String| {
        Finding::failed(
            CHECK,
            found,
            "give a visitor that is registered, and the proof that its clients show; see that the proxy passes \
            query and Authorization on",
        )
    };
    let mut cursor = String::new();
    for _ in 0..PAGES_MAX {
        let since = match cursor.is_empty() {
            true => String::new(),
            false => format!("&since={cursor}"),
        };
        let answer = client
            .ask(
                Method::GET,
                &visitor.path(CHANGES, &since),
                &visitor.headers(),
            )
            .map_err(|error| refused(error.to_string()))?;
        let page = answer.json().filter(|_| answer.status == 200);
        let Some(page) = page else {
            return Err(refused(told(&answer)));
        };
        let next = page
            .get("cursor")
            .and_then(Value::as_str)
            .unwrap_or_default();
        cursor = utf8_percent_encode(next, NON_ALPHANUMERIC).to_string();
        if page.get("has_more").and_then(Value::as_bool) != Some(true) {
            break;
        }
    }
    Ok(cursor)
}

/// A post without conversations, with spaces after it.
fn large_body(client: &Client, visitor: &Visitor) -> Finding {
    let mut headers = visitor.headers();
    headers.push(("content-type", "application/json"));
    let mut body = b"{\"conversations\":[]}".to_vec();
    body.resize(routes::LARGE, b' ');
    let path = visitor.path("/api/sync-conversations/", "");
    match client.send(Method::POST, &path, &headers, &body) {
        Ok(answer) => routes::judge_large_body(&answer),
        Err(error) => Finding::failed(
            routes::LARGE_BODIES,
            format!("a body of {} bytes breaks off: {error}", routes::LARGE),
            "raise the limit in the proxy (nginx: `client_max_body_size 64m;`), and how long it lets bodies take \
             (nginx: `client_body_timeout 60s;`)",
        ),
    }
}

/// The visitor is registered, so that a post without conversations changes nothing.
fn gzip(client: &Client, visitor: &Visitor) -> Finding {
    const CHECK: &str = "gzip";
    let mut headers = visitor.headers();
    headers.push(("content-type", "application/json"));
    headers.push(("content-encoding", "gzip"));
    let path = visitor.path("/api/sync-conversations/", "");
    let advice = "have the proxy pass bodies and Content-Encoding on as they are";
    match client.send(Method::POST, &path, &headers, &EMPTY_POST) {
        Ok(answer) if answer.status == 200 => {
            Finding::ok(CHECK, "compressed bodies reach the server")
        }
        Ok(answer) => Finding::failed(CHECK, told(&answer), advice),
        Err(error) => Finding::failed(CHECK, error.to_string(), advice),
    }
}

fn stream(client: &Client, visitor: &Visitor, cursor: &str) -> Finding {
    const CHECK: &str = "streams";
    let advice = "turn buffering off (nginx: `proxy_buffering off; proxy_http_version 1.1; proxy_read_timeout \
    1h;`, Caddy: `flush_interval -1`), and no gzip of text/event-stream";
    let mut headers = visitor.headers();
    headers.push(("accept", "text/event-stream"));
    let path = visitor.path(EVENTS, &format!("&since={cursor}"));
    match client.first_of_stream(&path, &headers, PATIENCE) {
        Ok((answer, _)) if answer.status != 200 => Finding::failed(CHECK, told(&answer), advice),
        Ok((answer, _)) if answer.header("content-encoding").is_some() => Finding::warning(
            CHECK,
            "the proxy compresses the stream, and may hold events back for that",
            advice,
        ),
        Ok((_, 0)) => Finding::failed(CHECK, "the stream ends at once", advice),
        Ok((answer, _)) if answer.took > PROMPT => Finding::warning(
            CHECK,
            format!(
                "the first of a stream comes after {} ms",
                answer.took.as_millis()
            ),
            advice,
        ),
        Ok((answer, _)) => Finding::ok(
            CHECK,
            format!(
                "the first of a stream comes after {} ms",
                answer.took.as_millis()
            ),
        ),
        Err(ureq::Error::Timeout(_)) => Finding::failed(
            CHECK,
            format!(
                "nothing of a stream comes in {} s: the proxy holds it back",
                PATIENCE.as_secs()
            ),
            advice,
        ),
        Err(error) => Finding::failed(CHECK, error.to_string(), advice),
    }
}

fn waiting_pull(client: &Client, visitor: &Visitor, cursor: &str) -> Finding {
    const CHECK: &str = "waiting pulls";
    let advice = "let the proxy wait for an answer (nginx: `proxy_read_timeout 1h;`, Caddy waits), 75 s at least";
    let path = visitor.path(CHANGES, &format!("&since={cursor}&wait={WAIT}"));
    match client.ask(Method::GET, &path, &visitor.headers()) {
        Ok(answer) if answer.status == 200 => Finding::ok(
            CHECK,
            format!("answered after {} ms", answer.took.as_millis()),
        ),
        Ok(answer) => Finding::failed(CHECK, told(&answer), advice),
        Err(error) => Finding::failed(CHECK, error.to_string(), advice),
    }
}

/// The status and the code, without anything of the visitor.
fn told(answer: &Answer) -> String {
    match answer.code() {
        Some(code) => format!("the server answers {} {code}", answer.status),
        None => format!("another program answers {}", answer.told()),
    }
}
