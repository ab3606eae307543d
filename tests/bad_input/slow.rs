//! Clients that send a byte now and then: they are cut off, and nobody else waits for them.

use std::thread;
use std::time::{Duration, Instant};

use super::{Request, Visitor, conversation};
use crate::support::raw::{Connection, RawAnswer};

/// More than any of these limits, which are five seconds at most.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Sends bytes one by one until the server has had enough; its answer.
fn dribble(mut connection: Connection, bytes: &[u8]) -> Option<RawAnswer> {
    let started = Instant::now();
    for byte in bytes {
        if connection.is_answered() || !connection.send([*byte]) {
            break;
        }
        assert!(started.elapsed() < TIMEOUT, "it is never enough");
        thread::sleep(Duration::from_millis(250));
    }
    let answer = connection.last_answer();
    assert!(started.elapsed() < TIMEOUT, "it is never enough");
    answer
}

fn expect_timeout(answer: Option<RawAnswer>) {
    let answer = answer.expect("an answer");
    assert_eq!(answer.status, 408, "{answer:?}");
}

#[test]
fn heads_that_dribble() {
    let visitor = Visitor::new();
    let request = Request::post(conversation(",\"title\":\"m4rker\""));
    let head = request.head();
    thread::scope(|threads| {
        let slow: Vec<_> = (0..5)
            .map(|_| visitor.connect())
            .map(|connection| threads.spawn(|| dribble(connection, head.as_bytes())))
            .collect();
        visitor.expect_nothing_stored();
        for slow in slow {
            expect_timeout(slow.join().unwrap());
        }
    });
    visitor.expect_nothing_stored();
}

#[test]
fn bodies_that_dribble() {
    let visitor = Visitor::with_settings(&[("CONVOSYNC__LIMITS__BODY_SECONDS", "1")]);
    let request = Request::post(conversation(",\"title\":\"m4rker\""));
    let chunked = Request::post("")
        .without("Content-Length")
        .with("Transfer-Encoding", "chunked");
    let chunks = "1\r\n{\r\n".repeat(20);
    thread::scope(|threads| {
        let slow = [
            (request.head(), request.body.as_slice()),
            (chunked.head(), chunks.as_bytes()),
        ]
        .map(|(head, body)| {
            let mut connection = visitor.connect();
            assert!(connection.send(head));
            threads.spawn(move || dribble(connection, body))
        });
        visitor.expect_nothing_stored();
        for slow in slow {
            let answer = visitor.expect_refusal(slow.join().unwrap());
            insta::allow_duplicates! {
                insta::assert_snapshot!(answer.shown(), @r#"408 {"error":"Body took too long to arrive","code":"body_timeout"}"#);
            }
        }
    });
}

#[test]
fn a_body_that_comes_slower_than_a_kilobyte_a_second() {
    let visitor = Visitor::new();
    let request = Request::post(conversation(",\"title\":\"m4rker\""));
    let mut connection = visitor.connect();
    assert!(connection.send(request.head()));
    let answer = visitor.expect_refusal(dribble(connection, &request.body));
    assert_eq!(answer.status, 408);
}

#[test]
fn the_second_body_on_a_connection() {
    let visitor = Visitor::with_settings(&[("CONVOSYNC__LIMITS__BODY_SECONDS", "1")]);
    let request = Request::post("{\"conversations\":[]}");
    let mut connection = visitor.connect();
    assert!(connection.send(request.head()) && connection.send(&request.body));
    assert_eq!(connection.answer().status, 200);
    assert!(connection.send(request.head()));
    let answer = visitor.expect_refusal(dribble(connection, &request.body));
    assert_eq!(answer.status, 408);
}

/// Without an answer, since the server cannot tell a late request from one that never comes.
#[test]
fn the_second_head_on_a_connection() {
    let visitor = Visitor::new();
    let head = Request::new("GET", "/livez").head();
    let mut connection = visitor.connect();
    assert!(connection.send(&head));
    assert_eq!(connection.answer().status, 200);
    let started = Instant::now();
    loop {
        if connection.is_answered() || !connection.send(b"x") {
            break;
        }
        assert!(started.elapsed() < 4 * TIMEOUT, "it is never enough");
        thread::sleep(Duration::from_millis(500));
    }
    assert!(connection.last_answer().is_none());
    visitor.expect_nothing_stored();
}
