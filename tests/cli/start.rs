//! What a starting server tells, and what it logs.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::Server;

const LISTENING: &str = "listening on http://";

#[test]
fn a_server_tells_what_it_is_and_where() {
    let server = Server::start_on(None, &[]);
    let stderr = server.stderr();
    let folder = server.folder().canonicalize().unwrap().join("data");
    for line in [
        "store: sqlite://data/convosync.db".to_owned(),
        format!("data folder: {}", folder.display()),
        "configuration: defaults < environment".to_owned(),
        "access: open: whoever names a visitor is that visitor".to_owned(),
        format!("{LISTENING}{}", server.address()),
    ] {
        let times = stderr.lines().filter(|printed| *printed == line).count();
        assert_eq!(times, 1, "{line}: {stderr}");
    }
    assert_eq!(stderr.matches(LISTENING).count(), 1, "{stderr}");
    let port = server.address().strip_prefix("127.0.0.1:").unwrap();
    assert_ne!(port, "0");
}

#[test]
fn a_server_answers_when_it_says_that_it_listens() {
    let server = Server::start();
    for path in ["/livez", "/readyz"] {
        assert_eq!(server.get(path).status, 200);
    }
    let version = server.get("/version").json();
    assert_eq!(version["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(
        version["schema"].as_str().map(str::len),
        Some(14),
        "{version}"
    );
}

#[test]
fn log_lines_are_json_when_nobody_reads_them_on_a_terminal() {
    let mut server = Server::start();
    server.get("/nowhere");
    let stderr = server.stderr_to_its_end();
    let lines: Vec<_> = stderr
        .lines()
        .filter(|line| line.starts_with('{'))
        .collect();
    assert!(!lines.is_empty(), "{stderr}");
    for line in lines {
        let event: Value = serde_json::from_str(line).unwrap();
        assert!(
            event["level"].is_string() && event["timestamp"].is_string(),
            "{line}"
        );
    }
}

#[test]
fn nothing_of_a_visitor_is_logged_whatever_the_level() {
    let mut server = Server::start_with(&[
        ("CONVOSYNC__LOG__LEVEL", "trace"),
        ("CONVOSYNC__LOG__FORMAT", "text"),
    ]);
    let visitor = json!({"user_id": "marker-of-ada"});
    assert_eq!(server.post("/api/visitors/", &visitor).status, 201);
    let path = "/api/sync-conversations/?user_id=marker-of-ada";
    let body = json!({"conversations": [{
        "id": "f7b73c1a-66f6-55dd-a51e-72802d37cafa",
        "title": "marker-of-title",
        "messages": [{
            "message_id": "6518856d-63ae-5696-b190-8593ef95598b",
            "output": {"output_content_text": "marker-of-text"},
        }],
    }]});
    assert_eq!(server.post(path, &body).status, 200);
    assert_eq!(server.get(path).status, 200);
    assert_eq!(
        server
            .get("/api/sync-conversations/?user_id=marker-of-bob")
            .status,
        404
    );
    let invalid = json!({"conversations": [{"id": "marker-of-id\n"}]});
    assert_eq!(server.post(path, &invalid).status, 400);
    let stderr = server.stderr_to_its_end();
    assert!(stderr.contains("TRACE"), "the level was not trace");
    let leaks: Vec<_> = stderr
        .lines()
        .filter(|line| line.contains("marker-of"))
        .collect();
    assert!(leaks.is_empty(), "{leaks:#?}");
}

#[test]
fn a_client_that_speaks_no_http_is_no_error_of_the_server() {
    for (level, expected) in [("info", None), ("debug", Some(2))] {
        let mut server = Server::start_on(None, &[("CONVOSYNC__LOG__LEVEL", level)]);
        for garbage in ["\x16\x03\x01\x02\x00\r\n\r\n", "GET / HTTP/9.9\r\n\r\n"] {
            let mut stream = TcpStream::connect(server.address()).unwrap();
            stream.write_all(garbage.as_bytes()).unwrap();
            // It ends when the server has closed the connection.
            let _ = stream.read_to_end(&mut Vec::new());
        }
        // Whatever is logged of those is logged before this is.
        assert_eq!(server.get("/livez").status, 200);
        let stderr = server.stderr_to_its_end();
        let events = stderr
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok());
        let events: Vec<Value> = events.collect();
        assert!(
            events.iter().all(|event| event["level"] != "ERROR"),
            "{stderr}"
        );
        let malformed = events
            .iter()
            .rfind(|event| event["message"] == "a client sent a malformed request");
        let so_far = malformed.map(|event| event["so_far"].as_u64().unwrap());
        assert_eq!(so_far, expected, "{stderr}");
    }
}

#[test]
fn a_service_manager_hears_when_the_server_answers_and_when_it_stops() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket
        .set_read_timeout(Some(Duration::from_secs(30)))
        .unwrap();
    let said = || {
        let mut buffer = [0; 256];
        let length = socket.recv(&mut buffer).unwrap();
        String::from_utf8_lossy(&buffer[..length]).trim().to_owned()
    };
    let mut server = Server::start_with(&[("NOTIFY_SOCKET", path.to_str().unwrap())]);
    assert_eq!(said(), "READY=1");
    assert_eq!(server.get("/readyz").status, 200);
    assert_eq!(server.stop().code(), Some(0));
    assert_eq!(said(), "STOPPING=1");
}
