//! What a connection of HTTP/2 may take.

use std::time::{Duration, Instant};

use actix_web::web::Bytes;
use h2::client::ResponseFuture;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::{sleep, timeout};

use super::TlsServer;
use super::client::{Http2, whole};

const SYNC: &str = "/api/sync-conversations/?user_id=ada";
const MIB: usize = 1 << 20;

async fn register(client: &Http2) {
    let ada = r#"{"user_id": "ada"}"#.to_owned();
    assert_eq!(client.post("/api/visitors/", ada).await.status(), 201);
}

#[tokio::test]
async fn more_requests_at_once_than_a_connection_may_have_are_refused() {
    let tls = TlsServer::start();
    let client = tls.connect_http2().await;
    register(&client).await;
    let mut waiting = Vec::new();
    for _ in 0..128 {
        waiting.push(client.begin_post(SYNC).await);
    }
    let refused = client.get("/livez").await;
    assert_eq!(
        (refused.status(), refused.code().as_str()),
        (503, "too_many_in_flight")
    );
    assert_eq!(refused.head.headers()["retry-after"], "1");
    // Another connection has room.
    assert_eq!(tls.connect_http2().await.get("/livez").await.status(), 200);
    for (_, body) in &mut waiting {
        body.send_data(Bytes::from_static(b"{\"conversations\": []}"), true)
            .unwrap();
    }
    for (answer, _) in waiting {
        assert_eq!(whole(answer).await.status(), 200);
    }
    assert_eq!(client.get("/livez").await.status(), 200);
}

#[tokio::test]
async fn a_flood_of_requests_ends_the_connection() {
    let tls = TlsServer::start();
    let client = tls.connect_http2().await;
    let started = Instant::now();
    let json = [("content-type", "application/json")];
    let mut waiting = Vec::new();
    // Their bodies are missing, and their answers are not taken.
    while waiting.len() < 5_000
        && let Ok(begun) = client.try_begin("POST", SYNC, &json, true).await
    {
        waiting.push(begun);
        sleep(Duration::ZERO).await;
    }
    let soon = timeout(Duration::from_secs(10), async {
        while !client.has_ended() {
            sleep(Duration::from_millis(20)).await;
        }
    });
    assert!(soon.await.is_ok(), "{} requests at once", waiting.len());
    assert!(started.elapsed() < Duration::from_secs(30));
    assert_eq!(tls.connect().get("/livez"), 200);
}

/// What a client of HTTP/2 begins with: its preface, and settings of which there are none.
const BEGIN: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
/// `GET`, `https` and `/`, each by its number in HPACK.
const ROOT: [u8; 3] = [0x82, 0x87, 0x84];

#[tokio::test]
async fn headers_that_are_too_large_are_refused() {
    let tls = TlsServer::start();
    let mut stream = tls.connect_for_http2().await;
    // A header with a value of 3,000 bytes that is to be kept, and thirty times the same by its number.
    let long = [&b"\x40\x06x-long\x7f\xb9\x16"[..], &[b'm'; 3_000]].concat();
    let headers = [&ROOT[..], &long, &[0xbe; 30]].concat();
    let sent = [BEGIN, &frame(1, 5, &headers)].concat();
    stream.write_all(&sent).await.unwrap();
    let mut answer = Vec::new();
    let code = b"\"headers_too_large\"";
    while !answer.windows(code.len()).any(|window| window == code) {
        let read = timeout(Duration::from_secs(10), stream.read_buf(&mut answer)).await;
        assert!(read.unwrap().unwrap() > 0, "{answer:?}");
    }

    let client = tls.connect_http2().await;
    let long = format!("/livez?{}", "m".repeat(2_048));
    assert_eq!(client.get(&long).await.code(), "url_too_long");
    let long = "m".repeat(10 << 10);
    let headers = [("x-long", long.as_str())];
    let (answer, _) = client.begin("GET", "/livez", &headers, false).await;
    assert_eq!(whole(answer).await.status(), 200);
}

/// A frame of HTTP/2, on the first stream.
fn frame(kind: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags, 0, 0, 0, 1], payload].concat()
}

/// Headers by the ten thousand are no more than a client that is sent away.
#[tokio::test]
async fn headers_without_end_are_the_end_of_their_connection_only() {
    let tls = TlsServer::start();
    let mut stream = tls.connect_for_http2().await;
    // Headers of one character, under names of their own.
    let mut headers = ROOT.to_vec();
    for number in 0..40_000 {
        headers.extend(format!("\0\x06x{number:05}\x01v").bytes());
    }
    let mut sent = BEGIN.to_vec();
    let mut pieces = headers.chunks(16_384).peekable();
    sent.extend(frame(1, 1, pieces.next().unwrap()));
    while let Some(piece) = pieces.next() {
        let end_of_headers = if pieces.peek().is_none() { 4 } else { 0 };
        sent.extend(frame(9, end_of_headers, piece));
    }
    let _ = stream.write_all(&sent).await;
    let mut answer = Vec::new();
    let ended = timeout(Duration::from_secs(30), stream.read_to_end(&mut answer)).await;
    assert!(ended.is_ok(), "it is held");
    assert_eq!(tls.connect().get("/livez"), 200);
    assert_eq!(tls.complaints(), [""; 0]);
    assert!(
        !tls.server.stderr().contains("panicked"),
        "{}",
        tls.server.stderr()
    );
}

/// Gives a visitor messages of a megabyte, each in a conversation of its own.
async fn fill(client: &Http2, messages: usize) {
    register(client).await;
    for number in 0..messages {
        let message = json!({ "message_id": "m", "img": "x".repeat(MIB) });
        let conversation = json!({ "id": format!("c{number}"), "messages": [message] });
        let body = json!({ "conversations": [conversation] }).to_string();
        assert_eq!(client.post(SYNC, body).await.status(), 200);
    }
}

#[tokio::test]
async fn clients_that_do_not_read_hold_no_more_than_the_budget() {
    let tls = TlsServer::start_with(&[
        ("CONVOSYNC__LIMITS__PAGE_BYTES", "16777216"),
        ("CONVOSYNC__LIMITS__READS_IN_FLIGHT_BYTES", "67108864"),
    ]);
    let client = tls.connect_http2().await;
    fill(&client, 40).await;
    let idle = tls.server.peak_memory();
    let page = "/api/sync-conversations/changes/?user_id=ada&limit=1000";
    let mut asked: Vec<ResponseFuture> = Vec::new();
    for _ in 0..12 {
        asked.push(client.begin("GET", page, &[], false).await.0);
    }
    let mut held = Vec::new();
    let mut refused = 0;
    for answer in asked {
        let (head, body) = answer.await.unwrap().into_parts();
        match head.status.as_u16() {
            200 => held.push(body),
            503 => refused += 1,
            status => panic!("{status}"),
        }
    }
    assert!((4..12).contains(&refused), "{refused} refused");
    if let (Some(idle), Some(peak)) = (idle, tls.server.peak_memory()) {
        assert!(
            peak - idle <= 64 + 64,
            "{idle} MiB idle, {peak} MiB at most"
        );
    }
    // What those held that are given up is there again.
    drop(held);
    let started = Instant::now();
    while client.get(page).await.status() != 200 {
        assert!(started.elapsed() < Duration::from_secs(60), "no room");
        sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(tls.complaints(), [""; 0]);
}
