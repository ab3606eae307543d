//! Open mode: whom it believes, and whom it does not.

use serde_json::json;

use super::{Ask, SYNC, user};
use crate::support::Server;
use crate::support::raw::{Connection, RawAnswer};

fn send(server: &Server, host: &str, more: &str) -> RawAnswer {
    let path = format!("{SYNC}{}", user("ada"));
    let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{more}\r\n");
    let mut connection = Connection::open(server.address());
    connection.send(request);
    connection.last_answer().expect("an answer")
}

fn with_ada(settings: &[(&str, &str)]) -> Server {
    let server = Server::start_with(settings);
    let answer = server.post("/api/visitors/", &json!({ "user_id": "ada" }));
    assert_eq!(answer.status, 201);
    server
}

#[test]
fn a_name_that_was_rebound_to_loopback_is_refused() {
    let server = with_ada(&[("CONVOSYNC__SERVER__HOSTS", "Chats.example, 192.0.2.7")]);
    let port = server.address().rsplit(':').next().unwrap();
    for host in [
        "localhost",
        "127.0.0.1",
        "[::1]",
        "app.localhost",
        "chats.example",
        "192.0.2.7",
    ] {
        for host in [host.to_owned(), format!("{host}:{port}")] {
            assert_eq!(send(&server, &host, "").status, 200, "{host}");
        }
    }
    for host in [
        "evil.example",
        "evil.example:7800",
        "localhost.evil.example",
        "10.0.0.1",
        "",
    ] {
        let answer = send(&server, host, "");
        assert_eq!(answer.status, 421, "{host}: {answer:?}");
        assert!(
            answer.body.starts_with(
                r#"{"error":"Host is not one of this server's","code":"foreign_host","#
            ),
            "{answer:?}"
        );
    }
}

#[test]
fn what_comes_through_a_proxy_is_refused() {
    let server = with_ada(&[]);
    for header in [
        "Forwarded: for=192.0.2.1",
        "X-Forwarded-For: 127.0.0.1",
        "X-Forwarded-Host: localhost",
        "X-Forwarded-Proto: https",
        "Via: 1.1 proxy",
    ] {
        let answer = send(&server, "localhost", &format!("{header}\r\n"));
        assert_eq!(answer.status, 403, "{header}: {answer:?}");
        assert!(
            answer.body.contains(r#""code":"proxied_in_open_mode""#),
            "{answer:?}"
        );
    }
    assert_eq!(
        send(&server, "localhost", "X-Real-IP: 1.2.3.4\r\n").status,
        200
    );
}

#[test]
fn whoever_is_to_be_believed_from_everywhere_is() {
    let server = with_ada(&[("CONVOSYNC__AUTH__ALLOW_OPEN_ON_NETWORK", "true")]);
    let answer = send(&server, "chats.example", "X-Forwarded-For: 192.0.2.1\r\n");
    assert_eq!(answer.status, 200, "{answer:?}");
}

#[test]
fn proofs_are_neither_asked_for_nor_looked_at() {
    let server = with_ada(&[]);
    for authorization in ["Bearer x", "Bearer csk_x", "Basic x"] {
        let header = format!("Authorization: {authorization}\r\n");
        assert_eq!(
            send(&server, "localhost", &header).status,
            200,
            "{authorization}"
        );
    }
    let ask = Ask::get(SYNC).with("Authorization", "Anon nobody");
    let mut connection = Connection::open(server.address());
    connection.send(ask.bytes("close"));
    assert_eq!(connection.last_answer().unwrap().status, 404);
}
