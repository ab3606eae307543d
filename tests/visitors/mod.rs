//! What is done with a visitor as a whole, over HTTP on a running server.

mod erase;
mod export;
mod merge;
mod summary;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::support::Answer;
use crate::support::api::Api;

const T1: &str = "2025-01-01T00:00:01Z";
const T2: &str = "2025-01-01T00:00:02Z";
const T3: &str = "2025-01-01T00:00:03Z";

/// What takes the visitor's place in the URL, and the endpoints that take one.
fn everywhere(api: &Api, visitor: &str) -> Vec<Answer> {
    let sync = format!("/api/sync-conversations/?{visitor}");
    let nothing = json!({ "conversations": [] }).to_string();
    let (kind, name) = visitor.split_once('=').unwrap();
    let register = json!({ kind: name }).to_string();
    vec![
        api.send("GET", &sync, None),
        api.send("POST", &sync, Some(&nothing)),
        api.send("POST", &format!("{sync}&since="), Some(&nothing)),
        api.send(
            "GET",
            &format!("/api/sync-conversations/changes/?{visitor}"),
            None,
        ),
        api.send("GET", &format!("/api/visitors/?{visitor}"), None),
        api.send("GET", &format!("/api/visitors/export/?{visitor}"), None),
        api.send("DELETE", &format!("/api/visitors/?{visitor}"), None),
        api.send("POST", "/api/visitors/", Some(&register)),
    ]
}

fn assert_gone(answers: &[Answer], error: &str, code: &str) {
    for answer in answers {
        assert_eq!(answer.status, 410, "{answer:?}");
        let answer = answer.json();
        assert_eq!(
            (&answer["error"], &answer["code"]),
            (&json!(error), &json!(code))
        );
    }
}

/// Every kind of item: living, of no stamp, with parts, with a dead message, and dead.
fn everything() -> Value {
    let parts = json!({
        "message_id": "parts", "timestamp": T1, "updated_at": T1, "vote": true,
        "metadata": { "n": 1, "text": "line\nend" }, "x": [1, 2],
        "request": { "id": 1, "request_model": "m" }, "response": {}, "output": { "output_content_text": "é" },
    });
    json!({ "conversations": [
        { "id": "stamped", "title": "T", "updated_at": T2, "created_at": T1, "extra": { "a": null }, "messages": [
            parts,
            { "message_id": "plain", "timestamp": T2 },
            { "message_id": "dead", "deleted_at": T1 },
        ] },
        { "id": "unstamped", "created_at": T1, "messages": [{ "message_id": "plain", "timestamp": T1 }] },
        { "id": "empty", "created_at": T1 },
        { "id": "dead", "deleted_at": T2 },
        // One that lost a message to a deletion and lives again.
        { "id": "revived", "created_at": T1, "updated_at": T1, "messages": [{ "message_id": "lost", "timestamp": T1 }] },
        { "id": "revived", "deleted_at": T2 },
        { "id": "revived", "created_at": T1, "updated_at": T3, "messages": [{ "message_id": "new", "timestamp": T1 }] },
    ] })
}

/// What a visitor has: each conversation with its messages, by id, tombstones left out.
fn living(api: &Api) -> BTreeMap<String, Value> {
    let mut living: BTreeMap<String, Value> = BTreeMap::new();
    api.drain(None, 3, |page| {
        for conversation in page["conversations"].as_array().unwrap() {
            let id = conversation["id"].as_str().unwrap().to_owned();
            if !conversation["deleted_at"].is_null() {
                living.remove(&id);
                continue;
            }
            let mut own = conversation.clone();
            let messages = own["messages"].take();
            let known = living
                .entry(id)
                .or_insert_with(|| json!({ "messages": {} }));
            for message in messages.as_array().unwrap() {
                let id = message["message_id"].as_str().unwrap();
                known["messages"][id] = message.clone();
                if !message["deleted_at"].is_null() {
                    known["messages"].as_object_mut().unwrap().remove(id);
                }
            }
            known["own"] = own;
        }
    });
    living
}
