//! What is measured of a store: moments of it are told to whoever asks ([`StoreLoad`]), what happens to the facade
//! `metrics`.

use std::time::Instant;

use convosync_domain::ports::StoreError;
use metrics::{Histogram, counter, histogram};

/// How busy a store is at a moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoreLoad {
    /// Its pools of connections.
    pub pools: Vec<PoolLoad>,
    /// The writes that wait for the thread that writes, with those that it is at; of a store that has one.
    pub queued_writes: Option<usize>,
    /// How long the write-ahead log is, in bytes; of a store whose log is beside it.
    pub write_ahead_log_bytes: Option<u64>,
}

/// How busy a pool of connections is at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolLoad {
    /// Its name.
    pub name: &'static str,
    /// The most connections that it has.
    pub size: u32,
    /// Those that are open.
    pub open: u32,
    /// Those that are at work.
    pub busy: u32,
    /// The calls that wait for one now.
    pub waiting: usize,
    /// The calls that have had to wait so far.
    pub waits: u64,
}

impl PoolLoad {
    /// Of a pool where nobody waits.
    pub(crate) fn of<M: r2d2::ManageConnection>(name: &'static str, pool: &r2d2::Pool<M>) -> Self {
        let state = pool.state();
        Self {
            name,
            size: pool.max_size(),
            open: state.connections,
            busy: state.connections.saturating_sub(state.idle_connections),
            waiting: 0,
            waits: 0,
        }
    }
}

/// The kinds of errors that are failures, and not what a caller is told of what is stored.
const KINDS: [&str; 5] = ["conflict", "corrupt", "full", "internal", "unavailable"];

/// Has counts begin at zero, so that their first growth shows.
pub(crate) fn begin() {
    for kind in KINDS {
        counter!("convosync_store_errors_total", "kind" => kind).absolute(0);
    }
    counter!("convosync_store_retries_total").absolute(0);
}

/// Counts what a caller is told, if it is a failure.
pub(crate) fn count_error(error: &StoreError) {
    let kind = error.kind();
    if KINDS.contains(&kind) {
        counter!("convosync_store_errors_total", "kind" => kind).increment(1);
    }
}

/// Counts a call that is done once more, as its failure may pass.
pub(crate) fn count_retry() {
    counter!("convosync_store_retries_total").increment(1);
}

/// Counts a call that the store has no room for.
pub(crate) fn count_refusal() {
    counter!("convosync_refused_total", "limit" => "queue").increment(1);
}

/// How long transactions take that write, from their begin until they are durable.
#[derive(Clone)]
pub(crate) struct Commits(Histogram);

impl Commits {
    pub(crate) fn new() -> Self {
        Self(histogram!("convosync_store_commit_duration_seconds"))
    }

    /// One that began then is durable.
    pub(crate) fn committed(&self, began: Instant) {
        self.0.record(began.elapsed());
    }
}

/// How much is written in one transaction.
pub(crate) struct Groups {
    tasks: Histogram,
    messages: Histogram,
}

impl Groups {
    pub(crate) fn new() -> Self {
        Self {
            tasks: histogram!("convosync_store_group_tasks"),
            messages: histogram!("convosync_store_group_messages"),
        }
    }

    /// So many tasks with so many messages were written in one transaction.
    pub(crate) fn committed(&self, tasks: usize, messages: usize) {
        self.tasks.record(float(tasks));
        self.messages.record(float(messages));
    }
}

fn float(number: usize) -> f64 {
    f64::from(u32::try_from(number).unwrap_or(u32::MAX))
}
