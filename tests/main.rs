//! The running server as its users meet it.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a failed expectation in a test is the result"
)]

mod cli;
mod crashes;
mod histories;
mod model;
mod real_conversations;
mod support;
