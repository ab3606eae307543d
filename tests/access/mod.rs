//! Who may: identities, proofs and what they open, on the running server.

mod api_keys;
mod isolation;
mod key_sets;
mod leaks;
mod limits;
mod open_mode;
mod proofs;
mod registration;
mod timing;
mod tokens;
mod visitors;

use std::time::{SystemTime, UNIX_EPOCH};

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use crate::support::raw::{Connection, RawAnswer};
use crate::support::{Finished, Server};

const SECRET: &str = "a secret of thirty-two bytes or more";
const AUDIENCE: &str = "convosync";
const SYNC: &str = "/api/sync-conversations/";
const CHANGES: &str = "/api/sync-conversations/changes/";
const CONVERSATIONS: &str = "/api/conversations/";
const VISITORS: &str = "/api/visitors/";

/// A server that asks for proof: users come with tokens signed by [`SECRET`].
struct Protected(Server);

impl Protected {
    fn start() -> Self {
        Self::start_with(&[
            ("CONVOSYNC__AUTH__JWT__SECRET", SECRET),
            ("CONVOSYNC__AUTH__JWT__AUDIENCE", AUDIENCE),
        ])
    }

    fn start_with(settings: &[(&str, &str)]) -> Self {
        let mut all = vec![
            ("CONVOSYNC__AUTH__MODE", "protected"),
            // Tests of proofs that fail come from one address.
            ("CONVOSYNC__LIMITS__FAILED_PROOFS_PER_MINUTE", "0"),
            ("CONVOSYNC__LIMITS__ADDRESS_REQUESTS_PER_SECOND", "0"),
        ];
        all.extend(settings);
        Self(Server::start_with(&all))
    }

    fn send(&self, ask: &Ask) -> RawAnswer {
        let mut connection = Connection::open(self.0.address());
        connection.send(ask.bytes("close"));
        connection.last_answer().expect("an answer")
    }

    /// The status and the body of an answer, the name of the request aside.
    fn shown(&self, ask: &Ask) -> String {
        let answer = self.send(ask);
        let body = &answer.body;
        let (body, end) = body
            .split_once(r#","request_id":"#)
            .map_or((body.as_str(), ""), |(body, _)| (body, "}"));
        format!("{} {body}{end}", answer.status)
    }

    /// A new API key with these scopes.
    fn api_key(&self, scopes: &str) -> String {
        let mut command = self.0.command();
        let finished = Finished::of(command.args(["key", "create", "--scope", scopes]));
        assert_eq!(finished.code, Some(0), "{finished:?}");
        finished.stdout.trim_end().to_owned()
    }

    /// A new anonymous visitor.
    fn anon_id(&self) -> String {
        let answer = self.send(&Ask::post(VISITORS, &json!({})));
        assert_eq!(answer.status, 201, "{answer:?}");
        let body: Value = serde_json::from_str(&answer.body).unwrap();
        body["anon_id"].as_str().expect("an anon_id").to_owned()
    }
}

/// A request.
#[derive(Clone)]
struct Ask {
    method: &'static str,
    target: String,
    headers: Vec<(&'static str, String)>,
    body: String,
}

impl Ask {
    fn get(target: impl Into<String>) -> Self {
        Self {
            method: "GET",
            target: target.into(),
            headers: Vec::new(),
            body: String::new(),
        }
    }

    fn post(target: impl Into<String>, body: &Value) -> Self {
        Self {
            method: "POST",
            body: body.to_string(),
            ..Self::get(target)
        }
        .with("Content-Type", "application/json")
    }

    fn delete(target: impl Into<String>) -> Self {
        Self {
            method: "DELETE",
            ..Self::get(target)
        }
    }

    fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    fn by(self, token: &str) -> Self {
        self.with("Authorization", format!("Bearer {token}"))
    }

    fn bytes(&self, connection: &str) -> Vec<u8> {
        let Self {
            method,
            target,
            body,
            ..
        } = self;
        let length = body.len();
        let mut head = format!(
            "{method} {target} HTTP/1.1\r\nHost: localhost\r\nConnection: {connection}\r\n\
             Content-Length: {length}\r\n"
        );
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        format!("{head}\r\n{body}").into_bytes()
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a running server judges by the clock of the machine"
)]
fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs()
}

/// The token of a user, good for an hour.
fn token(user_id: &str) -> String {
    token_of(&claims(user_id))
}

fn claims(user_id: &str) -> Value {
    json!({ "sub": user_id, "aud": AUDIENCE, "iat": now(), "exp": now() + 3_600 })
}

fn token_of(claims: &Value) -> String {
    let key = EncodingKey::from_secret(SECRET.as_bytes()).unwrap();
    jsonwebtoken::encode(&Header::new(Algorithm::HS256), claims, &key).unwrap()
}

/// The query that names a user.
fn user(user_id: &str) -> String {
    format!("?user_id={user_id}")
}

fn nothing() -> Value {
    json!({ "conversations": [] })
}
