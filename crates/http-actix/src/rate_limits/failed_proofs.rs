//! Who guesses is slowed.

use std::net::IpAddr;
use std::time::Duration;

use governor::clock::{Clock, Reference as _};
use quick_cache::sync::Cache;

use super::limit::Limit;
use crate::error::ApiError;

/// How many addresses may be blocked at once. Beyond that one that is blocked may be forgotten, and then its
/// next failure blocks it again.
const BLOCKED_MAX: usize = 10_000;

pub(super) struct FailedProofs<C: Clock> {
    limit: Limit<IpAddr, C>,
    /// Governor does not tell whether something is left without taking it.
    blocked_until: Cache<IpAddr, C::Instant>,
}

impl<C: Clock> FailedProofs<C> {
    pub(super) fn new(limit: Limit<IpAddr, C>) -> Self {
        Self {
            limit,
            blocked_until: Cache::new(BLOCKED_MAX),
        }
    }

    pub(super) fn refuse_if_blocked(&self, address: IpAddr) -> Result<(), ApiError> {
        let now = self.limit.now();
        match self.blocked_until.get(&address) {
            Some(until) if until > now => Err(self.limit.refusal(until.duration_since(now).into())),
            _ => Ok(()),
        }
    }

    pub(super) fn note(&self, address: IpAddr) -> Result<(), ApiError> {
        match self.limit.take(&address) {
            Ok(0) => {
                // Taking one more tells how long it takes until there is one. In the rare case that one has
                // come back just now it is lost.
                if let Err(wait) = self.limit.take(&address) {
                    self.block(address, wait);
                }
                Ok(())
            }
            Ok(_) => Ok(()),
            Err(wait) => {
                self.block(address, wait);
                Err(self.limit.refusal(wait))
            }
        }
    }

    fn block(&self, address: IpAddr, wait: Duration) {
        let until = self.limit.now() + wait.into();
        self.blocked_until.insert(address, until);
    }
}
