//! Pages of other origins, as browsers send their requests.

use std::collections::BTreeSet;

use insta::assert_snapshot;

use crate::support::Server;
use crate::support::raw::{Connection, RawAnswer};

const SYNC: &str = "/api/sync-conversations/?user_id=ada";
const APP: &str = "https://app.example";
const EVIL: &str = "https://evil.example";
const LISTED: [(&str, &str); 1] = [(
    "CONVOSYNC__SERVER__CORS_ORIGINS",
    "https://app.example, capacitor://localhost",
)];

fn send(server: &Server, request: &str, headers: &[(&str, &str)]) -> RawAnswer {
    let lines: String = headers
        .iter()
        .map(|(name, value)| format!("{name}: {value}\r\n"))
        .collect();
    let mut connection = Connection::open(server.address());
    let host = server.address();
    assert!(connection.send(format!(
        "{request} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{lines}\r\n"
    )));
    connection.last_answer().expect("an answer")
}

fn preflight(server: &Server, origin: &str, path: &str) -> RawAnswer {
    let headers = [
        ("Origin", origin),
        ("Access-Control-Request-Method", "POST"),
        (
            "Access-Control-Request-Headers",
            "authorization,content-encoding,content-type,if-none-match,prefer",
        ),
    ];
    send(server, &format!("OPTIONS {path}"), &headers)
}

fn allowed(answer: &RawAnswer) -> Option<&str> {
    answer.header("access-control-allow-origin")
}

/// Whether no header tells a browser that anybody may do anything.
fn allows_nothing(answer: &RawAnswer) -> bool {
    let mut names = answer.headers.iter().map(|(name, _)| name.as_str());
    !names.any(|name| name.starts_with("access-control-"))
}

#[test]
fn a_listed_origin_may_ask_and_no_other() {
    let server = Server::start_with(&LISTED);
    for path in [SYNC, "/api/visitors/", "/version", "/nowhere"] {
        for origin in [APP, "capacitor://localhost"] {
            let answer = preflight(&server, origin, path);
            assert_eq!(
                (answer.status, allowed(&answer)),
                (200, Some(origin)),
                "{path}"
            );
            let vary = answer.header("vary").unwrap_or_default();
            assert!(vary.contains("Origin"), "{vary}");
            let methods = answer.header("access-control-allow-methods");
            let methods: BTreeSet<_> = methods.unwrap_or_default().split(", ").collect();
            assert!(methods.is_superset(&BTreeSet::from(["GET", "HEAD", "POST"])));
        }
        for origin in [EVIL, "http://app.example", "http://localhost:5173", "null"] {
            let answer = preflight(&server, origin, path);
            assert_eq!(answer.status, 403, "{origin}");
            assert!(allows_nothing(&answer), "{answer:?}");
            let (body, _) = answer.body.split_once(",\"request_id\"").expect("JSON");
            insta::allow_duplicates! {
                assert_snapshot!(body, @r#"{"error":"Pages of this origin may not ask here; server.cors_origins lists those that may","code":"origin_not_allowed""#);
            }
        }
    }
}

#[test]
fn pages_of_this_machine_may_ask_where_nothing_is_listed() {
    let server = Server::start();
    for origin in [
        "http://localhost:5173",
        "https://127.0.0.1",
        "http://[::1]:8080",
        "http://app.localhost:3000",
    ] {
        let answer = preflight(&server, origin, SYNC);
        assert_eq!((answer.status, allowed(&answer)), (200, Some(origin)));
    }
    for origin in [
        EVIL,
        "http://localhost.evil.example",
        "http://127.0.0.1.evil.example",
    ] {
        let answer = preflight(&server, origin, SYNC);
        assert_eq!(answer.status, 403, "{origin}");
        assert!(allows_nothing(&answer), "{answer:?}");
    }
}

#[test]
fn errors_may_be_read_by_those_who_may_ask_only() {
    let server = Server::start_with(&LISTED);
    let too_long = format!("GET /version?{}", "x".repeat(2_048));
    for (status, request, more) in [
        (200, "GET /version", None),
        (400, "GET /api/sync-conversations/?user_id=", None),
        (404, "GET /nowhere", None),
        (404, &*format!("GET {SYNC}"), None),
        (405, &*format!("PUT {SYNC}"), None),
        (405, &*format!("OPTIONS {SYNC}"), None),
        (
            413,
            "POST /api/visitors/",
            Some(("Content-Length", "67108865")),
        ),
        (414, &*too_long, None),
        (415, "POST /api/visitors/", Some(("Content-Encoding", "br"))),
    ] {
        let json = ("Content-Type", "application/json");
        for (origin, expected) in [(APP, Some(APP)), (EVIL, None)] {
            let mut headers = vec![json, ("Origin", origin)];
            headers.extend(more);
            let answer = send(&server, request, &headers);
            assert_eq!(answer.status, status, "{request}: {answer:?}");
            assert_eq!(allowed(&answer), expected, "{request}");
            assert_eq!(allows_nothing(&answer), expected.is_none(), "{request}");
            let vary = answer.header("vary").unwrap_or_default();
            assert!(vary.contains("Origin"), "{request}: {vary}");
            assert_eq!(answer.header("access-control-allow-credentials"), None);
        }
    }
}
