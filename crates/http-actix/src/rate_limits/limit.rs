//! One limit, for each of many keys.

use std::hash::Hash;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use actix_web::http::header::HeaderValue;
use governor::clock::Clock;
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};

use super::{RATE_LIMIT, RATE_LIMIT_POLICY};
use crate::error::{ApiError, whole_seconds};

/// After so many takings the keys are forgotten that have got back all they may have. So those in memory are
/// at most this many beside those that are in use; each takes 32 bytes, and at most 75 with the table's room.
const FORGET_AFTER: u32 = 1 << 16;

/// What a limit is told by.
pub(super) struct Rule {
    /// In headers.
    pub(super) name: &'static str,
    /// In errors, after a number.
    pub(super) counts: &'static str,
    /// The setting by which it is set.
    pub(super) setting: &'static str,
}

/// Whom a limit counts for.
pub(super) trait Key: Clone + Eq + Hash {}

impl<K: Clone + Eq + Hash> Key for K {}

pub(super) struct Limit<K: Key, C: Clock> {
    rule: Rule,
    most: NonZeroU32,
    quota: Quota,
    taken: RateLimiter<K, HashMapStateStore<K>, C, StateInformationMiddleware>,
    takings: AtomicU32,
}

impl<K: Key, C: Clock> Limit<K, C> {
    /// A limit of `most` of what the rule counts, which is what the quota means.
    pub(super) fn new(rule: Rule, most: NonZeroU32, quota: Quota, clock: C) -> Self {
        Self {
            rule,
            most,
            quota,
            taken: RateLimiter::hashmap_with_clock(quota, clock).with_middleware(),
            takings: AtomicU32::new(0),
        }
    }

    /// Takes one; returns how many are left, or how long it takes until there is one.
    pub(super) fn take(&self, key: &K) -> Result<u32, Duration> {
        let takings = self.takings.fetch_add(1, Ordering::Relaxed);
        if takings % FORGET_AFTER == FORGET_AFTER - 1 {
            self.taken.retain_recent();
            self.taken.shrink_to_fit();
        }
        match self.taken.check_key(key) {
            Ok(state) => Ok(state.remaining_burst_capacity()),
            Err(refused) => Err(refused.wait_time_from(self.now())),
        }
    }

    pub(super) fn now(&self) -> C::Instant {
        self.taken.clock().now()
    }

    /// What `RateLimit` says where so many are left.
    pub(super) fn left(&self, left: u32) -> Option<HeaderValue> {
        let name = self.rule.name;
        HeaderValue::try_from(format!("\"{name}\";r={left}")).ok()
    }

    /// The answer to whom nothing is left until so much time has passed.
    pub(super) fn refusal(&self, wait: Duration) -> ApiError {
        let Self {
            rule:
                Rule {
                    name,
                    counts,
                    setting,
                },
            most,
            quota,
            ..
        } = self;
        let burst = quota.burst_size();
        let window = whole_seconds(quota.burst_size_replenished_in());
        let seconds = whole_seconds(wait);
        let text = format!("More than {most} {counts} ({setting})");
        ApiError::too_many_requests(text, wait, setting)
            .with_text_header(
                RATE_LIMIT_POLICY,
                &format!("\"{name}\";q={burst};w={window}"),
            )
            .with_text_header(RATE_LIMIT, &format!("\"{name}\";r=0;t={seconds}"))
    }

    #[cfg(test)]
    pub(super) fn keys(&self) -> usize {
        self.taken.len()
    }
}
