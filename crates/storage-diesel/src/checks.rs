//! What a store is looked through for, whatever keeps it: that what its rows say of each other is so.
//!
//! The queries are a backend's own, as the keys differ; each finds the rows of one table that break one rule, and says
//! what is wrong by numbers and keys alone.

use std::fmt;

/// Something in a store that cannot be so. It names no identity and holds nothing of what is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The table, or what else it is about.
    pub table: &'static str,
    /// The key of the row; empty where it is not about one.
    pub key: String,
    /// What is wrong.
    pub what: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { table, key, what } = self;
        match key.as_str() {
            "" => write!(f, "{table}: {what}"),
            key => write!(f, "{table} {key}: {what}"),
        }
    }
}

/// What came of looking through a store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CheckReport {
    /// What is wrong.
    pub findings: Vec<Finding>,
    /// What was not looked at, and how it can be.
    pub notes: Vec<String>,
}

/// Of one rule so many breaches are told.
pub(crate) const FINDINGS_MAX: usize = 100;

/// A rule about the rows of a table, as a query for those that break it: their keys, and what is wrong with each.
pub(crate) struct RowCheck {
    pub(crate) table: &'static str,
    pub(crate) query: String,
}

/// The columns that hold JSON texts, which SQL cannot see. `extra` holds an object.
pub(crate) const JSON_COLUMNS: [(&str, &[&str]); 5] = [
    ("conversations", &["extra"]),
    ("messages", &["metadata", "embedding", "doc", "extra"]),
    ("message_requests", &["client_id", "request_stop", "extra"]),
    (
        "message_responses",
        &[
            "client_id",
            "tool_choice",
            "tools",
            "error",
            "incomplete_details",
            "metadata",
            "extra",
        ],
    ),
    (
        "message_outputs",
        &["client_id", "output_content_annotations", "extra"],
    ),
];
