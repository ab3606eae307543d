//! Work on a connection, tried again where a failure may pass.

use std::thread;
use std::time::{Duration, Instant};

use diesel::prelude::*;

use super::errors::{PostgresError, PostgresErrorKind};
use super::session::{Database, Sessions};

/// How often work is tried.
const ATTEMPTS: u32 = 5;
/// No further attempt begins after so long: a statement that ran into its timeout is not begun again.
const LATEST_ATTEMPT: Duration = Duration::from_secs(4);
const PAUSE_MIN: Duration = Duration::from_millis(10);
const PAUSE_MAX: Duration = Duration::from_millis(200);

/// Does the work on a connection of the pool. Work that is tried again is done from its start, so it
/// has to be one transaction, or to find out what the last attempt has done.
pub(super) fn with_retries<T>(
    database: &Database,
    pool: &r2d2::Pool<Sessions>,
    mut work: impl FnMut(&mut PgConnection) -> Result<T, PostgresError>,
) -> Result<T, PostgresError> {
    let started = Instant::now();
    let mut attempt = 1;
    loop {
        let mut session = pool.get().map_err(PostgresError::NoConnection)?;
        let done = work(&mut session.connection);
        let Err(error) = done else {
            return done;
        };
        session.is_suspect = !error.leaves_connection_usable();
        drop(session);
        let kind = error.kind();
        if matches!(
            kind,
            PostgresErrorKind::Passing | PostgresErrorKind::ReadOnly
        ) {
            database.doubt_connections();
            if attempt < ATTEMPTS && started.elapsed() < LATEST_ATTEMPT {
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
