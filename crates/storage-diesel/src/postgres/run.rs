//! How each call does its work: when it is its turn, on a connection, and again where a failure may pass.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use diesel::prelude::*;

use convosync_domain::identity::VisitorId;
use convosync_domain::ports::StoreError;

use super::PostgresStore;
use super::errors::{PostgresError, PostgresErrorKind};
use super::pools::Pools;
use super::visitor_tables::VisitorTables;
use crate::measures;

/// How often work is tried.
const ATTEMPTS: u32 = 5;
/// No further attempt begins after so long: a statement that ran into its timeout is not begun again.
const LATEST_ATTEMPT: Duration = Duration::from_secs(4);
/// The same after a serialization failure: another transaction, as that of a shard that is moved, may have been waited for,
/// and has ended. No statement takes longer, so a call keeps its connection for twice that at most.
const LATEST_ATTEMPT_AFTER_ANOTHER: Duration = Duration::from_secs(15);
const PAUSE_MIN: Duration = Duration::from_millis(10);
const PAUSE_MAX: Duration = Duration::from_millis(200);

impl PostgresStore {
    /// Does the work on a connection, from its start again where a failure may pass.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        mut work: impl FnMut(&mut PgConnection) -> Result<T, PostgresError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.run_counted(None, move |connection, _| work(connection))
            .await
    }

    /// The same with work that is about this visitor, on a connection to the node that has it.
    pub(super) async fn run_for<T: Send + 'static>(
        &self,
        visitor: VisitorId,
        mut work: impl FnMut(&mut PgConnection) -> Result<T, PostgresError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.run_counted(Some(visitor), move |connection, _| work(connection))
            .await
    }

    /// The same with work that only reads, and is told how the visitor's tables are called on the connection.
    pub(super) async fn read_of<T: Send + 'static>(
        &self,
        visitor: VisitorId,
        read: impl FnMut(&mut PgConnection, &VisitorTables) -> Result<T, PostgresError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.run_counted(Some(visitor), read).await
    }

    async fn run_counted<T: Send + 'static>(
        &self,
        visitor: Option<VisitorId>,
        work: impl FnMut(&mut PgConnection, &VisitorTables) -> Result<T, PostgresError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let done = self.run_uncounted(visitor, work).await;
        done.inspect_err(measures::count_error)
    }

    async fn run_uncounted<T: Send + 'static>(
        &self,
        visitor: Option<VisitorId>,
        work: impl FnMut(&mut PgConnection, &VisitorTables) -> Result<T, PostgresError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let opened = Arc::clone(&self.0);
        let overloaded = PostgresError::Overloaded;
        let of_node = match opened.pools.limit_of(visitor) {
            Some(limit) => Some(limit.acquire().await.map_err(overloaded)?),
            None => None,
        };
        let permit = opened.concurrency_limit.acquire().await;
        let permit = permit.map_err(overloaded)?;
        let work = move || {
            let _permits = (of_node, permit);
            with_retries(&opened.pools, visitor, work)
        };
        let done = tokio::task::spawn_blocking(work).await;
        Ok(done.unwrap_or(Err(PostgresError::Panicked))?)
    }
}

/// Does the work, which is about this visitor or about none, on a connection of the pools. Work that is tried again is done
/// from its start, so it has to be one transaction, or to find out what the last attempt has done.
fn with_retries<T>(
    pools: &Pools,
    visitor: Option<VisitorId>,
    mut work: impl FnMut(&mut PgConnection, &VisitorTables) -> Result<T, PostgresError>,
) -> Result<T, PostgresError> {
    let started = Instant::now();
    let mut attempt = 1;
    loop {
        let (mut session, tables) = pools.session(visitor, attempt)?;
        let done = work(&mut session.connection, &tables);
        let Err(error) = done else {
            return done;
        };
        session.is_suspect = !error.leaves_connection_usable();
        let kind = error.kind();
        if matches!(
            kind,
            PostgresErrorKind::Passing | PostgresErrorKind::ReadOnly
        ) {
            pools.doubt(&session, &error);
            drop(session);
            let latest = match error.is_serialization_failure() {
                true => LATEST_ATTEMPT_AFTER_ANOTHER,
                false => LATEST_ATTEMPT,
            };
            if attempt < ATTEMPTS && started.elapsed() < latest {
                measures::count_retry();
                tracing::debug!(error = %error, attempt, "a transaction is tried again");
                thread::sleep(pause(attempt));
                attempt += 1;
                continue;
            }
        }
        if kind != PostgresErrorKind::Other {
            tracing::warn!(error = %error, attempt, "a transaction failed");
        }
        return Err(error);
    }
}

/// Between a minimum and a maximum that grows with each attempt, and not as long as others wait.
fn pause(attempt: u32) -> Duration {
    let spread = (PAUSE_MAX - PAUSE_MIN) * attempt / ATTEMPTS;
    // Without randomness all pauses are the longest.
    let random = getrandom::u32().unwrap_or(u32::MAX);
    PAUSE_MIN + spread.mul_f64(f64::from(random) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_stay_within_their_bounds() {
        for attempt in 1..=ATTEMPTS {
            let pause = pause(attempt);
            assert!((PAUSE_MIN..=PAUSE_MAX).contains(&pause), "{pause:?}");
        }
    }
}
