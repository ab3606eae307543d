//! How a store is opened: its options, and the wait for a database that is not there yet.

use std::fmt;
use std::thread;
use std::time::{Duration, Instant};

use diesel::prelude::*;

use super::errors::OpenError;
use super::session::{self, Database};

/// Between two looks for a database that is not there yet.
const START_PAUSE: Duration = Duration::from_millis(500);

/// How a store is opened.
#[derive(Clone)]
pub struct PostgresOptions {
    /// `postgres://USER:PASSWORD@HOST:PORT/DATABASE?PARAMETERS` as the client library libpq takes
    /// it; its environment variables count, too.
    pub url: String,
    /// How many connections work at once.
    pub pool_size: u32,
    /// How many more calls may wait for one.
    pub queue: usize,
    /// How long to wait for a database that is not there yet.
    pub wait_at_start: Duration,
    /// On a Citus cluster: whether calls about a visitor go straight to the node that has it, by the names that the
    /// nodes have in the cluster. A node that this program does not reach by its name is left out.
    pub shard_aware: bool,
}

impl PostgresOptions {
    /// The usual options, for this database.
    #[must_use]
    pub fn at(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            pool_size: 16,
            queue: 256,
            wait_at_start: Duration::from_secs(30),
            shard_aware: true,
        }
    }
}

impl fmt::Debug for PostgresOptions {
    /// Without the URL, which may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresOptions")
            .field("pool_size", &self.pool_size)
            .field("queue", &self.queue)
            .field("wait_at_start", &self.wait_at_start)
            .field("shard_aware", &self.shard_aware)
            .finish_non_exhaustive()
    }
}

/// Waits for a database that is not there yet, and says why.
pub(super) fn first_connection(
    database: &Database,
    wait: Duration,
) -> Result<PgConnection, OpenError> {
    let started = Instant::now();
    let mut said = String::new();
    loop {
        let error = match database.connect() {
            Ok(connection) => return Ok(connection),
            Err(error) => error,
        };
        let error = OpenError::from(error);
        if !matches!(error, OpenError::Unreachable { .. }) || started.elapsed() + START_PAUSE > wait
        {
            return Err(error);
        }
        let reason = error.to_string();
        if reason != said {
            tracing::warn!(%reason, "waiting for the database");
            said = reason;
        }
        thread::sleep(START_PAUSE);
    }
}

/// What is acknowledged may be lost all the same where the server does not write it through.
pub(super) fn warn_if_not_durable(connection: &mut PgConnection) {
    if session::setting(connection, "fsync").is_ok_and(|fsync| fsync != "on") {
        tracing::warn!("the database runs with fsync = off: a power cut may lose everything");
    }
}
