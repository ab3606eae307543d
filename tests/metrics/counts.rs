//! What is counted, and how much.

use serde_json::{Value, json};

use super::{SYNC, await_sample, body, live, observed, post, register, scrape};
use crate::support::events::Events;
use crate::support::raw::Connection;

const REQUESTS: &str = "convosync_http_requests_total";
const TIMED: &str = "convosync_http_request_duration_seconds_count";
const POSTED: &str = "convosync_posted_items_total";
const REFUSED: &str = "convosync_refused_total";
const PROOFS: &str = "convosync_proofs_total";

#[test]
fn requests_by_route_method_and_status() {
    let server = observed(&[]);
    live(&server);
    for path in [
        "/api/conversations/c/?user_id=ada",
        "/api/conversations/d?user_id=ada",
        "/x",
    ] {
        server.get(path);
    }
    server.post("/version", &json!({}));
    let mut connection = Connection::open(server.address());
    connection.send("BREW /version HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    connection.last_answer().unwrap();
    let told = scrape(&server);
    for (route, method, status, count) in [
        ("/api/sync-conversations", "POST", "200", 1.0),
        ("/api/sync-conversations", "GET", "200", 1.0),
        ("/api/visitors", "POST", "201", 1.0),
        ("/api/conversations/{conversation_id}", "GET", "200", 1.0),
        ("/api/conversations/{conversation_id}", "GET", "404", 1.0),
        ("none", "GET", "404", 2.0),
        ("/version", "POST", "405", 1.0),
        ("/version", "OTHER", "405", 1.0),
    ] {
        let labels = [("route", route), ("method", method), ("status", status)];
        assert_eq!(told.sum(REQUESTS, &labels), count, "{labels:?}");
    }
    let timed = |route| told.sum(TIMED, &[("route", route)]);
    assert_eq!(timed("/api/conversations/{conversation_id}"), 2.0);
    assert_eq!(timed("none"), 0.0);
    assert_eq!(timed("/version"), 0.0);
}

#[test]
fn whoever_waits_is_counted_and_not_timed() {
    let server = observed(&[]);
    register(&server, "ada");
    let changes = format!("{SYNC}changes/?user_id=ada");
    let cursor = server.get(&changes).json()["cursor"]
        .as_str()
        .unwrap()
        .to_owned();
    let stream = Events::open(server.address(), "user_id=ada", None).unwrap();
    await_sample(&server, "a stream", |told| {
        told.sum("convosync_streams_waiting", &[]) == 1.0
    });
    drop(stream);
    await_sample(&server, "nobody", |told| {
        told.sum("convosync_streams_waiting", &[]) == 0.0
    });
    let waited = server.get(&format!("{changes}&since={cursor}&wait=1"));
    assert_eq!(waited.status, 200);
    let told = scrape(&server);
    let route = ("route", "/api/sync-conversations/changes");
    assert_eq!(told.sum(REQUESTS, &[route]), 2.0);
    assert_eq!(told.sum(TIMED, &[route]), 1.0);
}

#[test]
fn what_becomes_of_posted_items() {
    let server = observed(&[]);
    register(&server, "ada");
    let newest = body("c", "m", "new", "2026-02-01T00:00:00Z");
    let first = post(&server, "user_id=ada&since=", &newest);
    let cursor = first.json()["cursor"].as_str().unwrap().to_owned();
    post(&server, "user_id=ada", &newest);
    let older = body("c", "m", "old", "2026-01-01T00:00:00Z");
    post(&server, &format!("user_id=ada&since={cursor}"), &older);
    post(
        &server,
        "user_id=ada",
        &body("c", "m", "newer", "2026-03-01T00:00:00Z"),
    );
    let mut connection = Connection::open(server.address());
    let bad = json!({ "conversations": [
        { "id": "d", "messages": [{ "message_id": "m", "timestamp": [] }] },
        { "id": 5 },
    ] })
    .to_string();
    connection.send(format!(
        "POST {SYNC}?user_id=ada HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
         Prefer: handling=lenient\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{bad}",
        bad.len()
    ));
    assert_eq!(connection.last_answer().unwrap().status, 200);
    let told = scrape(&server);
    for (item, outcome, count) in [
        ("conversation", "created", 2.0),
        ("conversation", "updated", 1.0),
        ("conversation", "unchanged", 2.0),
        ("conversation", "not_taken", 1.0),
        ("conversation", "rejected", 1.0),
        ("message", "created", 1.0),
        ("message", "updated", 1.0),
        ("message", "unchanged", 2.0),
        ("message", "not_taken", 1.0),
        ("message", "rejected", 1.0),
    ] {
        let labels = [("item", item), ("outcome", outcome)];
        assert_eq!(told.sum(POSTED, &labels), count, "{labels:?}");
    }
    if server.database().is_none() {
        assert!(told.sum("convosync_store_group_tasks_count", &[]) >= 4.0);
        assert!(told.sum("convosync_store_group_messages_sum", &[]) >= 2.0);
        assert!(told.sum("convosync_store_write_ahead_log_bytes", &[]) > 0.0);
    }
    assert!(told.sum("convosync_store_commit_duration_seconds_count", &[]) >= 3.0);
    assert!(told.sum("convosync_store_connections_limit", &[]) >= 1.0);
}

#[test]
fn what_meets_a_limit() {
    let server = observed(&[
        ("CONVOSYNC__LIMITS__BODY_BYTES", "1000"),
        ("CONVOSYNC__LIMITS__CONVERSATIONS", "2"),
        ("CONVOSYNC__LIMITS__STREAMS_PER_VISITOR", "1"),
        ("CONVOSYNC__VISITORS__MAX_CONVERSATIONS", "1"),
    ]);
    register(&server, "ada");
    let many = |count: usize| {
        let ids = 0..count;
        let conversations: Vec<_> = ids.map(|id| json!({ "id": format!("c{id}") })).collect();
        json!({ "conversations": conversations })
    };
    let sync = format!("{SYNC}?user_id=ada");
    let long = json!({ "conversations": [], "x": "x".repeat(2_000) });
    assert_eq!(server.post(&sync, &long).status, 413);
    assert_eq!(server.post(&sync, &many(3)).status, 413);
    assert_eq!(server.post(&sync, &many(2)).status, 507);
    assert_eq!(
        server
            .get(&format!("/version?{}", "x".repeat(3_000)))
            .status,
        414
    );
    let _stream = Events::open(server.address(), "user_id=ada", None).unwrap();
    await_sample(&server, "a stream", |told| {
        told.sum("convosync_streams_waiting", &[]) == 1.0
    });
    assert_eq!(
        server
            .get(&format!("{SYNC}changes/?user_id=ada&wait=1"))
            .status,
        429
    );
    let told = scrape(&server);
    for limit in [
        "body_bytes",
        "conversations",
        "max_conversations",
        "url_bytes",
        "streams_per_visitor",
    ] {
        assert_eq!(told.sum(REFUSED, &[("limit", limit)]), 1.0, "{limit}");
    }
    assert_eq!(told.sum(REFUSED, &[]), 5.0);
}

#[test]
fn proofs_by_kind_and_result() {
    let server = observed(&[
        ("CONVOSYNC__AUTH__MODE", "protected"),
        (
            "CONVOSYNC__AUTH__JWT__SECRET",
            "a secret of thirty-two bytes or more",
        ),
    ]);
    let created = server.post(super::VISITORS, &json!({})).json();
    let Value::String(anon_id) = &created["anon_id"] else {
        panic!("{created}");
    };
    server.get(&format!("{SYNC}?anon_id={anon_id}"));
    server.get(&format!("{SYNC}?user_id=ada"));
    for token in ["no.good.token", "csk_00000000000000ab_0123456789"] {
        let target = format!("{SYNC}?user_id=ada");
        let authorization = format!("Authorization: Bearer {token}\r\n");
        let answer = super::ask(server.address(), &target, &authorization);
        assert_eq!(answer.status, 401);
    }
    let told = scrape(&server);
    for (proof, result, count) in [
        ("anon_id", "accepted", 1.0),
        ("none", "missing", 1.0),
        ("token", "invalid", 1.0),
        ("api_key", "invalid", 1.0),
    ] {
        let labels = [("proof", proof), ("result", result)];
        assert_eq!(told.sum(PROOFS, &labels), count, "{labels:?}");
    }
}

#[test]
fn bodies_in_flight() {
    let server = observed(&[]);
    register(&server, "ada");
    let mut connection = Connection::open(server.address());
    connection.send(format!(
        "POST {SYNC}?user_id=ada HTTP/1.1\r\nHost: localhost\r\n\
         Content-Type: application/json\r\nContent-Length: 5000\r\n\r\n{}",
        " ".repeat(4_000)
    ));
    let bodies = [("of", "bodies")];
    await_sample(&server, "a body", |told| {
        told.sum("convosync_in_flight_bytes", &bodies) == 4_000.0
    });
    drop(connection);
    await_sample(&server, "no body", |told| {
        told.sum("convosync_in_flight_bytes", &bodies) == 0.0
    });
    let limit = scrape(&server).sum("convosync_in_flight_limit_bytes", &bodies);
    assert_eq!(limit, f64::from(256_u32 << 20));
}
