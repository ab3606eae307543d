//! What is read of the store at once, bounded whatever the clients do with the answers.

use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::Server;
use crate::support::api::Api;
use crate::support::raw::Connection;

const MIB: usize = 1 << 20;
/// Pages are longer than the buffers of a connection, and the budget is that of two that are read.
const SETTINGS: [(&str, &str); 2] = [
    ("CONVOSYNC__LIMITS__PAGE_BYTES", "16777216"),
    ("CONVOSYNC__LIMITS__READS_IN_FLIGHT_BYTES", "67108864"),
];
const PAGE: &str = "/api/sync-conversations/changes/?user_id=ada&limit=1000";

/// Gives a visitor so many messages of a megabyte, each in a conversation of its own.
fn fill(server: &Server, messages: usize) {
    let ada = Api::register(&server.url(), "user_id=ada");
    for number in 0..messages {
        let message = json!({ "message_id": "m", "img": "x".repeat(MIB) });
        let conversation = json!({ "id": format!("c{number}"), "messages": [message] });
        let answer = ada.post(&json!({ "conversations": [conversation] }));
        assert_eq!(answer.status, 200, "{answer:?}");
    }
}

#[test]
fn clients_that_do_not_read_hold_no_more_than_the_budget() {
    let server = Server::start_with(&SETTINGS);
    fill(&server, 40);
    let idle = server.peak_memory();
    let mut clients: Vec<_> = (0..12)
        .map(|_| {
            let mut client = Connection::open(server.address());
            let head = format!("GET {PAGE} HTTP/1.1\r\nHost: {}\r\n\r\n", server.address());
            assert!(client.send(head));
            client
        })
        .collect();
    // Those that find no room are answered at once, the others wait for their client.
    let started = Instant::now();
    while clients.iter().any(|client| client.begun_status().is_none()) {
        assert!(started.elapsed() < Duration::from_secs(60), "no answer");
        sleep(Duration::from_millis(20));
    }
    if let (Some(idle), Some(peak)) = (idle, server.peak_memory()) {
        assert!(
            peak - idle <= 64 + 64,
            "{idle} MiB idle, {peak} MiB at most"
        );
    }
    let mut refused: Vec<_> = clients
        .iter_mut()
        .filter(|client| client.begun_status() == Some(503))
        .collect();
    assert!(
        (4..12).contains(&refused.len()),
        "{} refused",
        refused.len()
    );
    let refused = refused[0].answer();
    assert_eq!(refused.header("retry-after"), Some("1"));
    assert!(
        refused.body.contains("\"too_many_in_flight\""),
        "{refused:?}"
    );

    // What those held who are gone is there again.
    drop(clients);
    let started = Instant::now();
    while server.get(PAGE).status != 200 {
        assert!(started.elapsed() < Duration::from_secs(60), "no room");
        sleep(Duration::from_millis(20));
    }
}

/// A post that would have more of what is stored in memory than there may be is refused, and one that has less is
/// taken.
#[test]
fn a_post_that_changes_too_much_of_what_is_stored_is_refused() {
    let server = Server::start_with(&SETTINGS);
    fill(&server, 36);
    let ada = Api::unregistered(&server.url(), "user_id=ada");
    let vote = |messages: usize| {
        let conversations = (0..messages).map(|number| {
            json!({ "id": format!("c{number}"), "messages": [{ "message_id": "m", "vote": true }] })
        });
        json!({ "conversations": conversations.collect::<Vec<_>>() })
    };
    let idle = server.peak_memory();
    let refused = ada.post(&vote(36));
    assert_eq!(refused.status, 413, "{refused:?}");
    assert!(refused.text.contains("\"too_much_stored\""), "{refused:?}");
    let taken = ada.post(&vote(20));
    assert_eq!(taken.status, 200, "{taken:?}");
    if let (Some(idle), Some(peak)) = (idle, server.peak_memory()) {
        assert!(
            peak - idle <= 64 + 64,
            "{idle} MiB idle, {peak} MiB at most"
        );
    }
}
