//! Time and randomness, as the system has them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::Utc;
use convosync_domain::ports::{AnonIds, Clock};
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

/// The random numbers of the system.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SystemAnonIds;

impl AnonIds for SystemAnonIds {
    fn generate(&self) -> String {
        let mut secret = [0; 32];
        match getrandom::fill(&mut secret) {
            Ok(()) => URL_SAFE_NO_PAD.encode(secret),
            // No identity is empty, so the registration is refused.
            Err(_) => String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_anon_id_is_43_characters_of_base64url_and_new_each_time() {
        let (one, two) = (SystemAnonIds.generate(), SystemAnonIds.generate());
        assert_eq!(one.len(), 43);
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        assert!(one.bytes().all(allowed));
        assert_ne!(one, two);
    }

    #[test]
    fn the_clock_runs() {
        let then = Timestamp::parse("2025-01-01T00:00:00Z").unwrap();
        assert!(SystemClock::new().unwrap().now() > then);
    }
}
