//! Streams of events over HTTP/2.

use std::time::{Duration, Instant};

use h2::RecvStream;
use tokio::time::timeout;

use super::TlsServer;
use super::client::Http2;
use crate::support::events::{Came, read};

const EVENTS: &str = "/api/sync-conversations/events/?user_id=ada";
const SYNC: &str = "/api/sync-conversations/?user_id=ada";

async fn register(client: &Http2) {
    let ada = r#"{"user_id": "ada"}"#.to_owned();
    assert_eq!(client.post("/api/visitors/", ada).await.status(), 201);
}

async fn post(client: &Http2, id: &str, title: &str) {
    let body = format!(r#"{{"conversations": [{{"id": "{id}", "title": "{title}"}}]}}"#);
    assert_eq!(client.post(SYNC, body).await.status(), 200);
}

/// A stream, whose first page is taken.
struct Stream {
    body: RecvStream,
    came: String,
}

impl Stream {
    async fn open(client: &Http2) -> Self {
        let (answer, _) = client.begin("GET", EVENTS, &[], false).await;
        let answer = answer.await.unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["content-type"], "text/event-stream");
        let body = answer.into_body();
        let came = String::new();
        Self { body, came }
    }

    /// What comes next; `None` where the stream has ended.
    async fn next(&mut self) -> Option<Came> {
        loop {
            if let Some((event, rest)) = self.came.split_once("\n\n") {
                let (event, rest) = (read(event), rest.to_owned());
                self.came = rest;
                return Some(event);
            }
            let data = timeout(Duration::from_secs(40), self.body.data()).await;
            let data = data.expect("a sign of life")?.ok()?;
            self.body
                .flow_control()
                .release_capacity(data.len())
                .unwrap();
            self.came += str::from_utf8(&data).unwrap();
        }
    }

    /// The ids of the next event.
    async fn event(&mut self) -> Vec<String> {
        loop {
            if let Came::Event(event) = self.next().await.expect("an event") {
                return event.conversations();
            }
        }
    }
}

#[tokio::test]
async fn many_streams_on_one_connection_live_on_beside_requests() {
    let tls = TlsServer::start();
    let client = tls.connect_http2().await;
    register(&client).await;
    // A client that leaves one.
    drop(Stream::open(&client).await);
    let mut streams = Vec::new();
    for _ in 0..20 {
        let mut stream = Stream::open(&client).await;
        assert_eq!(stream.event().await, [""; 0]);
        streams.push(stream);
    }
    // Longer than an answer may be under way otherwise.
    let began = Instant::now();
    for _ in 0..2 {
        assert_eq!(streams[0].next().await, Some(Came::Comment));
    }
    assert!(began.elapsed() > Duration::from_secs(25));
    post(&client, "c", "title").await;
    for stream in &mut streams {
        assert_eq!(stream.event().await, ["c"]);
    }
    assert_eq!(tls.complaints(), [""; 0]);
    tls.server.signal("TERM");
    for stream in &mut streams {
        assert_eq!(stream.next().await, None);
    }
    client.wait_for_end().await;
}

#[tokio::test]
async fn a_stream_that_is_not_read_ends_its_connection() {
    let tls = TlsServer::start_with(&[("CONVOSYNC__LIMITS__STREAMS_PER_VISITOR", "1")]);
    let (client, other) = (tls.connect_http2().await, tls.connect_http2().await);
    register(&other).await;
    let unread = Stream::open(&client).await;
    assert_eq!(other.get(EVENTS).await.status(), 429);
    // More than the windows of HTTP/2 take at first.
    post(&other, "c", &"t".repeat(1 << 20)).await;
    let posted = Instant::now();
    client.wait_for_end().await;
    assert!(posted.elapsed() > Duration::from_secs(14));
    drop(unread);
    // The other connection was silent for too long.
    let other = tls.connect_http2().await;
    let (answer, _) = other.begin("GET", EVENTS, &[], false).await;
    assert_eq!(answer.await.unwrap().status(), 200);
}
