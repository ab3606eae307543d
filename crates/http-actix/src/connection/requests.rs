//! How long a connection may go on as it does.

use std::time::{Duration, Instant};

use actix_web::body::BodySize;
use smallvec::SmallVec;

/// How long the head of the next request may take, beside the time that the last answer takes to arrive.
const IDLE_MAX: Duration = Duration::from_secs(15);
/// How fast a client is taken to receive an answer, in bytes a second.
const LEAST_RATE: u64 = 1_024;
/// The most requests that a connection has at once, by when they begin until their answers are gone.
const AT_ONCE: usize = 128;
/// Where so many are in flight, the client goes on asking and does not take the refusals.
const FLOOD: usize = 1_024;
/// How long the last answer has to get from the buffers of HTTP/2 to those of the system.
const FLUSH: Duration = Duration::from_secs(1);

/// The requests of a connection, and by when its client has to act. Those of HTTP/1.1 come one after the
/// other, those of HTTP/2 also at once.
#[derive(Debug)]
pub(super) struct Requests {
    /// Those in flight that are, or were, served.
    taken: usize,
    /// Those in flight that are refused.
    refused: usize,
    /// By when the client has to take each answer that is there, or the piece that is there of it.
    answers: SmallVec<[Instant; 1]>,
    /// By when a request has to begin where none is in flight.
    idle_until: Instant,
    /// From when on nothing is lost by closing the connection where none is served.
    flushed_from: Instant,
}

/// What becomes of a request that has begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Begun {
    /// It is served.
    Taken,
    /// It is refused: the connection is about to close.
    Closing,
    /// It is refused: there are as many as a connection may have.
    TooMany,
    /// It is refused, and the connection closed at once.
    Flood,
}

impl Requests {
    /// A connection that was just made.
    pub(super) fn none_yet(now: Instant) -> Self {
        Self {
            taken: 0,
            refused: 0,
            answers: SmallVec::new(),
            idle_until: now + IDLE_MAX,
            flushed_from: now,
        }
    }

    /// One more request has begun.
    pub(super) fn begin(&mut self, closing: bool) -> Begun {
        let begun = match self.in_flight() {
            FLOOD.. => Begun::Flood,
            AT_ONCE.. => Begun::TooMany,
            _ if closing => Begun::Closing,
            _ => Begun::Taken,
        };
        match begun {
            Begun::Taken => self.taken += 1,
            _ => self.refused += 1,
        }
        begun
    }

    /// A request has got its answer; by when the client has to have taken it. Of one that is made while it is sent
    /// that is asked [of each piece](Self::give).
    pub(super) fn answer(&mut self, now: Instant, size: BodySize) -> Option<Instant> {
        match size {
            BodySize::None => Some(self.give(now, 0)),
            BodySize::Sized(bytes) => Some(self.give(now, bytes)),
            BodySize::Stream => None,
        }
    }

    /// The client is given so many bytes; by when it has to have taken them.
    pub(super) fn give(&mut self, now: Instant, bytes: u64) -> Instant {
        let takes = Duration::from_secs(bytes / LEAST_RATE);
        let take_until = now.checked_add(IDLE_MAX + takes).unwrap_or(now);
        self.answers.push(take_until);
        take_until
    }

    /// The client has taken what it had to take by then.
    pub(super) fn taken(&mut self, take_until: Instant) {
        let answer = self.answers.iter().position(|answer| *answer == take_until);
        if let Some(answer) = answer {
            self.answers.swap_remove(answer);
        }
    }

    /// A request is no longer in flight: its answer is with the connection, or there is nobody to get one.
    pub(super) fn end(&mut self, now: Instant, begun: Begun, take_until: Option<Instant>) {
        match begun {
            Begun::Taken => {
                self.taken = self.taken.saturating_sub(1);
                self.flushed_from = now + FLUSH;
            }
            _ => self.refused = self.refused.saturating_sub(1),
        }
        if let Some(take_until) = take_until {
            self.taken(take_until);
        }
        let arrives = take_until.unwrap_or(now).max(now + IDLE_MAX);
        self.idle_until = self.idle_until.max(arrives);
    }

    /// When to look again; none where the connection is to be closed.
    pub(super) fn check(&self, now: Instant, closing: bool) -> Option<Duration> {
        let answer = self.answers.iter().min().copied();
        let idle = (self.in_flight() == 0).then_some(self.idle_until);
        let closed = (closing && self.taken == 0).then_some(self.flushed_from);
        let deadlines = [answer, idle, closed].into_iter().flatten();
        let left = deadlines
            .map(|deadline| deadline.saturating_duration_since(now))
            .min()
            // Whatever begins to count now counts for longer than this.
            .unwrap_or(IDLE_MAX)
            .min(if closing { FLUSH } else { IDLE_MAX });
        (!left.is_zero()).then_some(left)
    }

    fn in_flight(&self) -> usize {
        self.taken + self.refused
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: BodySize = BodySize::None;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// Serves a request of a second, whose answer is taken at once; when that has ended.
    fn serve(requests: &mut Requests, at: Instant, answer: BodySize) -> Instant {
        let begun = requests.begin(false);
        assert_eq!(begun, Begun::Taken);
        let end = at + seconds(1);
        let take_until = requests.answer(end, answer);
        requests.end(end, begun, take_until);
        end
    }

    #[test]
    fn a_request_begins_in_time_or_the_connection_is_closed() {
        let opened = Instant::now();
        let mut requests = Requests::none_yet(opened);
        assert_eq!(requests.check(opened, false), Some(IDLE_MAX));
        assert_eq!(requests.check(opened + IDLE_MAX, false), None);

        let end = serve(&mut requests, opened, EMPTY);
        assert_eq!(requests.check(end + seconds(14), false), Some(seconds(1)));
        assert_eq!(requests.check(end + IDLE_MAX, false), None);
        assert_eq!(requests.begin(false), Begun::Taken);
        assert_eq!(requests.check(end + IDLE_MAX, false), Some(IDLE_MAX));
    }

    #[test]
    fn a_long_answer_gives_its_client_time_to_take_it() {
        let mut requests = Requests::none_yet(Instant::now());
        let end = serve(&mut requests, Instant::now(), BodySize::Sized(10 * 1_024));
        assert_eq!(requests.check(end + seconds(24), false), Some(seconds(1)));
        assert_eq!(requests.check(end + seconds(25), false), None);
    }

    #[test]
    fn an_answer_that_is_made_while_it_is_sent_may_last_but_each_piece_has_its_time() {
        let opened = Instant::now();
        let mut requests = Requests::none_yet(opened);
        let begun = requests.begin(false);
        assert_eq!(requests.answer(opened, BodySize::Stream), None);
        let mut now = opened;
        for _ in 0..1_000 {
            now += seconds(60);
            assert_eq!(requests.check(now, false), Some(IDLE_MAX));
            let take_until = requests.give(now, 10 * 1_024);
            now += seconds(24);
            assert_eq!(requests.check(now, false), Some(seconds(1)));
            requests.taken(take_until);
        }
        let take_until = requests.give(now, 0);
        assert_eq!(requests.check(now + IDLE_MAX, false), None);
        requests.end(now, begun, Some(take_until));
        assert_eq!(requests.check(now, false), Some(IDLE_MAX));
    }

    #[test]
    fn a_request_that_ends_leaves_those_alone_that_are_served() {
        let opened = Instant::now();
        let mut requests = Requests::none_yet(opened);
        let slow = requests.begin(false);
        let end = serve(&mut requests, opened, EMPTY);
        let much_later = end + seconds(3_600);
        assert_eq!(requests.check(much_later, false), Some(IDLE_MAX));
        requests.end(much_later, slow, None);
        assert_eq!(requests.check(much_later, false), Some(IDLE_MAX));
        assert_eq!(requests.check(much_later + IDLE_MAX, false), None);
    }

    #[test]
    fn an_answer_that_is_not_taken_ends_the_connection_whatever_else_is_asked() {
        let opened = Instant::now();
        let mut requests = Requests::none_yet(opened);
        assert_eq!(requests.begin(false), Begun::Taken);
        requests.answer(opened, EMPTY);
        let end = serve(&mut requests, opened + seconds(10), EMPTY);
        assert_eq!(requests.check(end, false), Some(seconds(4)));
        assert_eq!(requests.check(opened + IDLE_MAX, false), None);
    }

    #[test]
    fn too_many_at_once_are_refused_and_a_flood_is_the_end() {
        let mut requests = Requests::none_yet(Instant::now());
        for _ in 0..AT_ONCE {
            assert_eq!(requests.begin(false), Begun::Taken);
        }
        for _ in AT_ONCE..FLOOD {
            assert_eq!(requests.begin(false), Begun::TooMany);
        }
        assert_eq!(requests.begin(false), Begun::Flood);
        requests.end(Instant::now(), Begun::Flood, None);
        for _ in AT_ONCE - 1..FLOOD {
            requests.end(Instant::now(), Begun::TooMany, None);
        }
        assert_eq!(requests.begin(false), Begun::TooMany);
        requests.end(Instant::now(), Begun::TooMany, None);
        requests.end(Instant::now(), Begun::Taken, None);
        assert_eq!(requests.begin(false), Begun::Taken);
    }

    #[test]
    fn a_server_that_ends_waits_for_what_is_served_and_takes_nothing_more() {
        let opened = Instant::now();
        let mut requests = Requests::none_yet(opened);
        assert_eq!(requests.check(opened + FLUSH, true), None);

        let served = requests.begin(false);
        assert_eq!(requests.begin(true), Begun::Closing);
        let later = opened + seconds(10);
        assert_eq!(requests.check(later, true), Some(FLUSH));
        let take_until = requests.answer(later, EMPTY);
        assert_eq!(requests.check(later, true), Some(FLUSH));
        requests.end(later, served, take_until);
        // The one that was refused does not hold it.
        assert_eq!(requests.check(later, true), Some(FLUSH));
        assert_eq!(requests.check(later + FLUSH, true), None);
    }
}
