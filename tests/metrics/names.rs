//! What is told is what the document lists, with nothing more and nothing less.

use std::collections::{BTreeMap, BTreeSet};

use super::{live, observed, scrape};
use crate::support::Server;

const DOCUMENT: &str = include_str!("../../docs/metrics.md");

/// What only a store in SQLite tells.
const ONLY_SQLITE: [&str; 4] = [
    "convosync_store_group_messages",
    "convosync_store_group_tasks",
    "convosync_store_queued_writes",
    "convosync_store_write_ahead_log_bytes",
];

/// A metric as the document has it.
#[derive(Debug, PartialEq, Eq)]
struct Listed {
    kind: String,
    labels: BTreeSet<String>,
    help: String,
}

fn documented(server: &Server) -> BTreeMap<String, Listed> {
    let rows = DOCUMENT.lines().filter(|line| line.starts_with("| `"));
    let all = rows.map(|row| {
        let cells: Vec<_> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let [name, kind, labels, help] = cells[..] else {
            panic!("{row}");
        };
        let labels = labels.split(", ").filter(|label| *label != "-");
        let listed = Listed {
            kind: kind.to_owned(),
            labels: labels
                .map(|label| label.trim_matches('`').to_owned())
                .collect(),
            help: help.to_owned(),
        };
        (name.trim_matches('`').to_owned(), listed)
    });
    all.filter(|(name, _)| server.database().is_none() || !ONLY_SQLITE.contains(&name.as_str()))
        .collect()
}

#[test]
fn every_metric_is_documented_and_told() {
    let server = observed(&[]);
    live(&server);
    let told = scrape(&server);
    let mut labels: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (name, of_sample) in told.labels() {
        let parts = ["_bucket", "_sum", "_count"];
        let metric = parts.iter().find_map(|part| name.strip_suffix(part));
        let metric = metric.filter(|metric| told.types.contains_key(*metric));
        let of_sample = of_sample.into_iter().filter(|label| *label != "le");
        let of_metric = labels.entry(metric.unwrap_or(name).to_owned()).or_default();
        of_metric.extend(of_sample.map(str::to_owned));
    }
    let told: BTreeMap<_, _> = labels
        .into_iter()
        .map(|(name, labels)| {
            let listed = Listed {
                kind: told.types.get(&name).cloned().unwrap_or_default(),
                labels,
                help: told.helps.get(&name).cloned().unwrap_or_default(),
            };
            (name, listed)
        })
        .collect();
    let documented = documented(&server);
    let names = |all: &BTreeMap<String, Listed>| all.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&told), names(&documented));
    assert_eq!(told, documented);
}
