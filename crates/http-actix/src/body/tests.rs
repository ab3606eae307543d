use std::io::Write as _;
use std::net::TcpStream;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use actix_web::rt;
use actix_web::web;
use convosync_domain::ports::Heads;
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::testing::served::{body_of, exchange, start};
use crate::testing::{Ports, post, send};
use convosync_application::byte_budget::ByteBudget;

const URL: &str = "/api/sync-conversations/?anon_id=a";
const EMPTY: &str = r#"{"conversations":[]}"#;

/// Ports that know the visitor and take every post.
fn taking() -> Ports {
    let mut ports = Ports::with_known_visitor();
    ports
        .sync
        .expect_heads()
        .returning(|_, _| Ok(Some(Heads::default())));
    ports
}

fn gzip(text: impl AsRef<[u8]>) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(text.as_ref()).unwrap();
    encoder.finish().unwrap()
}

fn post_gzip(url: &str, body: impl Into<Vec<u8>>) -> actix_web::test::TestRequest {
    post(url, body).insert_header(("Content-Encoding", "gzip"))
}

fn head(rest: &str) -> String {
    format!(
        "POST {URL} HTTP/1.1\r\nHost: x\r\nX-Request-Id: r\r\nConnection: close\r\n\
         Content-Type: application/json\r\n{rest}\r\n\r\n"
    )
}

#[actix_web::test]
async fn gzip_is_a_body_like_any_other() {
    for encoding in ["gzip", "GZIP"] {
        let request = post(URL, gzip(EMPTY)).insert_header(("Content-Encoding", encoding));
        assert_eq!(taking().send(request).await.status, 200);
    }
    let plain = post(URL, EMPTY).insert_header(("Content-Encoding", "Identity"));
    assert_eq!(taking().send(plain).await.status, 200);
    for (text, message) in [(EMPTY, "not UTF-8 at byte 20"), ("", "not UTF-8 at byte 0")] {
        let body = gzip([text.as_bytes(), b"\xff"].concat());
        let answer = taking().send(post_gzip(URL, body)).await;
        assert!(answer.body.contains(message), "{}", answer.body);
    }
    let answer = taking().send(post_gzip(URL, gzip(""))).await;
    assert!(answer.body.contains(r#""message":"empty""#));
}

#[actix_web::test]
async fn no_other_encoding_is_taken() {
    for encoding in [
        "x-gzip",
        "br",
        "zstd",
        "deflate",
        "x-foo",
        "",
        "identity, gzip",
        "gzip, gzip",
    ] {
        let request = post(URL, gzip(EMPTY)).insert_header(("Content-Encoding", encoding));
        let twice = post_gzip(URL, gzip(EMPTY)).append_header(("Content-Encoding", encoding));
        for request in [request, twice] {
            let answer = Ports::with_known_visitor().send(request).await;
            assert_eq!(answer.status, 415, "{encoding}");
            assert_eq!(answer.header("Accept-Encoding"), Some("gzip"));
            insta::allow_duplicates! {
                insta::assert_snapshot!(answer.body, @r#"{"error":"Content-Encoding must be gzip or identity","code":"unsupported_content_encoding","request_id":"r"}"#);
            }
        }
    }
}

#[actix_web::test]
async fn what_is_no_gzip_is_told_as_the_endpoint_tells_it() {
    let whole = gzip(EMPTY);
    let trailing = [whole.as_slice(), b"x"].concat();
    let truncated = &whole[..whole.len() - 1];
    for body in [b"".as_slice(), EMPTY.as_bytes(), truncated, &trailing] {
        let answer = Ports::with_known_visitor().send(post_gzip(URL, body)).await;
        assert_eq!(answer.status, 400);
        insta::allow_duplicates! {
            insta::assert_snapshot!(answer.body, @r#"{"error":"Invalid conversations format","code":"invalid_conversations","details":[{"path":"body","message":"not gzip"}],"request_id":"r"}"#);
        }
    }
    let request = post_gzip("/api/visitors/", "{}");
    let answer = Ports::new().send(request).await;
    assert_eq!(answer.status, 400);
    insta::assert_snapshot!(answer.body, @r#"{"error":"Invalid visitor format","code":"invalid_visitor","details":[{"path":"body","message":"not gzip"}],"request_id":"r"}"#);
}

#[actix_web::test]
async fn a_bomb_takes_no_more_room_than_it_has_on_the_network() {
    let bomb = |length| gzip(" ".repeat(length));
    for (length, status) in [(100_001, 413), (100_000, 503)] {
        let mut ports = taking();
        ports.limits.body_bytes = 100_000;
        ports.limits.bodies_in_flight_bytes = 1_000;
        let answer = ports.send(post_gzip(URL, bomb(length))).await;
        assert_eq!(answer.status, status, "{length}");
    }
}

#[actix_web::test]
async fn gzip_is_under_the_limit_as_it_comes_and_inflated() {
    let limited = |body_bytes| {
        let mut ports = taking();
        ports.limits.body_bytes = body_bytes;
        ports
    };
    let spaces = gzip(format!("{EMPTY}{}", " ".repeat(980)));
    assert!(spaces.len() < 100);
    let sent = limited(1_000).send(post_gzip(URL, spaces.clone()));
    assert_eq!(sent.await.status, 200);
    let members = [gzip(EMPTY), gzip("")].concat();
    let (size, length) = (members.len(), members.len().to_string());
    let sent = limited(size).send(post_gzip(URL, members.clone()));
    assert_eq!(sent.await.status, 200);

    let declared = post_gzip(URL, "").insert_header(("Content-Length", length));
    for (limit, request) in [
        (999, post_gzip(URL, spaces)),
        (size - 1, post_gzip(URL, members)),
        (size - 1, declared),
    ] {
        let answer = limited(limit).send(request).await;
        assert_eq!(answer.status, 413);
        let text = format!(r#"{{"error":"Body larger than {limit} bytes","#);
        assert!(answer.body.starts_with(&text), "{}", answer.body);
    }
}

#[actix_web::test]
async fn a_body_that_finds_no_room_is_told_when_to_come_back() {
    let mut ports = taking();
    ports.limits.bodies_in_flight_bytes = 100;
    let state = ports.into_state();
    let budget = &state.bodies.in_flight;
    let mut reservation = budget.reserve();
    assert!(reservation.grow(81));
    for request in [post(URL, EMPTY), post_gzip(URL, gzip(EMPTY))] {
        let answer = send(&state, request).await;
        assert_eq!(answer.status, 503);
        assert_eq!(answer.header("Retry-After"), Some("1"));
        insta::allow_duplicates! {
            insta::assert_snapshot!(answer.body, @r#"{"error":"Too many requests in flight","code":"too_many_in_flight","request_id":"r"}"#);
        }
        assert_eq!(budget.left(), 19);
    }
    drop(reservation);
    for request in [post(URL, EMPTY), post_gzip(URL, gzip(EMPTY))] {
        assert_eq!(send(&state, request).await.status, 200);
        assert_eq!(budget.left(), 100);
    }
}

#[actix_web::test]
async fn room_is_taken_until_the_answer_and_given_back_whatever_it_is() {
    const ROOM: usize = 1_000;
    let seen = Arc::new(OnceLock::<ByteBudget>::new());
    let left = Arc::clone(&seen);
    let mut ports = Ports::with_known_visitor();
    let left_now = move || left.get().unwrap().left();
    ports.sync.expect_heads().once().returning(move |_, _| {
        assert_eq!(left_now(), ROOM - EMPTY.len());
        Ok(Some(Heads::default()))
    });
    let panics = |_, _| panic!("marker");
    ports.sync.expect_heads().once().returning(panics);
    ports.limits.body_bytes = 100;
    ports.limits.bodies_in_flight_bytes = ROOM;
    let state = ports.into_state();
    seen.set(state.bodies.in_flight.clone()).unwrap();
    let broken = [gzip(EMPTY), gzip(EMPTY)[..12].to_vec()].concat();
    for (request, status) in [
        (post(URL, EMPTY), 200),
        (post_gzip(URL, gzip(EMPTY)), 500),
        (post(URL, "{}"), 400),
        (post_gzip(URL, broken), 400),
        (post_gzip(URL, gzip([b' '; 101])), 413),
    ] {
        assert_eq!(send(&state, request).await.status, status);
        assert_eq!(state.bodies.in_flight.left(), ROOM);
    }
}

#[actix_web::test]
async fn a_client_that_goes_away_gives_its_room_back() {
    let mut ports = taking();
    ports.limits.bodies_in_flight_bytes = 50_000;
    let (address, handle) = start(ports);
    let whole = head("Content-Length: 20000") + EMPTY + &" ".repeat(20_000 - EMPTY.len());
    let is_answered = async |status: &str| {
        let answer = exchange(&address, whole.clone()).await;
        answer.starts_with(&format!("HTTP/1.1 {status} "))
    };
    let mut client = TcpStream::connect(&address).unwrap();
    client
        .write_all(head("Content-Length: 40000").as_bytes())
        .unwrap();
    client.write_all(&[b' '; 39_999]).unwrap();
    until(async || is_answered("503").await).await;
    drop(client);
    until(async || is_answered("200").await).await;
    handle.stop(false).await;
}

/// Asks again and again, for some seconds.
async fn until(answered: impl AsyncFn() -> bool) {
    let started = Instant::now();
    while !answered().await {
        assert!(started.elapsed() < Duration::from_secs(10));
        rt::time::sleep(Duration::from_millis(10)).await;
    }
}

#[actix_web::test]
async fn a_body_slower_than_the_least_rate_is_refused_after_the_grace() {
    let mut ports = taking();
    ports.limits.body_bytes_per_second = 1_000;
    let (address, handle) = start(ports);
    let started = Instant::now();
    for transfer in ["Content-Length: 1000", "Transfer-Encoding: chunked"] {
        let mut stream = TcpStream::connect(&address).unwrap();
        let head = head(transfer);
        let dribbled = web::block(move || {
            stream.write_all(head.as_bytes()).unwrap();
            while stream.write_all(b"1\r\n \r\n").is_ok() {
                std::thread::sleep(Duration::from_millis(100));
                if started.elapsed() > Duration::from_secs(20) {
                    return false;
                }
                let mut seen = [0; 13];
                stream.set_nonblocking(true).unwrap();
                let answered = stream.peek(&mut seen);
                stream.set_nonblocking(false).unwrap();
                if answered.is_ok_and(|bytes| bytes == 13) {
                    return &seen == b"HTTP/1.1 408 ";
                }
            }
            false
        });
        assert!(dribbled.await.unwrap(), "{transfer}");
    }
    let took = started.elapsed();
    assert!(took > Duration::from_secs(6), "{took:?}");
    assert!(took < Duration::from_secs(15), "{took:?}");
    handle.stop(false).await;
}

#[actix_web::test]
async fn a_refused_body_that_still_comes_closes_the_connection() {
    let mut ports = taking();
    ports.limits.body_bytes = 100;
    ports.limits.bodies_in_flight_bytes = 9;
    let (address, handle) = start(ports);
    for (status, rest, sent) in [
        ("503", "Content-Length: 100", "0123456789"),
        ("413", "Content-Length: 101\r\nExpect: 100-continue", ""),
        ("503", "Transfer-Encoding: chunked", "a\r\n0123456789\r\n"),
    ] {
        let request = head(rest).replace("Connection: close\r\n", "") + sent;
        let answer = exchange(&address, request).await;
        let answer = answer
            .strip_prefix("HTTP/1.1 100 Continue\r\n\r\n")
            .unwrap_or(&answer);
        let line = format!("HTTP/1.1 {status} ");
        assert!(answer.starts_with(&line), "{answer}");
        assert!(body_of(answer).starts_with("{\"error\":"), "{answer}");
    }
    handle.stop(false).await;
}
