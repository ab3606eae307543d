use serde_json::{Value, json};

use super::{everything, living};
use crate::support::Server;
use crate::support::api::Api;
use crate::support::raw::Connection;

const REAL_CONVERSATIONS: &str = include_str!("../data/real-conversations.json");

fn export(server: &Server, visitor: &str) -> String {
    let answer = server.get(&format!("/api/visitors/export/?{visitor}"));
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.text
}

/// Posts an export line by line for somebody new, who is returned.
fn posted_again(server: &Server, export: &str, visitor: &str) -> Api {
    let api = Api::register(&server.url(), visitor);
    for line in export.lines() {
        let answer = api.try_post(line).unwrap();
        assert_eq!(answer.status, 200, "{answer:?} to {line}");
    }
    api
}

#[test]
fn what_is_exported_and_posted_line_by_line_is_the_same() {
    let server = Server::start();
    let ada = Api::register(&server.url(), "user_id=ada");
    assert_eq!(export(&server, "user_id=ada"), "");
    let real: Value = serde_json::from_str(REAL_CONVERSATIONS).unwrap();
    for body in [&everything(), &real] {
        assert_eq!(ada.post(body).status, 200);
    }
    let exported = export(&server, "user_id=ada");
    assert!(exported.ends_with('\n'));
    let bob = posted_again(&server, &exported, "anon_id=bob");
    assert_eq!(living(&bob), living(&ada));
    assert_eq!(bob.ids(), ada.ids());
    // It is the whole of it: exported again it is the same, but for deletions that are each message's own now.
    let again = export(&server, "anon_id=bob");
    assert_eq!(again, exported);
    // What was told as deleted stays so.
    let late = json!({ "conversations": [{ "id": "dead", "updated_at": super::T1 }] });
    assert_eq!(bob.post(&late).status, 200);
    assert_eq!(bob.ids(), ada.ids());
}

#[test]
fn a_long_conversation_comes_in_several_lines() {
    let server = Server::start();
    let ada = Api::register(&server.url(), "user_id=ada");
    for part in 0..3 {
        let messages: Vec<_> = (0..150)
            .map(|number| json!({ "message_id": format!("{part}-{number}"), "timestamp": super::T1 }))
            .collect();
        let long = json!({ "id": "long", "created_at": super::T1, "messages": messages });
        assert_eq!(ada.post(&json!({ "conversations": [long] })).status, 200);
    }
    let image = "x".repeat(3 << 20);
    for number in 0..4 {
        let message = json!({ "message_id": "m", "timestamp": super::T1, "img": image });
        let heavy = json!({ "id": format!("heavy-{number}"), "created_at": super::T1, "messages": [message] });
        assert_eq!(ada.post(&json!({ "conversations": [heavy] })).status, 200);
    }
    let exported = export(&server, "user_id=ada");
    assert!(exported.lines().count() >= 7);
    assert!(exported.lines().all(|line| line.len() < 4 << 20));
    let bob = posted_again(&server, &exported, "user_id=bob");
    assert_eq!(living(&bob), living(&ada));
}

#[test]
fn a_client_that_does_not_read_holds_a_page_of_memory() {
    let server = Server::start();
    let ada = Api::register(&server.url(), "user_id=ada");
    for number in 0..60 {
        let message = json!({ "message_id": "m", "img": "x".repeat(1 << 20) });
        let conversation = json!({ "id": format!("c{number}"), "messages": [message] });
        assert_eq!(
            ada.post(&json!({ "conversations": [conversation] })).status,
            200
        );
    }
    let before = server.peak_memory();
    let clients: Vec<_> = (0..4)
        .map(|_| {
            let mut client = Connection::open(server.address());
            let path = "/api/visitors/export/?user_id=ada";
            let head = format!("GET {path} HTTP/1.1\r\nHost: {}\r\n\r\n", server.address());
            assert!(client.send(head));
            client
        })
        .collect();
    // Somebody who reads gets all of it meanwhile.
    assert_eq!(export(&server, "user_id=ada").lines().count(), 60);
    if let (Some(before), Some(peak)) = (before, server.peak_memory()) {
        assert!(
            peak - before < 100,
            "{before} MiB before, {peak} MiB at most"
        );
    }
    drop(clients);
}

#[test]
fn head_tells_whether_there_is_an_export() {
    let server = Server::start();
    Api::register(&server.url(), "user_id=ada");
    for (user_id, status) in [("ada", 200), ("bob", 404)] {
        let mut client = Connection::open(server.address());
        client.send(format!(
            "HEAD /api/visitors/export/?user_id={user_id} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
            server.address()
        ));
        let answer = client.last_answer().unwrap();
        assert_eq!((answer.status, answer.body.as_str()), (status, ""));
    }
}
