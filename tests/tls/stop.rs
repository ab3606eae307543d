//! A server that stops while connections are open.

use std::time::{Duration, Instant};

use actix_web::web::Bytes;
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use super::TlsServer;
use super::client::whole;

const VISITORS: &str = "/api/visitors/";

#[tokio::test]
async fn open_connections_that_ask_nothing_do_not_hold_a_server() {
    let mut tls = TlsServer::start();
    let mut http1 = tls.connect();
    assert_eq!(http1.get("/livez"), 200);
    let silent = tls.connect_http2().await;
    let http2 = tls.connect_http2().await;
    assert_eq!(http2.get("/livez").await.status(), 200);
    let started = Instant::now();
    tls.server.signal("TERM");
    http2.wait_for_end().await;
    silent.wait_for_end().await;
    assert_eq!(tls.server.wait().code(), Some(0), "{}", tls.server.stderr());
    assert!(
        started.elapsed() < Duration::from_secs(6),
        "{:?}",
        started.elapsed()
    );
}

#[tokio::test]
async fn a_stopping_server_answers_what_is_in_flight_and_takes_no_more() {
    let mut tls = TlsServer::start();
    let client = tls.connect_http2().await;
    let (answer, mut body) = client.begin_post(VISITORS).await;
    body.send_data(Bytes::from_static(br#"{"user_id": "#), false)
        .unwrap();
    assert_eq!(client.get("/livez").await.status(), 200);
    tls.server.signal("TERM");
    let started = Instant::now();
    loop {
        let refused = client.get("/livez").await;
        if refused.status() == 503 {
            assert_eq!(refused.code(), "draining");
            break;
        }
        assert!(started.elapsed() < Duration::from_secs(10));
        sleep(Duration::from_millis(20)).await;
    }
    sleep(Duration::from_secs(2)).await;
    body.send_data(Bytes::from_static(br#""ada"}"#), true)
        .unwrap();
    assert_eq!(whole(answer).await.status(), 201);
    client.wait_for_end().await;
    let ended = spawn_blocking(move || (tls.server.wait(), tls.server.stderr()));
    let (ended, stderr) = ended.await.unwrap();
    assert_eq!(ended.code(), Some(0), "{stderr}");
    assert!(started.elapsed() < Duration::from_secs(10));
}
