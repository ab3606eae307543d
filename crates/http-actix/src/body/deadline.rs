//! How slow a body may arrive.

use std::time::{Duration, Instant};

use crate::settings::Limits;

/// How long a body may be slower than the least rate.
const GRACE: Duration = Duration::from_secs(3);

/// How slow a body may arrive: whole before its deadline, and at the least rate on average.
#[derive(Clone, Copy, Debug)]
pub(super) struct ArrivalDeadline {
    started: Instant,
    latest: Duration,
    bytes_per_second: u64,
}

impl ArrivalDeadline {
    /// The deadline of a body that begins to arrive now.
    pub(super) fn start(limits: &Limits) -> Self {
        Self {
            started: Instant::now(),
            latest: Duration::from_secs(limits.body_seconds),
            bytes_per_second: limits.body_bytes_per_second,
        }
    }

    /// How long to wait for what follows so many bytes.
    pub(super) fn left(&self, arrived: usize) -> Duration {
        self.allowed(arrived).saturating_sub(self.started.elapsed())
    }

    /// When after the start so many bytes are no longer enough.
    fn allowed(&self, arrived: usize) -> Duration {
        let arrived = u64::try_from(arrived).unwrap_or(u64::MAX);
        let earned = arrived
            .saturating_mul(1_000)
            .checked_div(self.bytes_per_second);
        match earned {
            Some(millis) => GRACE
                .saturating_add(Duration::from_millis(millis))
                .min(self.latest),
            None => self.latest,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deadline(body_seconds: u64, body_bytes_per_second: u64) -> ArrivalDeadline {
        ArrivalDeadline::start(&Limits {
            body_seconds,
            body_bytes_per_second,
            ..Limits::default()
        })
    }

    #[test]
    fn every_byte_earns_time_until_the_deadline() {
        let deadline = deadline(30, 1_024);
        for (arrived, millis) in [
            (0, 3_000),
            (1, 3_000),
            (512, 3_500),
            (10_240, 13_000),
            (27 * 1_024 - 2, 29_998),
            (27 * 1_024, 30_000),
            (usize::MAX, 30_000),
        ] {
            let allowed = Duration::from_millis(millis);
            assert_eq!(deadline.allowed(arrived), allowed, "{arrived}");
        }
    }

    #[test]
    fn the_deadline_holds_within_the_grace_and_without_a_least_rate() {
        assert_eq!(deadline(1, 1_024).allowed(0), Duration::from_secs(1));
        assert_eq!(deadline(30, 0).allowed(0), Duration::from_secs(30));
        assert_eq!(deadline(30, 0).allowed(usize::MAX), Duration::from_secs(30));
    }

    #[test]
    fn time_runs() {
        let deadline = deadline(30, 1_024);
        assert!(deadline.left(0) <= GRACE);
        assert!(deadline.left(1_024) > Duration::from_secs(3));
    }
}
