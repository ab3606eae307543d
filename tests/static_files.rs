//! An app beside the API, on the same origin.

use std::fs;
use std::path::Path;

use serde_json::json;
use tempfile::{TempDir, tempdir};

use crate::support::raw::{Connection, RawAnswer};
use crate::support::{Finished, Server, convosync};

const FOLDER: &str = "CONVOSYNC__SERVER__STATIC_FOLDER";
const PAGE: &str = "<!doctype html><title>chats</title>";

/// An app as it was built.
fn app() -> TempDir {
    let folder = tempdir().unwrap();
    fs::create_dir(folder.path().join("assets")).unwrap();
    fs::write(folder.path().join("index.html"), PAGE).unwrap();
    fs::write(folder.path().join("assets/marker.js"), "export {}").unwrap();
    folder
}

fn start(folder: &Path, settings: &[(&str, &str)]) -> Server {
    let folder = folder.display().to_string();
    Server::start_with(&[&[(FOLDER, folder.as_str())], settings].concat())
}

fn send(server: &Server, request: &str, headers: &str) -> RawAnswer {
    let mut connection = Connection::open(server.address());
    let host = server.address();
    assert!(connection.send(format!(
        "{request} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{headers}\r\n"
    )));
    connection.last_answer().expect("an answer")
}

#[test]
fn an_app_and_the_api_have_one_origin() {
    let folder = app();
    let server = start(folder.path(), &[]);
    assert_eq!(server.get("/").text, PAGE);
    assert_eq!(server.get("/assets/marker.js").text, "export {}");
    assert_eq!(
        server.get("/version").json()["version"],
        env!("CARGO_PKG_VERSION")
    );
    let ada = server.post("/api/visitors/", &json!({"user_id": "ada"}));
    assert_eq!(ada.status, 201);

    let head = send(&server, "HEAD /", "");
    assert_eq!((head.status, head.body.as_str()), (200, ""));
    let length = PAGE.len().to_string();
    assert_eq!(head.header("content-length"), Some(length.as_str()));
    let page = send(&server, "GET /chat/7", "Accept: text/html\r\n");
    assert_eq!((page.status, page.body.as_str()), (200, PAGE));
    for nowhere in [
        "/chat/7",
        "/api/chat/7",
        "/../../../../etc/passwd",
        "/%2e%2e/%2e%2e/etc/passwd",
    ] {
        let answer = send(&server, &format!("GET {nowhere}"), "");
        assert_eq!(answer.status, 404, "{nowhere}");
        assert!(answer.body.contains("\"code\":\"not_found\""), "{answer:?}");
    }
    let foreign = "GET / HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n";
    let mut connection = Connection::open(server.address());
    assert!(connection.send(foreign));
    assert_eq!(
        connection.last_answer().map(|answer| answer.status),
        Some(421)
    );
}

#[test]
fn files_need_no_proof_and_count_as_requests() {
    let folder = app();
    let server = start(
        folder.path(),
        &[
            ("CONVOSYNC__AUTH__MODE", "protected"),
            ("CONVOSYNC__LIMITS__ADDRESS_REQUESTS_PER_SECOND", "1"),
        ],
    );
    assert_eq!(server.get("/").text, PAGE);
    assert_eq!(server.get("/api/visitors/?user_id=ada").status, 401);
    let statuses: Vec<_> = (0..20).map(|_| server.get("/").status).collect();
    assert_eq!(statuses.first(), Some(&200));
    assert_eq!(statuses.last(), Some(&429));
}

#[test]
fn no_path_of_a_file_is_in_the_log_or_in_a_metric() {
    let folder = app();
    let token = "a-token-for-operators";
    let mut server = start(folder.path(), &[("CONVOSYNC__METRICS__TOKEN", token)]);
    for path in ["/assets/marker.js", "/", "/marker-nowhere"] {
        server.get(path);
    }
    let bearer = format!("Authorization: Bearer {token}\r\n");
    let metrics = send(&server, "GET /metrics", &bearer);
    assert_eq!(metrics.status, 200);
    let counted = "convosync_http_requests_total{route=\"static\",method=\"GET\",status=\"200\"} 2";
    assert!(
        metrics.body.lines().any(|line| line == counted),
        "{}",
        metrics.body
    );
    let log = server.stderr_to_its_end();
    assert!(log.contains("\"route\":\"static\""), "{log}");
    for told in [&metrics.body, &log] {
        assert!(!told.contains("marker"), "{told}");
    }
}

#[test]
fn a_folder_that_cannot_be_served_is_refused_and_nothing_is_made() {
    let folder = tempdir().unwrap();
    for (path, problem) in [
        (
            "nowhere",
            "server.static_folder: cannot read nowhere: No such file or directory (os error 2); ",
        ),
        (
            ".",
            "server.static_folder: everybody could read data/convosync.db (database.url), which is in . ",
        ),
    ] {
        let mut command = convosync(folder.path());
        let finished = Finished::of(command.env(FOLDER, path));
        let complaint = finished.complaint(2);
        assert!(complaint.starts_with(problem), "{complaint}");
        let origin = format!("(from the environment variable {FOLDER})");
        assert!(complaint.ends_with(&origin), "{complaint}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
