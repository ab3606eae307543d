//! Where the metrics are, and who sees them.

use std::net::{TcpListener, TcpStream};

use super::{LISTEN, TOKEN, ask, observed, operators};
use crate::support::raw::Connection;
use crate::support::{Finished, Server};

const WITH_TOKEN: (&str, &str) = ("CONVOSYNC__METRICS__TOKEN", TOKEN);

fn authorization(token: &str) -> String {
    format!("Authorization: Bearer {token}\r\n")
}

#[test]
fn without_settings_there_are_none() {
    let server = Server::start();
    for path in ["/metrics", "/metrics/", "/healthz"] {
        assert_eq!(server.get(path).status, 404, "{path}");
        assert_eq!(
            server.post(path, &serde_json::json!({})).status,
            404,
            "{path}"
        );
    }
    assert!(!server.stderr().contains("metrics on"));
}

#[test]
fn a_token_opens_them_on_the_address_of_the_server() {
    let server = Server::start_with(&[WITH_TOKEN]);
    for path in ["/metrics", "/metrics/"] {
        let answer = ask(server.address(), path, &authorization(TOKEN));
        assert_eq!(answer.status, 200, "{answer:?}");
        let kind = answer.header("content-type").unwrap();
        assert_eq!(kind, "text/plain; version=0.0.4; charset=utf-8");
        assert!(
            answer.body.contains("\nconvosync_build_info{"),
            "{answer:?}"
        );
    }
    let missing = ask(server.address(), "/metrics", "");
    assert_eq!(missing.status, 401);
    assert_eq!(missing.header("www-authenticate"), Some("Bearer"));
    for wrong in ["", "a-token-of-some-lengtH", "a-token-of-some-lengthy"] {
        let answer = ask(server.address(), "/metrics", &authorization(wrong));
        assert_eq!(answer.status, 401, "{wrong}");
        assert!(!answer.body.contains("convosync_"), "{answer:?}");
    }
    // A page of another site that resolved its name to loopback.
    let mut connection = Connection::open(server.address());
    connection.send(format!(
        "GET /metrics HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n{}\r\n",
        authorization(TOKEN)
    ));
    assert_eq!(connection.last_answer().unwrap().status, 421);
    assert_eq!(server.get("/healthz").status, 404);
}

#[test]
fn guessing_the_token_is_stopped_where_proof_is_asked_for() {
    let server = Server::start_with(&[
        WITH_TOKEN,
        ("CONVOSYNC__AUTH__MODE", "protected"),
        ("CONVOSYNC__LIMITS__FAILED_PROOFS_PER_MINUTE", "3"),
    ]);
    let guess = || ask(server.address(), "/metrics", &authorization("a wrong one")).status;
    let answers: Vec<_> = (0..5).map(|_| guess()).collect();
    assert_eq!(answers.last(), Some(&429), "{answers:?}");
    let right = ask(server.address(), "/metrics", &authorization(TOKEN));
    assert_eq!(right.status, 429);
}

#[test]
fn a_listener_for_operators_has_them_and_little_else() {
    let server = observed(&[]);
    let operators = operators(&server);
    for path in ["/metrics", "/metrics/", "/healthz", "/livez", "/readyz"] {
        assert_eq!(ask(&operators, path, "").status, 200, "{path}");
    }
    for path in [
        "/",
        "/api/sync-conversations/?user_id=ada",
        "/version",
        "/docs",
    ] {
        assert_eq!(ask(&operators, path, "").status, 404, "{path}");
    }
    assert_eq!(server.get("/metrics").status, 404);
    for (head, status) in [
        ("POST /metrics HTTP/1.1\r\nHost: localhost", 405),
        ("GET /metrics HTTP/1.1\r\nHost: evil.example", 421),
        ("GET /healthz HTTP/1.1\r\nHost: evil.example", 421),
        ("HEAD /metrics HTTP/1.1\r\nHost: 127.0.0.1:9100", 200),
        // Prometheus may ask through a proxy.
        (
            "GET /metrics HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: 192.0.2.1",
            200,
        ),
    ] {
        let mut connection = Connection::open(&operators);
        connection.send(format!("{head}\r\nConnection: close\r\n\r\n"));
        let answer = connection.last_answer().unwrap();
        assert_eq!(answer.status, status, "{head}");
        assert_eq!(answer.header("access-control-allow-origin"), None);
    }
}

#[test]
fn a_token_guards_the_listener_too() {
    let server = observed(&[WITH_TOKEN]);
    let operators = operators(&server);
    for path in ["/metrics", "/healthz"] {
        assert_eq!(ask(&operators, path, "").status, 401, "{path}");
        assert_eq!(
            ask(&operators, path, &authorization(TOKEN)).status,
            200,
            "{path}"
        );
    }
    assert_eq!(ask(&operators, "/readyz", "").status, 200);
    let moved = ask(server.address(), "/metrics", &authorization(TOKEN));
    assert_eq!(moved.status, 404);
    let mut command = server.command();
    let printed = Finished::of(command.args(["config", "print"]));
    let told = format!("{}{}{}", printed.stdout, printed.stderr, server.stderr());
    assert!(told.contains(r#"token = "***""#), "{told}");
    assert!(!told.contains(TOKEN), "{told}");
}

#[test]
fn the_listener_ends_with_the_server() {
    let mut server = observed(&[]);
    let operators = operators(&server);
    assert_eq!(server.stop().code(), Some(0));
    assert!(TcpStream::connect(operators).is_err());
    if server.database().is_none() {
        let log = server.folder().join("data/convosync.db-wal");
        let left = std::fs::metadata(log).map_or(0, |log| log.len());
        assert_eq!(left, 0, "the store was not closed");
    }
}

#[test]
fn settings_that_cannot_be_followed_are_refused() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let folder = tempfile::TempDir::new().unwrap();
    for (name, value, complaint) in [
        (
            LISTEN.0,
            taken.as_str(),
            "metrics.listen: cannot listen on 127.0.0.1:",
        ),
        (
            LISTEN.0,
            "127.0.0.1",
            "metrics.listen: \"127.0.0.1\" is no address with a port",
        ),
        (
            LISTEN.0,
            "9100",
            "metrics.listen: \"9100\" is no address with a port",
        ),
        (LISTEN.0, "127.0.0.1:99999", "metrics.listen: "),
        (
            LISTEN.0,
            "192.0.2.1:9100",
            "metrics.listen: cannot listen on 192.0.2.1:9100",
        ),
        (
            WITH_TOKEN.0,
            "short-marker",
            "metrics.token: must have 16 characters",
        ),
        (
            WITH_TOKEN.0,
            "with a marker in it",
            "metrics.token: must have 16 characters",
        ),
    ] {
        let mut command = crate::support::convosync(folder.path());
        command.env("CONVOSYNC__SERVER__PORT", "0").env(name, value);
        let finished = Finished::of(&mut command);
        let told = finished.complaint(2);
        assert!(told.starts_with(complaint), "{told}");
        assert!(
            told.contains(&format!("environment variable {name}")),
            "{told}"
        );
        assert!(!told.contains("marker"), "{told}");
    }
    assert!(!folder.path().join("data").exists(), "a store was made");
}
