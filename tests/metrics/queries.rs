//! The dashboard and the alerts ask for what a running server tells, by labels that it has.

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;
use yaml_rust2::{Yaml, YamlLoader};

use super::promql::Named;
use super::samples::Samples;
use super::{LISTEN, live, scrape};
use crate::support::Server;

/// What Prometheus adds to every sample.
const OF_TARGETS: [&str; 2] = ["instance", "job"];

fn read(path: &str) -> String {
    let path = format!("{}/../../deploy/{path}", env!("CARGO_MANIFEST_DIR"));
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every text that stands under this key, however deep.
fn texts<'a>(value: &'a Value, key: &str, found: &mut Vec<&'a str>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                if name == key
                    && let Some(text) = member.as_str()
                {
                    found.push(text);
                }
                texts(member, key, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| texts(item, key, found)),
        _ => {}
    }
}

/// Everything that a server tells whose store is in SQLite.
fn told() -> Samples {
    let server = Server::start_on(None, &[LISTEN]);
    live(&server);
    scrape(&server)
}

/// Holds a query against what is told.
fn check(query: &str, told: &Samples) -> Named {
    let known = told.labels();
    let named = Named::of(query);
    assert!(!named.metrics.is_empty(), "{query}");
    let mut all: BTreeSet<&str> = OF_TARGETS.into();
    for (metric, labels) in &named.metrics {
        // Prometheus tells by this whether it could ask.
        let of_metric = match metric.as_str() {
            "up" => BTreeSet::new(),
            metric => {
                let known = known.get(metric);
                known
                    .unwrap_or_else(|| panic!("no {metric}: {query}"))
                    .clone()
            }
        };
        for label in labels {
            let is_known = of_metric.contains(label.as_str()) || all.contains(label.as_str());
            assert!(is_known, "{metric} has no {label}: {query}");
        }
        all.extend(of_metric);
    }
    for label in &named.labels {
        assert!(all.contains(label.as_str()), "no {label}: {query}");
    }
    named
}

#[test]
fn the_dashboard_asks_for_what_there_is() {
    let dashboard: Value = serde_json::from_str(&read("grafana/convosync.json")).unwrap();
    let told = told();
    let mut queries = Vec::new();
    texts(&dashboard["panels"], "expr", &mut queries);
    assert!(queries.len() > 20, "{queries:?}");
    let mut shown: BTreeSet<String> = BTreeSet::new();
    for query in queries {
        let named = check(query, &told);
        shown.extend(named.metrics.into_iter().map(|(name, _)| name));
    }
    // Whatever the server tells of itself is shown somewhere.
    for name in told
        .types
        .keys()
        .filter(|name| name.starts_with("convosync_"))
    {
        let is_shown = shown.iter().any(|shown| shown.starts_with(name));
        assert!(is_shown, "{name} is on no panel");
    }

    // The data source is whichever there is, and variables of their own are what the rest asks by.
    let mut sources = Vec::new();
    texts(&dashboard, "uid", &mut sources);
    assert!(
        sources
            .iter()
            .all(|uid| ["${datasource}", "convosync"].contains(uid))
    );
    for variable in dashboard["templating"]["list"].as_array().unwrap() {
        let Some(definition) = variable["definition"].as_str() else {
            assert_eq!(variable["type"], "datasource");
            continue;
        };
        let values = definition.strip_prefix("label_values(").unwrap();
        let (of, label) = values.strip_suffix(')').unwrap().rsplit_once(',').unwrap();
        check(of, &told);
        assert!(OF_TARGETS.contains(&label.trim()), "{definition}");
    }
    let ids = dashboard["panels"].as_array().unwrap().iter();
    let ids: Vec<_> = ids.map(|panel| panel["id"].as_u64().unwrap()).collect();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len());
}

#[test]
fn the_alerts_ask_for_what_there_is() {
    let told = told();
    let rules = YamlLoader::load_from_str(&read("prometheus/alerts.yml")).unwrap();
    let [Yaml::Hash(_)] = &rules[..] else {
        panic!("not one document");
    };
    let mut names = BTreeSet::new();
    for group in rules[0]["groups"].as_vec().unwrap() {
        for rule in group["rules"].as_vec().unwrap() {
            let name = rule["alert"].as_str().unwrap();
            assert!(names.insert(name.to_owned()), "{name} twice");
            check(rule["expr"].as_str().unwrap(), &told);
            assert!(rule["labels"]["severity"].as_str().is_some(), "{name}");
            let summary = rule["annotations"]["summary"].as_str().unwrap();
            assert!(summary.contains("{{ $labels.instance }}"), "{name}");
        }
    }
    assert!(names.contains("ConvosyncDown"), "{names:?}");
}
