//! The running server as its users meet it.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a failed expectation in a test is the result"
)]

mod access;
mod backup;
mod bad_input;
mod bounded_reads;
mod browser;
mod cases;
mod cli;
mod conversations;
mod cors;
mod crashes;
mod deploy;
mod devices;
#[cfg(target_os = "linux")]
mod disk;
mod doctor;
mod faults;
mod generated_input;
mod histories;
mod live;
mod load;
mod metrics;
mod model;
mod moving;
mod openapi;
mod outages;
mod quotas;
mod readme;
mod real_conversations;
mod round_trips;
mod static_files;
mod support;
mod tls;
mod turns;
mod upgrades;
mod visitors;
