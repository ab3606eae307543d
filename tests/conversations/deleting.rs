//! Deletions by URL: what they take, and what brings it back.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::{LIST, T1, T2, Visitor, conversation_path, message_path};
use crate::support::Server;

/// Later than any clock, so that it is honoured once as the moment of its receipt.
const FAR: &str = "2999-01-01T00:00:00Z";

/// Seconds since 1970.
#[expect(
    clippy::disallowed_methods,
    reason = "a running server judges by the clock of the machine"
)]
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap().as_secs()
}

fn with_conversation(server: &Server) -> (Visitor<'_>, Value) {
    let ada = Visitor::register(server, "ada");
    let one = json!({ "message_id": "1", "timestamp": T1 });
    let two = json!({ "message_id": "2", "timestamp": T2 });
    let whole = json!({
        "id": "c", "title": "T", "created_at": T1, "updated_at": T1, "messages": [one, two],
    });
    ada.post(&whole);
    (ada, whole)
}

/// What has changed since a cursor, with the cursor to go on from.
fn pulled(ada: &Visitor<'_>, since: &str) -> (Vec<Value>, String) {
    let mut changes = Vec::new();
    let cursor = ada.api.drain(Some(since.to_owned()), 1_000, |page| {
        changes.extend(page["conversations"].as_array().unwrap().clone());
    });
    (changes, cursor)
}

fn cursor(ada: &Visitor<'_>) -> String {
    ada.api.drain(None, 1_000, |_| ())
}

#[test]
fn a_deleted_conversation_is_gone_and_devices_learn_of_it() {
    let server = Server::start();
    let (ada, whole) = with_conversation(&server);
    let before = cursor(&ada);
    let path = conversation_path("c");
    let answer = ada.send("DELETE", &path, "", &[]);
    assert_eq!((answer.status, &*answer.body), (204, ""));
    assert_eq!(answer.header("content-type"), None);

    assert_eq!(ada.get(&path, "").status, 404);
    assert_eq!(ada.shown(LIST, "")["conversations"], json!([]));
    assert_eq!(ada.api.ids(), Vec::<String>::new());
    let (changes, _) = pulled(&ada, &before);
    let [tombstone] = changes.as_slice() else {
        panic!("one tombstone: {changes:?}");
    };
    let deleted_at = tombstone["deleted_at"].as_str().expect("a moment");
    assert_eq!(*tombstone, json!({ "id": "c", "deleted_at": deleted_at }));
    assert!(deleted_at > "2026", "{deleted_at}");

    // A deletion is repeated without harm, of the conversation and of what was in it.
    assert_eq!(ada.delete(&path), 204);
    assert_eq!(ada.delete(&message_path("c", "1")), 204);
    assert_eq!(ada.delete(&message_path("c", "never there")), 404);

    // Devices that have not heard of it do not bring it back.
    let counts = ada.post(&whole);
    assert_eq!(
        (&counts["created"], &counts["updated"]),
        (&json!(0), &json!(1))
    );
    assert_eq!(ada.get(&path, "").status, 404);
    // One that edits it later does, with what it posts.
    let revived = json!({
        "id": "c", "updated_at": FAR, "messages": [{ "message_id": "2", "timestamp": T2 }],
    });
    ada.post(&revived);
    let shown = ada.shown(&path, "");
    assert_eq!(shown["title"], Value::Null);
    assert_eq!(
        shown["messages"],
        json!([{ "message_id": "2", "timestamp": T2 }])
    );
}

#[test]
fn a_deleted_message_is_gone_and_devices_learn_of_it() {
    let server = Server::start();
    let (ada, mut whole) = with_conversation(&server);
    let before = cursor(&ada);
    let (path, of_message) = (conversation_path("c"), message_path("c", "1"));
    assert_eq!(ada.delete(&of_message), 204);

    let two = json!({ "message_id": "2", "timestamp": T2 });
    assert_eq!(ada.shown(&path, "")["messages"], json!([two]));
    let (changes, _) = pulled(&ada, &before);
    let [changed] = changes.as_slice() else {
        panic!("one conversation: {changes:?}");
    };
    assert_eq!(changed["title"], json!("T"));
    let [tombstone] = changed["messages"].as_array().unwrap().as_slice() else {
        panic!("one message: {changed}");
    };
    let deleted_at = &tombstone["deleted_at"];
    assert_eq!(
        *tombstone,
        json!({ "message_id": "1", "deleted_at": deleted_at })
    );
    assert!(deleted_at.as_str().expect("a moment") > "2026");
    assert_eq!(ada.delete(&of_message), 204);

    // Devices that post the whole conversation do not bring it back, even where that is newer.
    whole["updated_at"] = json!(FAR);
    ada.post(&whole);
    assert_eq!(ada.shown(&path, "")["messages"], json!([two]));
    // One that edits the message itself does.
    let edited = json!({ "message_id": "1", "timestamp": T1, "updated_at": FAR });
    ada.post(&json!({ "id": "c", "messages": [edited] }));
    assert_eq!(ada.shown(&path, "")["messages"], json!([edited, two]));
}

/// It is within what a device's clock may run ahead.
#[test]
fn what_a_clock_that_runs_ahead_has_stamped_is_deleted_all_the_same() {
    let server = Server::start();
    let ada = Visitor::register(&server, "ada");
    let ahead = json!(now() + 200);
    let message = json!({ "message_id": "m", "updated_at": ahead });
    for id in ["c", "d"] {
        ada.post(&json!({ "id": id, "updated_at": ahead, "messages": [message] }));
    }
    assert_eq!(ada.delete(&message_path("c", "m")), 204);
    assert_eq!(
        ada.shown(&conversation_path("c"), "")["messages"],
        json!([])
    );
    assert_eq!(ada.delete(&conversation_path("d")), 204);
    assert_eq!(ada.get(&conversation_path("d"), "").status, 404);
    // The same bytes again do not undo it.
    for id in ["c", "d"] {
        ada.post(&json!({ "id": id, "updated_at": ahead, "messages": [message] }));
    }
    assert_eq!(
        ada.shown(&conversation_path("c"), "")["messages"],
        json!([])
    );
    assert_eq!(ada.get(&conversation_path("d"), "").status, 404);
}

#[test]
fn what_was_never_there_is_not_made() {
    let server = Server::start_with(&[("CONVOSYNC__VISITORS__REGISTRATION", "on_first_sync")]);
    let (ada, _) = with_conversation(&server);
    let before = (ada.everything(), cursor(&ada));
    let never = [
        (conversation_path("d"), "conversation_not_found"),
        (message_path("d", "1"), "conversation_not_found"),
        (message_path("c", "3"), "message_not_found"),
    ];
    for (path, code) in &never {
        for headers in [&[][..], &[("If-Match", "*")], &[("If-Match", "\"x\"")]] {
            let answer = ada.send("DELETE", path, "", headers);
            assert_eq!(answer.status, 404, "{path}");
            assert!(answer.body.contains(code), "{answer:?}");
        }
    }
    assert_eq!((ada.everything(), cursor(&ada)), before);
    // Nor is a visitor.
    let nobody = Visitor {
        query: "user_id=nobody".to_owned(),
        ..Visitor::register(&server, "grace")
    };
    for (path, _) in &never {
        for _ in 0..2 {
            assert_eq!(nobody.delete(path), 404);
        }
    }
    assert_eq!(nobody.get(LIST, "").status, 404);
}

#[test]
fn a_message_of_a_dead_conversation_does_not_change() {
    let server = Server::start();
    let (ada, _) = with_conversation(&server);
    assert_eq!(ada.delete(&conversation_path("c")), 204);
    let since = cursor(&ada);
    for id in ["1", "2"] {
        assert_eq!(ada.delete(&message_path("c", id)), 204);
    }
    let (changes, after) = pulled(&ada, &since);
    assert_eq!((changes, after), (Vec::new(), since));
}
