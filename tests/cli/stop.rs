//! How a server ends, and what it leaves.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::Server;

const BODY: &str = r#"{"user_id": "ada"}"#;

/// A request to register a visitor, of which all but the last byte of the body is sent.
fn begin_request(server: &Server) -> TcpStream {
    let mut connection = TcpStream::connect(server.address()).unwrap();
    connection
        .set_read_timeout(Some(Duration::from_secs(30)))
        .unwrap();
    let head = format!(
        "POST /api/visitors/ HTTP/1.1\r\nHost: localhost\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\nExpect: 100-continue\r\n\r\n",
        BODY.len()
    );
    connection.write_all(head.as_bytes()).unwrap();
    // Then the server has certainly read it.
    let mut asked_for_more = [0; 25];
    connection.read_exact(&mut asked_for_more).unwrap();
    assert_eq!(&asked_for_more, b"HTTP/1.1 100 Continue\r\n\r\n");
    connection
        .write_all(&BODY.as_bytes()[..BODY.len() - 1])
        .unwrap();
    connection
}

/// Waits until the server has taken notice of a signal.
fn until_it_stops_accepting(server: &Server) {
    let started = Instant::now();
    while TcpStream::connect(server.address()).is_ok() {
        assert!(
            started.elapsed() < Duration::from_secs(30),
            "it accepts connections still"
        );
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn sigterm_and_sigint_end_a_server_with_all_its_data_in_one_file() {
    for signal in ["TERM", "INT"] {
        let mut server = Server::start();
        assert_eq!(
            server
                .post("/api/visitors/", &json!({"user_id": "ada"}))
                .status,
            201
        );
        server.signal(signal);
        assert_eq!(server.wait().code(), Some(0), "{}", server.stderr());
        if server.database().is_some() {
            continue;
        }
        let log = server.folder().join("data/convosync.db-wal");
        let unwritten = std::fs::metadata(log).map_or(0, |log| log.len());
        assert_eq!(unwritten, 0);
    }
}

#[test]
fn a_stopping_server_answers_what_is_in_flight() {
    let mut server = Server::start();
    let mut connection = begin_request(&server);
    server.signal("TERM");
    until_it_stops_accepting(&server);
    connection
        .write_all(&BODY.as_bytes()[BODY.len() - 1..])
        .unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
    assert_eq!(server.wait().code(), Some(0), "{}", server.stderr());
}

#[test]
fn a_stopping_server_says_that_it_is_not_ready() {
    let mut server = Server::start_with(&[("CONVOSYNC__SERVER__DRAIN_SECONDS", "2")]);
    server.signal("TERM");
    let started = Instant::now();
    while server.get("/readyz").status != 503 {
        assert!(started.elapsed() < Duration::from_secs(2));
    }
    assert_eq!(server.get("/livez").status, 200);
    assert_eq!(server.wait().code(), Some(0), "{}", server.stderr());
}

#[test]
fn a_second_signal_ends_a_server_at_once() {
    let mut server = Server::start();
    let _in_flight = begin_request(&server);
    server.signal("TERM");
    until_it_stops_accepting(&server);
    let started = Instant::now();
    server.signal("INT");
    assert_eq!(server.wait().code(), Some(1), "{}", server.stderr());
    assert!(started.elapsed() < Duration::from_secs(5));
    assert!(
        server
            .stderr()
            .ends_with("convosync: stopped at once by a second signal\n")
    );
}

#[test]
fn a_request_that_does_not_end_is_given_up() {
    let mut server = Server::start_with(&[("CONVOSYNC__SERVER__SHUTDOWN_TIMEOUT_SECONDS", "1")]);
    let _in_flight = begin_request(&server);
    assert_eq!(server.stop().code(), Some(1), "{}", server.stderr());
    assert!(
        server
            .stderr()
            .contains("server.shutdown_timeout_seconds = 1")
    );
}

#[test]
fn an_idle_connection_does_not_hold_a_server() {
    let mut server = Server::start();
    let mut idle = TcpStream::connect(server.address()).unwrap();
    idle.write_all(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .unwrap();
    let mut some = [0; 12];
    idle.read_exact(&mut some).unwrap();
    assert_eq!(&some, b"HTTP/1.1 200");
    let started = Instant::now();
    assert_eq!(server.stop().code(), Some(0), "{}", server.stderr());
    assert!(started.elapsed() < Duration::from_secs(4));
}

#[test]
fn what_was_acknowledged_outlives_a_kill() {
    let mut server = Server::start();
    let ada = json!({"user_id": "ada"});
    assert_eq!(server.post("/api/visitors/", &ada).status, 201);
    server.kill();
    server.restart();
    assert_eq!(server.post("/api/visitors/", &ada).status, 200);
}
