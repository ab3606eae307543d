//! What a visitor may have, where the operator bounds it.

use std::thread;

use serde_json::{Value, json};

use crate::support::api::Api;
use crate::support::{Answer, Server};

const T1: &str = "2025-01-01T00:00:01Z";
const T2: &str = "2025-01-01T00:00:02Z";
const T3: &str = "2025-01-01T00:00:03Z";

const MAX_CONVERSATIONS: &str = "CONVOSYNC__VISITORS__MAX_CONVERSATIONS";
const MAX_BYTES: &str = "CONVOSYNC__VISITORS__MAX_BYTES";

fn conversation(id: &str) -> Value {
    json!({ "id": id, "title": "T", "updated_at": T1, "messages": [{ "message_id": "m" }] })
}

fn deletion(id: &str) -> Value {
    json!({ "id": id, "deleted_at": T2 })
}

/// A conversation with one message of so many bytes, and of the names of its fields.
fn long(id: &str, bytes: usize, updated_at: &str) -> Value {
    let message = json!({ "message_id": "m", "img": "x".repeat(bytes) });
    json!({ "id": id, "updated_at": updated_at, "messages": [message] })
}

fn body(conversations: &[Value]) -> Value {
    json!({ "conversations": conversations })
}

fn assert_taken(answer: &Answer) {
    assert_eq!(answer.status, 200, "{answer:?}");
}

fn assert_refused(answer: &Answer, text: &str) {
    assert_eq!(answer.status, 507, "{answer:?}");
    let answer = answer.json();
    assert_eq!(answer["error"], json!(text));
    assert_eq!(answer["code"], json!("quota_exceeded"));
}

#[test]
fn only_so_many_conversations_live() {
    let server = Server::start_with(&[(MAX_CONVERSATIONS, "2")]);
    let ada = Api::register(&server.url(), "user_id=ada");
    let text = "Visitor may have at most 2 conversations (visitors.max_conversations)";
    let three = body(&["a", "b", "c"].map(conversation));
    assert_refused(&ada.post(&three), text);
    assert_eq!(ada.ids(), [""; 0]);
    assert_taken(&ada.post(&body(&["a", "b"].map(conversation))));
    assert_refused(&ada.post(&body(&[conversation("c")])), text);
    // So is what is to be taken in part, and in a turn.
    let bad = json!({ "id": "d", "title": 7 });
    let in_part = body(&[conversation("c"), bad]).to_string();
    assert_refused(&ada.post_leniently(&in_part), text);
    let another = body(&[conversation("c")]).to_string();
    assert_refused(&ada.post_preferring(&another, None, "&since="), text);
    assert_eq!(ada.ids(), ["a", "b"]);

    // What does not grow passes: the same again, another message, one in the place of another.
    assert_taken(&ada.post(&body(&["a", "b"].map(conversation))));
    assert_taken(&ada.post(&body(&[long("a", 10_000, T2)])));
    assert_taken(&ada.post(&body(&[deletion("b"), conversation("c")])));
    assert_eq!(ada.ids(), ["a", "c"]);
    let revived = json!({ "id": "b", "updated_at": T3 });
    assert_refused(&ada.post(&body(std::slice::from_ref(&revived))), text);
    let turn = body(&[deletion("c"), revived]).to_string();
    assert_taken(&ada.post_preferring(&turn, None, "&since="));
    assert_eq!(ada.ids(), ["a", "b"]);

    // The limit is each visitor's own.
    let bob = Api::register(&server.url(), "user_id=bob");
    assert_taken(&bob.post(&body(&["a", "b"].map(conversation))));
}

#[test]
fn only_so_many_bytes_of_content_live() {
    let server = Server::start_with(&[(MAX_BYTES, "2000")]);
    let ada = Api::register(&server.url(), "user_id=ada");
    let text = "Visitor may have at most 2,000 bytes of content (visitors.max_bytes)";
    assert_refused(&ada.post(&body(&[long("a", 2_000, T1)])), text);
    assert_taken(&ada.post(&body(&[long("a", 1_500, T1)])));
    assert_refused(&ada.post(&body(&[long("b", 500, T1)])), text);
    assert_refused(&ada.post(&body(&[long("a", 2_000, T2)])), text);
    assert_taken(&ada.post(&body(&[long("a", 1_000, T2)])));
    assert_taken(&ada.post(&body(&[long("b", 500, T1)])));
    // What a deletion reaches without naming it makes room, too.
    assert_taken(&ada.post(&body(&[json!({ "id": "a", "deleted_at": T3 })])));
    assert_taken(&ada.post(&body(&[long("c", 1_000, T1)])));
    assert_eq!(ada.ids(), ["b", "c"]);
}

#[test]
fn a_limit_that_is_lowered_lets_what_shrinks_pass() {
    let mut server = Server::start();
    let ada = Api::register(&server.url(), "user_id=ada");
    let all = ["a", "b", "c"].map(|id| long(id, 1_000, T1));
    assert_taken(&ada.post(&body(&all)));
    server.stop();
    server.restart_with(&[(MAX_CONVERSATIONS, "1"), (MAX_BYTES, "1")]);
    let ada = Api::unregistered(&server.url(), "user_id=ada");
    assert_eq!(ada.post(&body(&[conversation("d")])).status, 507);
    assert_eq!(ada.post(&body(&[long("a", 1_001, T2)])).status, 507);
    assert_taken(&ada.post(&body(&all)));
    assert_taken(&ada.post(&body(&[long("a", 999, T2)])));
    assert_taken(&ada.post(&body(&[deletion("b")])));
    let message = json!({ "message_id": "m", "deleted_at": T2 });
    assert_taken(&ada.post(&body(&[json!({ "id": "c", "messages": [message] })])));
    assert_eq!(ada.ids(), ["a", "c"]);
}

#[test]
fn a_first_post_beyond_the_limit_registers_nobody() {
    let server = Server::start_with(&[
        ("CONVOSYNC__VISITORS__REGISTRATION", "on_first_sync"),
        (MAX_CONVERSATIONS, "1"),
    ]);
    let ada = Api::unregistered(&server.url(), "user_id=ada");
    let refused = ada.post(&body(&["a", "b"].map(conversation)));
    let text = "Visitor may have at most 1 conversations (visitors.max_conversations)";
    assert_refused(&refused, text);
    let path = "/api/sync-conversations/?user_id=ada";
    assert_eq!(server.get(path).status, 404);
    assert_taken(&ada.post(&body(&[conversation("a")])));
    assert_eq!(ada.ids(), ["a"]);
}

#[test]
fn devices_that_post_at_once_stay_within_the_limit() {
    let server = Server::start_with(&[(MAX_CONVERSATIONS, "3")]);
    let ada = Api::register(&server.url(), "user_id=ada");
    let devices: Vec<_> = (0..8)
        .map(|number| {
            let ada = ada.clone();
            let posted = body(&[conversation(&format!("c{number}"))]);
            thread::spawn(move || ada.post(&posted).status)
        })
        .collect();
    let statuses = devices.into_iter().map(|device| device.join().unwrap());
    let mut statuses: Vec<_> = statuses.collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 200, 200, 507, 507, 507, 507, 507]);
    assert_eq!(ada.ids().len(), 3);
}
