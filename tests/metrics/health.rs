//! How the server is, in detail.

use serde_json::Value;

use super::{LISTEN, ask, live, observed, operators};
use crate::support::Server;

fn health(address: &str) -> (u16, Value) {
    let answer = ask(address, "/healthz", "");
    let kind = answer.header("content-type").unwrap();
    assert_eq!(kind, "application/json", "{answer:?}");
    (answer.status, serde_json::from_str(&answer.body).unwrap())
}

#[test]
fn a_server_that_is_well() {
    let server = observed(&[]);
    live(&server);
    let (status, health) = health(&operators(&server));
    assert_eq!(status, 200, "{health}");
    assert_eq!(health["status"], "ready", "{health}");
    assert_eq!(health["draining"], false, "{health}");
    assert_eq!(health["version"], server.get("/version").json()["version"]);
    assert!(health["uptime_seconds"].is_u64(), "{health}");
    let store = &health["store"];
    assert_eq!(store["reachable"], true, "{health}");
    assert_eq!(store["error"], Value::Null, "{health}");
    let sizes = store["pools"].as_array().unwrap().iter();
    assert!(
        sizes
            .map(|pool| &pool["size"])
            .all(|size| size.as_u64() > Some(0))
    );
    match server.database() {
        None => {
            assert_eq!(store["kind"], "sqlite", "{health}");
            assert_eq!(store["queued_writes"], 0, "{health}");
            assert!(
                store["write_ahead_log_bytes"].as_u64() > Some(0),
                "{health}"
            );
        }
        Some(_) => {
            assert_eq!(store["kind"], "postgres", "{health}");
            assert_eq!(store["write_ahead_log_bytes"], Value::Null, "{health}");
        }
    }
}

#[test]
fn a_server_that_is_about_to_stop() {
    let server = observed(&[("CONVOSYNC__SERVER__DRAIN_SECONDS", "60")]);
    let operators = operators(&server);
    server.signal("TERM");
    let started = std::time::Instant::now();
    let told = loop {
        let (status, health) = health(&operators);
        if status == 503 {
            break health;
        }
        assert!(started.elapsed() < super::SOON, "{health}");
    };
    assert_eq!(told["status"], "draining", "{told}");
    assert_eq!(told["draining"], true, "{told}");
    assert_eq!(told["store"]["reachable"], true, "{told}");
    assert_eq!(ask(&operators, "/readyz", "").status, 503);
    assert_eq!(ask(&operators, "/metrics", "").status, 200);
}

#[test]
fn a_store_that_fails() {
    let server = Server::start_on(None, &[LISTEN]);
    let operators = operators(&server);
    let file = server.folder().join("data/convosync.db");
    // Whoever holds the file for themselves is waited for, and not for ever.
    let connection = file.to_str().unwrap();
    let mut other =
        <diesel::SqliteConnection as diesel::Connection>::establish(connection).unwrap();
    let sql = "DROP TABLE store";
    diesel::connection::SimpleConnection::batch_execute(&mut other, sql).unwrap();
    let (status, health) = health(&operators);
    assert_eq!(status, 503, "{health}");
    assert_eq!(health["status"], "storage_unavailable", "{health}");
    assert_eq!(health["store"]["reachable"], false, "{health}");
    assert_eq!(health["store"]["error"], "internal", "{health}");
    let told = super::scrape(&server);
    let errors = told.sum("convosync_store_errors_total", &[("kind", "internal")]);
    assert!(errors >= 1.0);
}
