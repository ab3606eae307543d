//! How many may wait, and for how long a client may take nothing.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::Server;
use crate::support::api::Api;
use crate::support::events::Events;
use crate::support::raw::Connection;

const ADA: &str = "user_id=ada";
const ONE_STREAM: (&str, &str) = ("CONVOSYNC__LIMITS__STREAMS_PER_VISITOR", "1");

fn status(server: &Server) -> u16 {
    let events = Events::open(server.address(), ADA, None);
    events.expect("an answer").status
}

#[test]
fn a_place_is_free_again_when_its_client_has_gone() {
    let server = Server::start_with(&[ONE_STREAM]);
    Api::register(&server.url(), ADA);
    let events = Events::open(server.address(), ADA, None).expect("a stream");
    assert_eq!(status(&server), 429);
    drop(events);
    let gone = Instant::now();
    // It is found out when something is next sent, twice at most.
    while status(&server) != 200 {
        assert!(gone.elapsed() < Duration::from_secs(40));
        thread::sleep(Duration::from_millis(500));
    }
}

/// More than the server takes of what comes while it serves something else.
fn flood() -> Vec<u8> {
    b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(8_000)
}

/// Where what was sent fills the buffers of actix, that asks whoever waits without a pause, and they are to wait no more.
#[test]
fn a_client_that_asks_on_and_on_while_it_waits_keeps_nobody_busy() {
    let server = Server::start();
    let api = Api::register(&server.url(), ADA);
    let cursor = api.page(None, 1)["cursor"].as_str().unwrap().to_owned();
    let begin = |path: &str| {
        let mut connection = Connection::open(server.address());
        let path = format!("/api/sync-conversations/{path}");
        assert!(connection.send(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n")));
        thread::sleep(Duration::from_millis(500));
        connection.send(flood());
        connection
    };
    let _stream = begin(&format!("events/?{ADA}"));
    let _waits = begin(&format!("changes/?{ADA}&since={cursor}&wait=60"));
    let flooded = Instant::now();
    loop {
        let Some(before) = server.cpu() else { return };
        thread::sleep(Duration::from_secs(2));
        let spent = server.cpu().expect("it told before") - before;
        if spent < Duration::from_millis(500) {
            return;
        }
        assert!(
            flooded.elapsed() < Duration::from_secs(30),
            "{spent:?} in 2 s"
        );
    }
}

#[test]
fn a_client_that_does_not_read_is_dropped_with_bounded_memory() {
    let server = Server::start_with(&[ONE_STREAM]);
    let api = Api::register(&server.url(), ADA);
    let _unread = Events::open(server.address(), ADA, None).expect("a stream");
    let before = server.peak_memory();
    // More than all buffers on the way take.
    let title = "t".repeat(2 << 20);
    for number in 0..24 {
        let body = json!({ "conversations": [{ "id": number.to_string(), "title": title }] });
        assert_eq!(api.post(&body).status, 200);
    }
    let posted = Instant::now();
    while status(&server) != 200 {
        assert!(
            posted.elapsed() < Duration::from_secs(90),
            "it is not dropped"
        );
        thread::sleep(Duration::from_secs(1));
    }
    if let (Some(before), Some(after)) = (before, server.peak_memory()) {
        assert!(after - before < 64, "{before} MiB, then {after} MiB");
    }
}
