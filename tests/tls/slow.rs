//! Clients that begin and do not go on.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use actix_web::web::Bytes;

use super::TlsServer;
use super::client::whole;

#[test]
fn a_handshake_that_does_not_end_is_cut() {
    let tls = TlsServer::start();
    let begun = [22, 3, 1, 0, 200, 1, 0, 0, 196, 3, 3];
    let slow: Vec<_> = [&[][..], &begun]
        .into_iter()
        .map(|sent| {
            let mut stream = TcpStream::connect(tls.address()).unwrap();
            stream
                .set_read_timeout(Some(Duration::from_secs(10)))
                .unwrap();
            stream.write_all(sent).unwrap();
            (stream, Instant::now())
        })
        .collect();
    // Nobody else waits for them.
    assert_eq!(tls.connect().get("/livez"), 200);
    for (mut stream, began) in slow {
        let ended = stream.read_to_end(&mut Vec::new());
        assert!(
            ended.is_ok() || began.elapsed() < Duration::from_secs(10),
            "{ended:?}"
        );
        assert!(began.elapsed() > Duration::from_secs(3));
    }
    assert_eq!(tls.complaints(), [""; 0]);
}

#[test]
fn many_handshakes_that_do_not_end_keep_nobody_out() {
    let tls = TlsServer::start_with(&[("CONVOSYNC__SERVER__WORKERS", "1")]);
    let slow: Vec<_> = (0..400)
        .map(|_| TcpStream::connect(tls.address()).unwrap())
        .collect();
    let asked = Instant::now();
    assert_eq!(tls.connect().get("/livez"), 200);
    assert!(
        asked.elapsed() < Duration::from_secs(3),
        "{:?}",
        asked.elapsed()
    );
    drop(slow);
}

#[test]
fn a_second_head_that_dribbles_is_cut() {
    let tls = TlsServer::start();
    let mut client = tls.connect();
    assert_eq!(client.get("/livez"), 200);
    let started = Instant::now();
    let head = format!(
        "GET /livez HTTP/1.1\r\nHost: localhost\r\nX: {}",
        "x".repeat(1_000)
    );
    let mut bytes = head.bytes();
    while client.send([bytes.next().unwrap()]) {
        assert!(
            started.elapsed() < Duration::from_secs(25),
            "it is never enough"
        );
        thread::sleep(Duration::from_millis(200));
    }
    client.wait_for_end();
    assert!(started.elapsed() > Duration::from_secs(10));
}

#[tokio::test]
async fn a_connection_of_http_2_that_asks_nothing_is_closed() {
    let tls = TlsServer::start();
    let silent = tls.connect_http2().await;
    let started = Instant::now();
    let asked_once = tls.connect_http2().await;
    assert_eq!(asked_once.get("/livez").await.status(), 200);
    // They answer pings meanwhile.
    silent.wait_for_end().await;
    asked_once.wait_for_end().await;
    let took = started.elapsed();
    assert!((12..25).contains(&took.as_secs()), "{took:?}");
}

#[tokio::test]
async fn an_answer_that_is_not_taken_ends_the_connection_whatever_else_is_asked() {
    let tls = TlsServer::start();
    // A client that takes one byte of each answer.
    let mut settings = h2::client::Builder::new();
    let client = tls
        .connect_http2_with(settings.initial_window_size(1))
        .await;
    let (answer, _) = client.begin("GET", "/livez", &[], false).await;
    let stalled = answer.await.unwrap();
    let started = Instant::now();
    while !client.has_ended() {
        assert!(started.elapsed() < Duration::from_secs(25), "it is held");
        if let Ok((quick, _)) = client.try_begin("GET", "/livez", &[], false).await {
            // What is left of it is given up at once.
            let _ = quick.await;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    assert!(started.elapsed() > Duration::from_secs(12));
    drop(stalled);
}

#[tokio::test]
async fn a_request_whose_client_gives_up_is_no_longer_in_flight() {
    let tls = TlsServer::start();
    let client = tls.connect_http2().await;
    let ada = r#"{"user_id": "ada"}"#.to_owned();
    assert_eq!(client.post("/api/visitors/", ada).await.status(), 201);
    for _ in 0..300 {
        let (answer, mut body) = client
            .begin_post("/api/sync-conversations/?user_id=ada")
            .await;
        body.send_data(Bytes::from_static(b"{"), false).unwrap();
        assert_eq!(client.get("/livez").await.status(), 200);
        body.send_reset(h2::Reason::CANCEL);
        drop(answer);
    }
    let (answer, mut body) = client
        .begin_post("/api/sync-conversations/?user_id=ada")
        .await;
    body.send_data(Bytes::from_static(b"{\"conversations\": []}"), true)
        .unwrap();
    assert_eq!(whole(answer).await.status(), 200);
    assert_eq!(tls.complaints(), [""; 0]);
}
