//! How often one address, or one visitor, may ask; and how often an address may fail to prove who asks.
//!
//! Each limit fills again evenly (GCRA): of 200 requests a second one comes back every 5 ms. What is counted
//! is in memory, so it begins anew with the process and is each server's own where several share a store.

mod failed_proofs;
mod limit;
#[cfg(test)]
mod tests;

use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;

use actix_web::http::header::{HeaderName, HeaderValue};
use convosync_domain::identity::VisitorId;
use governor::Quota;
use governor::clock::{Clock, DefaultClock};

use self::failed_proofs::FailedProofs;
use self::limit::{Key, Limit, Rule};
use crate::error::ApiError;
use crate::settings::RateLimitSettings;

/// What is left of a limit (draft-ietf-httpapi-ratelimit-headers).
pub(crate) const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
/// The limit that was met.
pub(crate) const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// So many seconds' requests may come at once.
const BURST_SECONDS: u32 = 10;

const ADDRESS: Rule = Rule {
    name: "address",
    counts: "requests a second from one address",
    setting: "limits.address_requests_per_second",
};
const VISITOR: Rule = Rule {
    name: "visitor",
    counts: "requests a second of one visitor",
    setting: "limits.visitor_requests_per_second",
};
const FAILED_PROOFS: Rule = Rule {
    name: "failed-proofs",
    counts: "failed proofs of identity a minute from one address",
    setting: "limits.failed_proofs_per_minute",
};

/// The limits, each of which there may be or not.
pub(crate) struct RateLimits<C: Clock = DefaultClock> {
    addresses: Option<Limit<IpAddr, C>>,
    visitors: Option<Limit<VisitorId, C>>,
    failed_proofs: Option<FailedProofs<C>>,
}

impl RateLimits {
    pub(crate) fn new(settings: RateLimitSettings) -> Self {
        Self::with_clock(settings, &DefaultClock::default())
    }
}

impl<C: Clock + Clone> RateLimits<C> {
    fn with_clock(settings: RateLimitSettings, clock: &C) -> Self {
        let failed_proofs = NonZeroU32::new(settings.failed_proofs_per_minute)
            .map(|most| Limit::new(FAILED_PROOFS, most, Quota::per_minute(most), clock.clone()));
        Self {
            addresses: per_second(ADDRESS, settings.address_requests_per_second, clock),
            visitors: per_second(VISITOR, settings.visitor_requests_per_second, clock),
            failed_proofs: failed_proofs.map(FailedProofs::new),
        }
    }

    /// Counts a request from this address.
    ///
    /// Returns what `RateLimit` says of what is left; `None` where it is not counted.
    ///
    /// # Errors
    /// 429 where it is one too many.
    pub(crate) fn check_address(&self, address: IpAddr) -> Result<Option<HeaderValue>, ApiError> {
        let Some(limit) = &self.addresses else {
            return Ok(None);
        };
        match limit.take(&network(address)) {
            Ok(left) => Ok(limit.left(left)),
            Err(wait) => Err(limit.refusal(wait)),
        }
    }
}

impl<C: Clock + Clone> RateLimits<C> {
    /// Counts a request of this visitor, who has proved to be it.
    ///
    /// # Errors
    /// 429 where it is one too many.
    pub(crate) fn check_visitor(&self, visitor: VisitorId) -> Result<(), ApiError> {
        let Some(limit) = &self.visitors else {
            return Ok(());
        };
        let taken = limit.take(&visitor);
        taken.map(|_left| ()).map_err(|wait| limit.refusal(wait))
    }

    /// To be asked before a proof is looked at.
    ///
    /// # Errors
    /// 429 while the address has failed so often that no proof of it is looked at.
    pub(crate) fn refuse_if_blocked(&self, address: IpAddr) -> Result<(), ApiError> {
        match &self.failed_proofs {
            Some(failed_proofs) => failed_proofs.refuse_if_blocked(network(address)),
            None => Ok(()),
        }
    }

    /// To be told of a proof that did not hold.
    ///
    /// # Errors
    /// 429, in the place of what would have been answered, where the address has failed too often: several
    /// requests may have been looked at when the last failure came that it may have.
    pub(crate) fn note_failed_proof(&self, address: IpAddr) -> Result<(), ApiError> {
        match &self.failed_proofs {
            Some(failed_proofs) => failed_proofs.note(network(address)),
            None => Ok(()),
        }
    }
}

fn per_second<K: Key, C: Clock + Clone>(rule: Rule, most: u32, clock: &C) -> Option<Limit<K, C>> {
    let most = NonZeroU32::new(most)?;
    let burst = NonZeroU32::new(most.get().saturating_mul(BURST_SECONDS)).unwrap_or(most);
    let quota = Quota::per_second(most).allow_burst(burst);
    Some(Limit::new(rule, most, quota, clock.clone()))
}

/// What counts as one address: of IPv6 the network, since whoever has one address has all of it.
pub(crate) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        address @ IpAddr::V4(_) => address,
    }
}
