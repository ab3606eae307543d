//! What is measured of requests, told to the facade `metrics` as events are told to `tracing`: whoever runs the server
//! decides whether anything listens, and where nothing does nothing is kept.
//!
//! What happens on every request goes through handles that are made once. No label has other values than those that
//! are in this program: no path, id, name or address of anybody.

mod items;
mod proofs;
mod requests;

use metrics::counter;

pub(crate) use items::{ItemCounts, PostedItems};
pub(crate) use proofs::Proofs;
pub(crate) use requests::{AnsweredByFile, Requests, Waited, name_of, route_of};

/// What may be met: settings, by their names without the section, and limits that are none.
const LIMITS: [&str; 19] = [
    "address_requests_per_second",
    "bodies_in_flight_bytes",
    "body_bytes",
    "body_seconds",
    "conversations",
    "failed_proofs_per_minute",
    "headers",
    "max_bytes",
    "max_conversations",
    "messages",
    "queue",
    "reads_in_flight_bytes",
    "requests_per_connection",
    "static_files",
    "streams",
    "streams_per_address",
    "streams_per_visitor",
    "url_bytes",
    "visitor_requests_per_second",
];

/// What is measured of requests.
pub(crate) struct Measures {
    pub(crate) requests: Requests,
    pub(crate) proofs: Proofs,
    pub(crate) items: PostedItems,
}

impl Measures {
    /// Of requests for these routes. Counts begin at zero, so that their first growth shows.
    pub(crate) fn of(routes: impl IntoIterator<Item = &'static str>) -> Self {
        for limit in LIMITS {
            counter!("convosync_refused_total", "limit" => limit).absolute(0);
        }
        Self {
            requests: Requests::of(routes),
            proofs: Proofs::none_yet(),
            items: PostedItems::none_yet(),
        }
    }
}

/// Counts a request that met a limit.
pub(crate) fn count_refusal(limit: &'static str) {
    counter!("convosync_refused_total", "limit" => limit).increment(1);
}
