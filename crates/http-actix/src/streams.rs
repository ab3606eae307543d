//! How many may wait for changes at once: streams of events, and pulls that wait.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use convosync_domain::identity::VisitorId;
use metrics::{Gauge, gauge};

use crate::error::ApiError;
use crate::rate_limits::network;
use crate::settings::Limits;

/// Those who wait, by where they come from and whom they wait for.
pub(crate) struct Streams {
    limits: Limits,
    open: Arc<Mutex<Open>>,
    waiting: Gauge,
}

#[derive(Debug, Default)]
struct Open {
    all: usize,
    by_address: HashMap<IpAddr, usize>,
    by_visitor: HashMap<VisitorId, usize>,
}

impl Streams {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            open: Arc::default(),
            waiting: gauge!("convosync_streams_waiting"),
        }
    }

    /// One more waits, until what is returned is dropped.
    ///
    /// # Errors
    /// 429 or 503 where as many wait as may.
    pub(crate) fn open(&self, address: IpAddr, visitor: VisitorId) -> Result<Stream, ApiError> {
        let address = network(address);
        let Limits {
            streams,
            streams_per_address,
            streams_per_visitor,
            ..
        } = self.limits;
        let mut open = lock(&self.open);
        if is_full(open.all, streams) {
            return Err(ApiError::too_many_in_flight("streams"));
        }
        if is_full(count(&open.by_address, &address), streams_per_address) {
            return Err(ApiError::too_many_streams(
                streams_per_address,
                "from one address",
                "limits.streams_per_address",
            ));
        }
        if is_full(count(&open.by_visitor, &visitor), streams_per_visitor) {
            return Err(ApiError::too_many_streams(
                streams_per_visitor,
                "of one visitor",
                "limits.streams_per_visitor",
            ));
        }
        open.all += 1;
        *open.by_address.entry(address).or_default() += 1;
        *open.by_visitor.entry(visitor).or_default() += 1;
        self.waiting.increment(1);
        Ok(Stream {
            address,
            visitor,
            open: Arc::clone(&self.open),
            waiting: self.waiting.clone(),
        })
    }
}

/// Somebody who waits.
#[derive(Debug)]
pub(crate) struct Stream {
    address: IpAddr,
    visitor: VisitorId,
    open: Arc<Mutex<Open>>,
    waiting: Gauge,
}

impl Drop for Stream {
    fn drop(&mut self) {
        let mut open = lock(&self.open);
        open.all = open.all.saturating_sub(1);
        forget_one(&mut open.by_address, self.address);
        forget_one(&mut open.by_visitor, self.visitor);
        self.waiting.decrement(1);
    }
}

fn is_full(open: usize, most: usize) -> bool {
    most > 0 && open >= most
}

fn count<K: Eq + Hash>(counts: &HashMap<K, usize>, key: &K) -> usize {
    counts.get(key).copied().unwrap_or(0)
}

fn forget_one<K: Eq + Hash>(counts: &mut HashMap<K, usize>, key: K) {
    if let Entry::Occupied(mut count) = counts.entry(key) {
        *count.get_mut() -= 1;
        if *count.get() == 0 {
            count.remove();
        }
    }
}

fn lock(open: &Mutex<Open>) -> MutexGuard<'_, Open> {
    open.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::error::ErrorCode;

    fn streams(streams: usize, streams_per_address: usize, streams_per_visitor: usize) -> Streams {
        Streams::new(Limits {
            streams,
            streams_per_address,
            streams_per_visitor,
            ..Limits::default()
        })
    }

    fn open(streams: &Streams, address: &str, visitor: u128) -> Result<Stream, ErrorCode> {
        let visitor = VisitorId::from_uuid(Uuid::from_u128(visitor));
        let opened = streams.open(address.parse().unwrap(), visitor);
        opened.map_err(|error| error.code())
    }

    #[test]
    fn each_limit_holds_by_itself_until_somebody_goes() {
        const REFUSED: ErrorCode = ErrorCode::TooManyStreams;
        for (limits, others, refused) in [
            (
                streams(2, 0, 0),
                ("10.0.0.2", 2),
                ErrorCode::TooManyInFlight,
            ),
            (streams(0, 2, 0), ("10.0.0.1", 2), REFUSED),
            (streams(0, 0, 2), ("10.0.0.2", 1), REFUSED),
        ] {
            let first = open(&limits, "10.0.0.1", 1).unwrap();
            let _second = open(&limits, others.0, others.1).unwrap();
            assert_eq!(open(&limits, others.0, others.1).unwrap_err(), refused);
            drop(first);
            open(&limits, others.0, others.1).unwrap();
        }
    }

    #[test]
    fn other_addresses_and_other_visitors_are_let_in() {
        let limits = streams(0, 1, 1);
        let _first = open(&limits, "2001:db8:1:2::1", 1).unwrap();
        assert!(open(&limits, "2001:db8:1:2::9", 2).is_err(), "one network");
        assert!(open(&limits, "2001:db8:1:3::1", 1).is_err(), "one visitor");
        open(&limits, "2001:db8:1:3::1", 2).unwrap();
    }

    #[test]
    fn without_limits_everybody_is_let_in_and_nobody_is_remembered() {
        let limits = streams(0, 0, 0);
        let all: Vec<_> = (0..1_000).map(|_| open(&limits, "10.0.0.1", 1)).collect();
        assert!(all.iter().all(Result::is_ok));
        drop(all);
        let open = lock(&limits.open);
        assert_eq!(open.all, 0);
        assert!(open.by_address.is_empty() && open.by_visitor.is_empty());
    }
}
