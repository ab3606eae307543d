//! As much of PromQL as it takes to tell which metrics and labels a query names.

use std::collections::BTreeSet;

/// Words that stand where a metric could.
const WORDS: [&str; 13] = [
    "and",
    "bool",
    "by",
    "group_left",
    "group_right",
    "ignoring",
    "inf",
    "nan",
    "offset",
    "on",
    "or",
    "unless",
    "without",
];
/// After these, labels stand in parentheses.
const BEFORE_LABELS: [&str; 6] = [
    "by",
    "group_left",
    "group_right",
    "ignoring",
    "on",
    "without",
];

/// What a query names.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Named {
    /// Each metric with the labels of its matchers.
    pub(super) metrics: Vec<(String, Vec<String>)>,
    /// The labels by which it groups and joins.
    pub(super) labels: BTreeSet<String>,
}

impl Named {
    /// What is named in a query, whose parentheses have to match.
    pub(super) fn of(query: &str) -> Self {
        let mut named = Self::default();
        let query = without_texts_and_ranges(query);
        let mut rest = query.as_str();
        let mut depth = 0;
        while let Some(first) = rest.chars().next() {
            if is_name(first) && !first.is_ascii_digit() {
                let (name, after) = split(rest, |c| !is_name(c));
                rest = named.take(name, after.trim_start());
                continue;
            }
            if first.is_ascii_digit() {
                // A number, with its exponent or unit.
                rest = split(rest, |c| !is_name(c) && c != '.').1;
                continue;
            }
            match first {
                '(' => depth += 1,
                ')' => depth -= 1,
                '{' | '}' => panic!("matchers without a metric: {query}"),
                _ => {}
            }
            assert!(depth >= 0, "{query}");
            rest = &rest[first.len_utf8()..];
        }
        assert_eq!(depth, 0, "{query}");
        named
    }

    /// Takes a word, and what belongs to it of what follows; returns the rest.
    fn take<'q>(&mut self, name: &str, after: &'q str) -> &'q str {
        if BEFORE_LABELS.contains(&name) {
            let Some(list) = after.strip_prefix('(') else {
                return after;
            };
            let (list, rest) = list.split_once(')').expect("the end of a list of labels");
            let labels = list.split(',').map(str::trim);
            let labels = labels.filter(|label| !label.is_empty());
            self.labels.extend(labels.map(str::to_owned));
            return rest;
        }
        if WORDS.contains(&name.to_lowercase().as_str()) {
            return after;
        }
        // A function, or an aggregation with its labels before what it aggregates.
        let is_aggregation = ["by ", "by(", "without"]
            .iter()
            .any(|by| after.starts_with(by));
        if after.starts_with('(') || is_aggregation {
            return after;
        }
        let (matchers, rest) = match after.strip_prefix('{') {
            Some(matchers) => matchers.split_once('}').expect("the end of matchers"),
            None => ("", after),
        };
        let matchers = matchers
            .split(',')
            .filter(|matcher| !matcher.trim().is_empty());
        let labels = matchers.map(|matcher| {
            let (label, operator) = split(matcher.trim(), |c| !is_name(c));
            let is_operator = ["=~\"", "!~\"", "!=\"", "=\""]
                .iter()
                .any(|known| operator.trim_start().starts_with(known));
            assert!(!label.is_empty() && is_operator, "{matcher}");
            label.to_owned()
        });
        self.metrics.push((name.to_owned(), labels.collect()));
        rest
    }
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == ':'
}

fn split(text: &str, ends: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(ends).unwrap_or(text.len()))
}

/// The query with nothing between its quotation marks, and no ranges.
fn without_texts_and_ranges(query: &str) -> String {
    let mut kept = String::new();
    let (mut in_text, mut in_range) = (false, false);
    for c in query.chars() {
        match c {
            '"' => in_text = !in_text,
            '[' if !in_text => in_range = true,
            ']' if !in_text => {
                in_range = false;
                continue;
            }
            _ if in_text => continue,
            _ => {}
        }
        if !in_range {
            kept.push(c);
        }
    }
    assert!(!in_text && !in_range, "{query}");
    kept
}

#[test]
fn what_queries_name() {
    let named = |query| {
        let Named { metrics, labels } = Named::of(query);
        let metrics = metrics.iter();
        let metrics = metrics.map(|(name, labels)| format!("{name}{{{}}}", labels.join(",")));
        let labels = labels.into_iter().collect::<Vec<_>>();
        (metrics.collect::<Vec<_>>().join(" "), labels.join(","))
    };
    for (query, metrics, labels) in [
        ("up", "up{}", ""),
        ("up == 0 or absent(up{job=\"a, b}\"})", "up{} up{job}", ""),
        (
            "sum by (a, b) (rate(m{x!=\"\", y=~\"(1|2)\"}[5m]))",
            "m{x,y}",
            "a,b",
        ),
        ("sum(rate(m[$__rate_interval])) by (a)", "m{}", "a"),
        (
            "histogram_quantile(0.99, sum by(le)(rate(m_bucket[1m])))",
            "m_bucket{}",
            "le",
        ),
        ("m > 64 * 1024 * 1e6", "m{}", ""),
        ("a / on (x) group_left (y) b offset 5m", "a{} b{}", "x,y"),
        ("time() - p", "p{}", ""),
        ("count without (x) (m)", "m{}", "x"),
    ] {
        assert_eq!(
            named(query),
            (metrics.to_owned(), labels.to_owned()),
            "{query}"
        );
    }
}
