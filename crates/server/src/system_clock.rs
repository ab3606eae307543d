//! The time, as the system has it.

use chrono::Utc;
use convosync_domain::ports::Clock;
use convosync_domain::timestamp::{Timestamp, TimestampError};

/// The clock of the system.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SystemClock {
    unix_epoch: Timestamp,
}

impl SystemClock {
    pub(crate) fn new() -> Result<Self, TimestampError> {
        let unix_epoch = Timestamp::from_micros(0)?;
        Ok(Self { unix_epoch })
    }
}

impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods, reason = "this is the adapter of the port")]
    fn now(&self) -> Timestamp {
        // Adding keeps a clock gone wild within the years that a timestamp can have.
        self.unix_epoch.plus_micros(Utc::now().timestamp_micros())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_runs() {
        let then = Timestamp::parse("2025-01-01T00:00:00Z").unwrap();
        assert!(SystemClock::new().unwrap().now() > then);
    }
}
