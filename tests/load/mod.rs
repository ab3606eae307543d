//! Many clients at once: nothing acknowledged is lost, too much is refused in time, and nobody waits for the slowness of
//! others.

mod one_visitor;
mod open_loop;
mod overload;
mod slow_clients;
mod soak;
mod stops;
mod two_servers;

use std::time::Duration;

/// What at most one in a hundred exceeds.
fn p99(times: &[Duration]) -> Duration {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    let last = sorted.len().saturating_sub(1);
    sorted.get(last * 99 / 100).copied().unwrap_or_default()
}
