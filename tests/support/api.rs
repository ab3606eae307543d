//! The HTTP API as a client of it calls it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use ureq::Agent;

use super::Answer;
use crate::model::stand_ins;

const SYNC: &str = "/api/sync-conversations/";
const CHANGES: &str = "/api/sync-conversations/changes/";

/// The API at a base URL, for one visitor.
#[derive(Clone)]
pub(crate) struct Api {
    agent: Agent,
    /// Those of several servers on one store are asked in turn.
    bases: Vec<String>,
    asked: Arc<AtomicUsize>,
    /// `user_id=...` or `anon_id=...`.
    visitor: String,
}

impl Api {
    /// Registers a visitor and speaks for it; `visitor` is the query that names it.
    pub(crate) fn register(base: &str, visitor: &str) -> Self {
        let api = Self::unregistered(base, visitor);
        let (kind, name) = visitor.split_once('=').unwrap();
        let answer = api.send(
            "POST",
            "/api/visitors/",
            Some(&json!({ kind: name }).to_string()),
        );
        assert!(matches!(answer.status, 200 | 201), "{answer:?}");
        api
    }

    pub(crate) fn unregistered(base: &str, visitor: &str) -> Self {
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .build()
            .into();
        Self {
            agent,
            bases: vec![base.to_owned()],
            asked: Arc::default(),
            visitor: visitor.to_owned(),
        }
    }

    /// Posts a body; the answer if the server gave one, so that it may die meanwhile.
    pub(crate) fn try_post(&self, body: &(impl AsRef<[u8]> + ?Sized)) -> Option<Answer> {
        let path = format!("{SYNC}?{}", self.visitor);
        self.try_send("POST", &path, Some(body.as_ref()))
    }

    /// Posts a body in which there may be stand-ins.
    pub(crate) fn post(&self, body: &Value) -> Answer {
        self.try_post(&stand_ins::write(body)).expect("an answer")
    }

    /// Posts a body of which nothing is to be mended.
    pub(crate) fn post_strictly(&self, body: &str) -> Answer {
        self.post_preferring(body, Some("handling=strict"), "")
    }

    /// Posts a body of which the good items are to be taken.
    pub(crate) fn post_leniently(&self, body: &str) -> Answer {
        self.post_preferring(body, Some("handling=lenient"), "")
    }

    /// The same at several servers, which are asked in turn.
    pub(crate) fn at(self, bases: &[String]) -> Self {
        Self {
            bases: bases.to_vec(),
            ..self
        }
    }

    fn base(&self) -> &str {
        let asked = self.asked.fetch_add(1, Ordering::Relaxed);
        &self.bases[asked % self.bases.len()]
    }

    /// Posts a body with this preference, if any, and these further parameters of the URL.
    pub(crate) fn post_preferring(
        &self,
        body: &str,
        preferred: Option<&str>,
        more: &str,
    ) -> Answer {
        let url = format!("{}{SYNC}?{}{more}", self.base(), self.visitor);
        let mut request = self.agent.post(&url);
        if let Some(preferred) = preferred {
            request = request.header("Prefer", preferred);
        }
        let request = request.header("Content-Type", "application/json");
        Answer::of(request.send(body))
    }

    /// The ids of the living conversations.
    pub(crate) fn ids(&self) -> Vec<String> {
        let answer = self.get(SYNC, "");
        let ids = answer["conversations"].as_array().expect("an array");
        ids.iter()
            .map(|id| id.as_str().expect("an id").to_owned())
            .collect()
    }

    /// The first thousand changes, as the server wrote them.
    pub(crate) fn page_text(&self, since: Option<&str>) -> String {
        let since = since.map(|since| format!("&since={since}"));
        let answer = self.get_answer(
            CHANGES,
            &format!("&limit=1000{}", since.unwrap_or_default()),
        );
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.text
    }

    /// One page of changes.
    pub(crate) fn page(&self, since: Option<&str>, limit: u32) -> Value {
        let since = since
            .map(|since| format!("&since={since}"))
            .unwrap_or_default();
        self.get(CHANGES, &format!("&limit={limit}{since}"))
    }

    /// Pulls to the end, handing out every page; returns the cursor.
    pub(crate) fn drain(
        &self,
        since: Option<String>,
        limit: u32,
        mut each: impl FnMut(&Value),
    ) -> String {
        let mut cursor = since;
        loop {
            let page = self.page(cursor.as_deref(), limit);
            each(&page);
            let next = page["cursor"].as_str().expect("a cursor").to_owned();
            if page["has_more"] == json!(false) {
                return next;
            }
            assert_ne!(Some(&next), cursor.as_ref(), "no progress");
            cursor = Some(next);
        }
    }

    /// Deletes a conversation, or a message of it.
    pub(crate) fn delete(&self, id: &str, message_id: Option<&str>) -> Answer {
        let mut path = format!("/api/conversations/{}", percent_encoded(id));
        if let Some(message_id) = message_id {
            path.push_str(&format!("/messages/{}", percent_encoded(message_id)));
        }
        self.send("DELETE", &format!("{path}/?{}", self.visitor), None)
    }

    /// Erases the visitor.
    pub(crate) fn erase(&self) -> Answer {
        self.send("DELETE", &format!("/api/visitors/?{}", self.visitor), None)
    }

    /// Merges the visitor of this `anon_id` into this one.
    pub(crate) fn merge(&self, anon_id: &str) -> Answer {
        let path = format!("/api/visitors/merge/?{}", self.visitor);
        self.send(
            "POST",
            &path,
            Some(&json!({ "anon_id": anon_id }).to_string()),
        )
    }

    /// What a pull is answered, whatever that is.
    pub(crate) fn changes(&self) -> Answer {
        self.get_answer(CHANGES, "")
    }

    fn get(&self, path: &str, more: &str) -> Value {
        let answer = self.get_answer(path, more);
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()
    }

    fn get_answer(&self, path: &str, more: &str) -> Answer {
        self.send("GET", &format!("{path}?{}{more}", self.visitor), None)
    }

    /// Sends a request and waits for its answer.
    pub(crate) fn send(&self, method: &str, path: &str, body: Option<&str>) -> Answer {
        let body = body.map(str::as_bytes);
        self.try_send(method, path, body).expect("an answer")
    }

    fn try_send(&self, method: &str, path: &str, body: Option<&[u8]>) -> Option<Answer> {
        let url = format!("{}{path}", self.base());
        let answer = match (method, body) {
            ("POST", Some(body)) => self
                .agent
                .post(&url)
                .header("Content-Type", "application/json")
                .send(body),
            ("DELETE", _) => self.agent.delete(&url).call(),
            _ => self.agent.get(&url).call(),
        };
        Answer::whole(answer).ok()
    }
}

/// A text as it may stand in a path.
pub(crate) fn percent_encoded(text: &str) -> String {
    let encoded = text.bytes().map(|byte| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'~' => {
            char::from(byte).to_string()
        }
        byte => format!("%{byte:02X}"),
    });
    encoded.collect()
}
