//! Prometheus' text format, as far as it is used.

use std::collections::{BTreeMap, BTreeSet};

/// What a server has told.
pub(crate) struct Samples {
    /// The type of each metric, by its name.
    pub(super) types: BTreeMap<String, String>,
    /// The help of each metric, by its name.
    pub(super) helps: BTreeMap<String, String>,
    pub(super) all: Vec<Sample>,
}

pub(super) struct Sample {
    /// That of the metric, or with `_bucket`, `_sum` or `_count` at its end.
    pub(super) name: String,
    pub(super) labels: BTreeMap<String, String>,
    pub(super) value: f64,
}

impl Samples {
    pub(super) fn parse(text: &str) -> Self {
        let mut samples = Self {
            types: BTreeMap::new(),
            helps: BTreeMap::new(),
            all: Vec::new(),
        };
        for line in text.lines().filter(|line| !line.is_empty()) {
            if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, kind) = rest.split_once(' ').unwrap();
                let before = samples.types.insert(name.to_owned(), kind.to_owned());
                assert_eq!(before, None, "{line}");
            } else if let Some(rest) = line.strip_prefix("# HELP ") {
                let (name, help) = rest.split_once(' ').unwrap();
                samples.helps.insert(name.to_owned(), help.to_owned());
            } else {
                samples.all.push(Sample::parse(line));
            }
        }
        samples
    }

    /// The sum of the samples of this name that have these labels.
    pub(crate) fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let has = |sample: &&Sample| {
            let mut labels = labels.iter();
            sample.name == name
                && labels.all(|(name, value)| {
                    sample.labels.get(*name).map(String::as_str) == Some(*value)
                })
        };
        self.all.iter().filter(has).map(|sample| sample.value).sum()
    }

    /// The labels that come with each name of a sample.
    pub(super) fn labels(&self) -> BTreeMap<&str, BTreeSet<&str>> {
        let mut labels: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for sample in &self.all {
            let of_name = labels.entry(&sample.name).or_default();
            of_name.extend(sample.labels.keys().map(String::as_str));
        }
        labels
    }
}

impl Sample {
    fn parse(line: &str) -> Self {
        let (series, value) = line.rsplit_once(' ').unwrap();
        let (name, labels) = match series.split_once('{') {
            Some((name, labels)) => (name, labels.strip_suffix('}').unwrap()),
            None => (series, ""),
        };
        // No value of ours has a quotation mark or a comma in it.
        let labels = labels.split(',').filter(|label| !label.is_empty());
        let labels = labels.map(|label| {
            let (name, value) = label.split_once('=').unwrap();
            (name.to_owned(), value.trim_matches('"').to_owned())
        });
        Self {
            name: name.to_owned(),
            labels: labels.collect(),
            value: value.parse().unwrap_or_else(|_| panic!("{line}")),
        }
    }
}
