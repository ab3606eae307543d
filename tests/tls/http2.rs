//! Several requests at once on one connection.

use std::time::{Duration, Instant};

use actix_web::web::Bytes;
use tokio::time::sleep;

use super::TlsServer;
use super::client::whole;

const SYNC: &str = "/api/sync-conversations/?user_id=ada";

async fn register(client: &super::client::Http2) {
    let ada = r#"{"user_id": "ada"}"#.to_owned();
    assert_eq!(client.post("/api/visitors/", ada).await.status(), 201);
}

#[tokio::test]
async fn a_slow_body_and_quick_requests_do_not_disturb_each_other() {
    const SLOW: Duration = Duration::from_secs(20);
    let tls = TlsServer::start();
    let client = tls.connect_http2().await;
    register(&client).await;
    let (slow, mut body) = client.begin_post(SYNC).await;
    let started = Instant::now();
    body.send_data(Bytes::from_static(b"{\"conversations\": ["), false)
        .unwrap();
    for _ in 0..20 {
        let asked = Instant::now();
        assert_eq!(client.get("/livez").await.status(), 200);
        assert!(asked.elapsed() < Duration::from_secs(2));
    }
    // Fast enough for a body, and longer than a connection may be idle after an answer.
    while started.elapsed() < SLOW {
        sleep(Duration::from_millis(500)).await;
        body.send_data(Bytes::from(vec![b' '; 1_024]), false)
            .unwrap();
    }
    body.send_data(Bytes::from_static(b"]}"), true).unwrap();
    assert_eq!(whole(slow).await.status(), 200);
    assert_eq!(client.get("/livez").await.status(), 200);
}

#[tokio::test]
async fn a_body_that_is_refused_ends_its_own_request_only() {
    let tls = TlsServer::start_with(&[
        ("CONVOSYNC__LIMITS__BODY_BYTES", "90000"),
        ("CONVOSYNC__LIMITS__BODY_SECONDS", "2"),
    ]);
    let client = tls.connect_http2().await;
    register(&client).await;
    let (waiting, mut waiting_body) = client.begin_post(SYNC).await;

    let json = ("content-type", "application/json");
    for (headers, status) in [
        (&[("content-type", "text/plain")][..], 415),
        (&[json, ("content-encoding", "br")], 415),
        (&[json, ("content-length", "100000")], 413),
        (&[json], 413),
    ] {
        let (answer, mut body) = client.begin("POST", SYNC, headers, true).await;
        // In all more than a body may have, and less than one of them declares.
        for _ in 0..99 {
            if body
                .send_data(Bytes::from(vec![b' '; 1_001]), false)
                .is_err()
            {
                break;
            }
        }
        assert_eq!(whole(answer).await.status(), status);
        // What else is sent is not waited for.
        let reset = tokio::time::timeout(
            Duration::from_secs(10),
            std::future::poll_fn(|context| body.poll_reset(context)),
        );
        assert!(reset.await.is_ok(), "the rest is read");
    }
    let (slow, _body) = client.begin_post(SYNC).await;
    assert_eq!(whole(slow).await.code(), "body_timeout");
    assert_eq!(whole(waiting).await.code(), "body_timeout");
    assert!(waiting_body.send_data(Bytes::new(), true).is_err());

    let empty = r#"{"conversations": []}"#.to_owned();
    assert_eq!(client.post(SYNC, empty).await.status(), 200);
    assert_eq!(tls.complaints(), [""; 0]);
}

#[tokio::test]
async fn many_refused_bodies_do_not_use_up_the_windows_of_a_connection() {
    let tls = TlsServer::start();
    let client = tls.connect_http2().await;
    register(&client).await;
    for _ in 0..40 {
        let text = [("content-type", "text/plain")];
        let (answer, mut body) = client.begin("POST", SYNC, &text, true).await;
        // In all, ten times the window of the connection.
        let _ = body.send_data(Bytes::from(vec![b' '; 512 << 10]), true);
        assert_eq!(whole(answer).await.status(), 415);
    }
    let title = "t".repeat(3 << 20);
    let long = format!(r#"{{"conversations": [{{"id": "c", "title": "{title}"}}]}}"#);
    assert_eq!(client.post(SYNC, long).await.status(), 200);
}
