//! Every metric there is.

/// A metric.
pub(super) struct Metric {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) help: &'static str,
}

/// What a metric is.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Counter,
    Gauge,
    /// With the upper bounds of its buckets.
    Histogram(&'static [f64]),
}

const SECONDS: &[f64] = &[
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];
const TASKS: &[f64] = &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0];
const MESSAGES: &[f64] = &[
    0.0, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1_000.0, 2_000.0, 5_000.0, 10_000.0,
    100_000.0,
];

/// Every metric, in the order of `docs/metrics.md`, which says the same and with which labels each comes. Those of the
/// process are told by the crate `metrics-process`.
pub(super) const METRICS: &[Metric] = &[
    metric(
        "convosync_build_info",
        Kind::Gauge,
        "1; its labels tell which Convosync this is and which kind of store it has.",
    ),
    metric(
        "convosync_http_requests_total",
        Kind::Counter,
        "Requests that were answered, by the route of the table (static is a file beside the API, none any other path).",
    ),
    metric(
        "convosync_http_request_duration_seconds",
        Kind::Histogram(SECONDS),
        "How long it took until the head of an answer was ready, without requests that waited for a change.",
    ),
    metric(
        "convosync_refused_total",
        Kind::Counter,
        "What met a limit: the setting's name without its section, or headers, requests_per_connection or static_files.",
    ),
    metric(
        "convosync_proofs_total",
        Kind::Counter,
        "Proofs of identity that requests came with, by what came of them.",
    ),
    metric(
        "convosync_posted_items_total",
        Kind::Counter,
        "Conversations and messages of posts that were taken, by what became of them.",
    ),
    metric(
        "convosync_streams_waiting",
        Kind::Gauge,
        "Streams and long polls that wait for changes.",
    ),
    metric(
        "convosync_in_flight_bytes",
        Kind::Gauge,
        "Memory held by request bodies (bodies) and by what is read of the store (reads).",
    ),
    metric(
        "convosync_in_flight_limit_bytes",
        Kind::Gauge,
        "The most of that memory.",
    ),
    metric(
        "convosync_store_commit_duration_seconds",
        Kind::Histogram(SECONDS),
        "How long transactions that write took until they were durable.",
    ),
    metric(
        "convosync_store_group_tasks",
        Kind::Histogram(TASKS),
        "Writes in one transaction.",
    ),
    metric(
        "convosync_store_group_messages",
        Kind::Histogram(MESSAGES),
        "Messages written in one transaction.",
    ),
    metric(
        "convosync_store_queued_writes",
        Kind::Gauge,
        "Writes that wait for the thread that writes, or that it is at.",
    ),
    metric(
        "convosync_store_write_ahead_log_bytes",
        Kind::Gauge,
        "How long the write-ahead log is.",
    ),
    metric(
        "convosync_store_connections",
        Kind::Gauge,
        "Connections that are open, busy or idle.",
    ),
    metric(
        "convosync_store_connections_limit",
        Kind::Gauge,
        "The most connections of a pool.",
    ),
    metric(
        "convosync_store_waiting_calls",
        Kind::Gauge,
        "Calls that wait for a connection.",
    ),
    metric(
        "convosync_store_waits_total",
        Kind::Counter,
        "Calls that had to wait for a connection.",
    ),
    metric(
        "convosync_store_errors_total",
        Kind::Counter,
        "Calls that the store failed, by the kind of error.",
    ),
    metric(
        "convosync_store_retries_total",
        Kind::Counter,
        "Times that a call to the store was done once more, as its failure might pass.",
    ),
    metric(
        "process_cpu_seconds_total",
        Kind::Counter,
        "Processor time of the process, in whole seconds.",
    ),
    metric("process_open_fds", Kind::Gauge, "Open file descriptors."),
    metric(
        "process_max_fds",
        Kind::Gauge,
        "The most open file descriptors.",
    ),
    metric(
        "process_virtual_memory_bytes",
        Kind::Gauge,
        "Virtual memory.",
    ),
    metric(
        "process_virtual_memory_max_bytes",
        Kind::Gauge,
        "The most virtual memory; 0 where there is no limit.",
    ),
    metric(
        "process_resident_memory_bytes",
        Kind::Gauge,
        "Resident memory.",
    ),
    metric(
        "process_start_time_seconds",
        Kind::Gauge,
        "When the process started, as Unix time.",
    ),
    metric("process_threads", Kind::Gauge, "Threads of the process."),
];

const fn metric(name: &'static str, kind: Kind, help: &'static str) -> Metric {
    Metric { name, kind, help }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &str = include_str!("../../../../docs/metrics.md");

    /// The rows of the document's tables of metrics: name, type, labels, help.
    fn documented() -> Vec<Vec<&'static str>> {
        let rows = DOCUMENT.lines().filter(|line| line.starts_with("| `"));
        rows.map(|row| row.trim_matches('|').split(" | ").map(str::trim).collect())
            .collect()
    }

    #[test]
    fn the_document_lists_them_all() {
        let documented = documented();
        let names: Vec<_> = documented.iter().filter_map(|row| row.first()).collect();
        let listed: Vec<_> = METRICS
            .iter()
            .map(|metric| format!("`{}`", metric.name))
            .collect();
        assert_eq!(names, listed.iter().collect::<Vec<_>>());
        for (row, metric) in documented.iter().zip(METRICS) {
            let kind = match metric.kind {
                Kind::Counter => "counter",
                Kind::Gauge => "gauge",
                Kind::Histogram(_) => "histogram",
            };
            assert_eq!(row.get(1), Some(&kind), "{}", metric.name);
            assert_eq!(row.get(3), Some(&metric.help), "{}", metric.name);
        }
    }

    #[test]
    fn names_are_as_prometheus_has_them() {
        for Metric { name, kind, .. } in METRICS {
            assert_eq!(
                name.ends_with("_total"),
                matches!(kind, Kind::Counter),
                "{name}"
            );
            assert!(
                name.starts_with("convosync_") || name.starts_with("process_"),
                "{name}"
            );
        }
    }
}
