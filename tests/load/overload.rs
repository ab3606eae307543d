//! More than the server can do: what is too much is refused soon, and the rest is done.

use std::time::{Duration, Instant};

use serde_json::json;

use super::open_loop::Clients;
use super::p99;
use crate::support::api::Api;
use crate::support::{Server, report, scaled};

const QUICK: u128 = 2;
/// How long it may take until a server that gets too much has noticed.
const BURST: Duration = Duration::from_secs(2);
/// More than the server lets wait.
const CONNECTIONS: usize = 1_000;

#[test]
fn too_much_is_refused_and_the_rest_is_done() {
    let seconds = scaled("CONVOSYNC_OVERLOAD_SECONDS", QUICK);
    let time = Duration::from_secs(u64::try_from(seconds).unwrap());
    // What is left of the machine is for the clients.
    let server = Server::start_on(None, &[("CONVOSYNC__SERVER__WORKERS", "1")]);
    let ada = Api::register(&server.url(), "user_id=ada");
    let clients = Clients::of(&server, 50);
    let measured = time.min(Duration::from_secs(10)) / 2;
    let peak = clients.as_fast_as_answered(64, measured);
    assert_eq!(peak.failed, [""; 0]);
    let peak = per_second(peak.done.len(), measured);

    let began = Instant::now();
    let outcome = clients.at_rate(3.0 * peak, CONNECTIONS, BURST, time);
    let goodput = per_second(outcome.done.len(), began.elapsed().saturating_sub(BURST));
    let stopped = Instant::now();
    assert_eq!(outcome.failed, [""; 0]);
    let mut edit = 0;
    // A machine that has nothing else to do answers within milliseconds.
    while {
        edit += 1;
        let posted = Instant::now();
        let body = json!({ "conversations": [{ "id": format!("{edit}") }] });
        ada.post(&body).status != 200 || posted.elapsed() > Duration::from_millis(500)
    } {
        assert!(stopped.elapsed() < Duration::from_secs(5), "it stays slow");
    }
    let refusals = p99(&outcome.refused);
    let figures = format!(
        "{seconds} s at 3 x {peak:.0} posts/s: {goodput:.0}/s done, {} refused (p99 {refusals:?})",
        outcome.refused.len()
    );
    report("G21", &figures);
    // In a moment and beside other tests they say little.
    if seconds > QUICK {
        assert!(goodput >= 0.8 * peak, "{figures}");
        assert_ne!(outcome.refused, [Duration::ZERO; 0], "{figures}");
        assert!(refusals <= Duration::from_millis(100), "{figures}");
    }
}

fn per_second(count: usize, time: Duration) -> f64 {
    f64::from(u32::try_from(count).unwrap()) / time.as_secs_f64()
}
