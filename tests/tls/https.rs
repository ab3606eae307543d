//! HTTPS as clients use it.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use serde_json::{Value, json};

use super::TlsServer;
use crate::support::{Finished, Server};

const TURN: &str = "/api/sync-conversations/?user_id=ada&since=";
const HSTS: &str = "strict-transport-security";

fn turn() -> String {
    let message = json!({"message_id": "m", "output": {"output_content_text": "Hi"}});
    json!({"conversations": [{"id": "c", "messages": [message]}]}).to_string()
}

#[test]
fn a_turn_over_http_1() {
    let tls = TlsServer::start();
    let agent = tls.agent();
    let post = |path: &str, body: &str| {
        let request = agent.post(tls.url() + path);
        let request = request.header("Content-Type", "application/json");
        let mut answer = request.send(body).unwrap();
        assert_eq!(answer.headers()[HSTS], "max-age=31536000");
        let body: Value = answer.body_mut().read_json().unwrap();
        (answer.status().as_u16(), body)
    };
    assert_eq!(post("/api/visitors/", r#"{"user_id": "ada"}"#).0, 201);
    let (status, answer) = post(TURN, &turn());
    assert_eq!((status, &answer["messages_created"]), (200, &json!(1)));
    assert_eq!(post(TURN, "{").0, 400);
    let nowhere = agent.get(tls.url() + "/nowhere").call().unwrap();
    assert_eq!(nowhere.status(), 404);
    assert_eq!(nowhere.headers()[HSTS], "max-age=31536000");
    assert_eq!(tls.complaints(), [""; 0]);
}

#[tokio::test]
async fn a_turn_over_http_2() {
    let tls = TlsServer::start();
    let client = tls.connect_http2().await;
    let ada = r#"{"user_id": "ada"}"#.to_owned();
    assert_eq!(client.post("/api/visitors/", ada).await.status(), 201);
    let answer = client.post(TURN, turn()).await;
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.head.headers()[HSTS], "max-age=31536000");
    let answer: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(answer["messages_created"], 1);
    let ids = client.get("/api/sync-conversations?user_id=ada").await;
    assert_eq!(ids.body, r#"{"conversations":["c"]}"#);
    let (head, _) = client.begin("HEAD", "/readyz", &[], false).await;
    let head = super::client::whole(head).await;
    assert_eq!((head.status(), head.body.as_str()), (200, ""));
    assert_eq!(head.head.headers()["content-length"], "18");
    assert_eq!(client.get("/nowhere").await.code(), "not_found");
    assert_eq!(tls.complaints(), [""; 0]);
}

#[test]
fn plain_http_says_nothing_of_tls() {
    let server = Server::start();
    let answer = ureq::get(server.url() + "/livez").call().unwrap();
    assert!(!answer.headers().contains_key(HSTS));
}

#[test]
fn health_and_start_accept_whatever_certificate_there_is() {
    let tls = TlsServer::start();
    let listening = format!("listening on https://{}\n", tls.address());
    assert!(tls.server.stderr().ends_with(&listening) || tls.server.stderr().contains(&listening));
    let (_, port) = tls.address().rsplit_once(':').unwrap();
    let mut health = tls.server.command();
    let finished = Finished::of(health.args(["health", "--port", port]));
    assert_eq!(
        (finished.code, finished.stdout.as_str()),
        (Some(0), "ready\n")
    );
}

#[test]
fn tls_older_than_1_2_is_refused() {
    let tls = TlsServer::start();
    for minor in [1, 2] {
        // A greeting of TLS 1.0 or 1.1, with a cipher suite of its time and an algorithm of signatures.
        let greeting = [
            &[3, minor][..],
            &[7; 32],
            &[0],
            &[0, 2, 0xc0, 0x13],
            &[1, 0],
            &[0, 8, 0, 13, 0, 4, 0, 2, 4, 3],
        ]
        .concat();
        let length = u8::try_from(greeting.len()).unwrap();
        let handshake = [&[1, 0, 0, length][..], &greeting].concat();
        let record = [&[22, 3, 1, 0, length + 4][..], &handshake].concat();
        let mut stream = TcpStream::connect(tls.address()).unwrap();
        stream.write_all(&record).unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        // An alert: fatal, protocol_version.
        assert_eq!((answer[0], &answer[5..]), (21, &[2, 70][..]), "{answer:?}");
    }
    assert_eq!(tls.complaints(), [""; 0]);
}

#[test]
fn clients_that_speak_no_tls_are_sent_away_in_silence() {
    let tls = TlsServer::start();
    let closed_alert = [21, 3, 1, 0, 2, 1, 0];
    let garbage = [0xff; 2_000];
    for sent in [
        &b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"[..],
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        &closed_alert,
        &closed_alert.repeat(100),
        &garbage,
        b"",
    ] {
        let mut stream = TcpStream::connect(tls.address()).unwrap();
        // The server may have had enough before the end.
        let _ = stream.write_all(sent);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        assert!(!answer.starts_with(b"HTTP"), "{answer:?}");
    }
    assert_eq!(tls.connect().get("/livez"), 200);
    assert_eq!(tls.complaints(), [""; 0]);
}

#[tokio::test]
async fn nothing_of_a_visitor_is_logged_whatever_the_level() {
    let mut tls = TlsServer::start_with(&[("CONVOSYNC__LOG__LEVEL", "trace")]);
    let client = tls.connect_http2().await;
    let bob = r#"{"user_id": "marker-of-bob"}"#.to_owned();
    assert_eq!(client.post("/api/visitors/", bob).await.status(), 201);
    let path = "/api/sync-conversations/?user_id=marker-of-bob";
    let title = r#"{"conversations": [{"id": "c", "title": "marker-of-title"}]}"#;
    assert_eq!(client.post(path, title.to_owned()).await.status(), 200);
    let secret = [("authorization", "Bearer marker-of-token")];
    let (answer, _) = client.begin("GET", path, &secret, false).await;
    assert_eq!(super::client::whole(answer).await.status(), 200);
    let stderr = tls.server.stderr_to_its_end();
    assert!(stderr.contains("TRACE"), "the level was not trace");
    let leaks: Vec<_> = stderr
        .lines()
        .filter(|line| line.contains("marker-of"))
        .collect();
    assert!(leaks.is_empty(), "{leaks:#?}");
}
