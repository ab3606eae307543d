//! What happens under a running server whose store is a file: the file goes, the disk is full, somebody overwrites a
//! page. Nothing acknowledged is lost, whoever posts is told, and it goes on by itself where it can.

mod damage;
mod files;
mod mounts;
mod room;

use std::thread;
use std::time::{Duration, Instant};

use crate::crashes::{body, check};
use crate::support::Server;
use crate::support::api::Api;

/// What happens soon has happened by then, on a machine that is busy.
const SOON: Duration = Duration::from_secs(20);

/// A server on a file, and a visitor of it.
fn server(settings: &[(&str, &str)]) -> (Server, Api) {
    let server = Server::start_on(None, settings);
    let ada = Api::register(&server.url(), "user_id=ada");
    (server, ada)
}

/// Posts a conversation, and expects that it is acknowledged.
fn post(api: &Api, id: &str) {
    let answer = api.post(&body(id));
    assert_eq!(answer.status, 200, "{answer:?}");
}

/// Tries until it succeeds; `what` is said if it does not.
fn until(what: &str, mut succeeds: impl FnMut() -> bool) {
    let started = Instant::now();
    while !succeeds() {
        assert!(started.elapsed() < SOON, "{what}");
        thread::sleep(Duration::from_millis(10));
    }
}

/// Expects that all of these are stored, and everything that is stored is whole.
fn check_stored(api: &Api, acknowledged: &[String]) {
    let mut stored = Vec::new();
    api.drain(None, 1_000, |page| {
        stored.extend(page["conversations"].as_array().unwrap().clone());
    });
    check(acknowledged, &stored);
}

fn ready(server: &Server) -> bool {
    server.get("/readyz").status == 200
}
