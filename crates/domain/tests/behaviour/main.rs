//! The behaviour of the domain, through its public items.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a panic in a test is its result"
)]

mod archive;
mod feed;
mod laws;
mod merge_rule;
mod support;
