//! Stamps: an item's place in time, and what a clock that runs ahead may do to it.

use crate::patch::Precedence;
use crate::timestamp::Timestamp;

/// When a post arrived, and from when on its stamps are from the future.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    at: Timestamp,
    future_after: Timestamp,
}

impl Receipt {
    /// A post that arrives at `at`; stamps more than `max_clock_skew_seconds` later are from the
    /// future.
    #[must_use]
    pub fn new(at: Timestamp, max_clock_skew_seconds: u32) -> Self {
        Self {
            at,
            future_after: at.plus_micros(i64::from(max_clock_skew_seconds) * 1_000_000),
        }
    }

    /// The moment of receipt.
    #[must_use]
    pub fn at(self) -> Timestamp {
        self.at
    }
}

/// What a posted stamp, or the moment of a deletion, counts as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EffectiveStamp {
    /// There is none.
    Unstamped,
    /// It counts as this moment.
    At(Timestamp),
    /// It is from the future and was honoured before: it counts as older than anything.
    Replayed,
}

impl EffectiveStamp {
    /// What a posted stamp counts as. One from the future is honoured once, as the moment of receipt, and
    /// remembered: the same bytes posted again and again cannot win again and again.
    pub(super) fn of(
        posted: Option<Timestamp>,
        future_stamp: &mut Option<Timestamp>,
        receipt: Receipt,
    ) -> Self {
        let Some(posted) = posted else {
            return Self::Unstamped;
        };
        if Some(posted) == *future_stamp {
            return Self::Replayed;
        }
        if posted <= receipt.future_after {
            return Self::At(posted);
        }
        if Some(posted) < *future_stamp {
            return Self::Replayed;
        }
        *future_stamp = Some(posted);
        Self::At(receipt.at)
    }

    /// Where a post with this stamp stands beside a stored one.
    pub(super) fn precedence(self, stored: Option<Timestamp>) -> Precedence {
        match (self, stored) {
            (Self::Replayed, _) => Precedence::Older,
            (Self::Unstamped, _) => Precedence::SameOrNone,
            (Self::At(_), None) => Precedence::Newer,
            (Self::At(posted), Some(stored)) if posted > stored => Precedence::Newer,
            (Self::At(posted), Some(stored)) if posted == stored => Precedence::SameOrNone,
            (Self::At(_), Some(_)) => Precedence::Older,
        }
    }

    /// The moment it counts as, if it counts as one.
    pub(super) fn moment(self) -> Option<Timestamp> {
        match self {
            Self::At(moment) => Some(moment),
            Self::Unstamped | Self::Replayed => None,
        }
    }
}

/// Raises what only ever rises: stamps and deletions.
pub(super) fn raise(stored: &mut Option<Timestamp>, posted: Option<Timestamp>) {
    *stored = (*stored).max(posted);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(micros: i64) -> Timestamp {
        Timestamp::from_micros(micros).unwrap()
    }

    #[test]
    fn a_stamp_within_the_skew_counts_as_itself() {
        let mut future_stamp = None;
        let receipt = Receipt::new(at(0), 1);
        let effective = EffectiveStamp::of(Some(at(1_000_000)), &mut future_stamp, receipt);
        assert_eq!(
            (effective, future_stamp),
            (EffectiveStamp::At(at(1_000_000)), None)
        );
    }

    #[test]
    fn a_stamp_from_the_future_is_honoured_once() {
        let mut future_stamp = None;
        let mut effective = |posted, now| {
            EffectiveStamp::of(
                Some(at(posted)),
                &mut future_stamp,
                Receipt::new(at(now), 1),
            )
        };
        assert_eq!(effective(9_000_000, 5), EffectiveStamp::At(at(5)));
        assert_eq!(effective(9_000_000, 6), EffectiveStamp::Replayed);
        assert_eq!(
            effective(8_000_000, 7),
            EffectiveStamp::Replayed,
            "an earlier one than remembered"
        );
        assert_eq!(
            effective(9_000_001, 8),
            EffectiveStamp::At(at(8)),
            "a later one than remembered"
        );
        assert_eq!(
            effective(9_000_001, 20_000_000),
            EffectiveStamp::Replayed,
            "even when it has come"
        );
        assert_eq!(
            effective(9_000_000, 20_000_000),
            EffectiveStamp::At(at(9_000_000))
        );
    }
}
