//! PostgreSQL that goes away, refuses or is slow: nothing acknowledged is lost, what can be hidden
//! from a client is, and the server comes back by itself.

mod database_gone;
mod deadlocks;
mod refusals;
mod retries;

use std::time::{Duration, Instant};

use convosync_test_postgres::TestDatabase;
use serde_json::Value;

use crate::support::api::Api;
use crate::support::{Answer, Server};

/// A server on this database and a visitor of it.
fn server_on(database: TestDatabase, settings: &[(&str, &str)]) -> (Server, Api) {
    let server = Server::start_on(Some(database), settings);
    let api = Api::register(&server.url(), "user_id=ada");
    (server, api)
}

/// Whether a test has to be left out on a Citus cluster, and says why.
#[expect(
    clippy::print_stderr,
    reason = "a test that is left out has to be seen"
)]
fn is_left_out(database: &TestDatabase, reason: &str) -> bool {
    if database.is_on_a_cluster() {
        eprintln!("skipped: {reason}");
    }
    database.is_on_a_cluster()
}

/// Posts, and tells how long the answer took.
fn timed(api: &Api, body: &Value) -> (Answer, Duration) {
    let started = Instant::now();
    let answer = api.post(body);
    (answer, started.elapsed())
}

fn assert_unavailable(answer: &Answer) {
    assert_eq!(answer.status, 503, "{answer:?}");
    assert_eq!(answer.json()["code"], "storage_unavailable", "{answer:?}");
}
