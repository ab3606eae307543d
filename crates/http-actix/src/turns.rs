//! Whose turn it is to keep a thread busy.
//!
//! Reading a post takes the thread that also has to take in the next requests. If every post that has arrived were read at
//! once, a server with more to do than it can would answer all of them late, and the refusals last of all.
//!
//! A line that is never empty is no burst but overload, and whoever joins it only makes everybody wait. So posts wait
//! patiently in a line that was empty not long ago, and else are soon refused, as the controlled delay of Maurer's "Fail at
//! Scale" (ACM Queue 13.8, 2015) does it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use actix_web::rt::task::yield_now;
use actix_web::rt::time::timeout;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::error::ApiError;

/// How many posts are read before other requests have their turn, for each thread: two, so that no thread is idle while
/// another one's post is next.
const TURNS_PER_WORKER: usize = 2;

/// How long a post may wait for its turn in a burst, and how long a burst may take.
const PATIENCE: Duration = Duration::from_secs(1);

/// How long a post may wait for its turn where the line has not been empty for longer than that.
const IMPATIENCE: Duration = Duration::from_millis(50);

/// The line in which posts wait to be read.
pub(crate) struct Turns {
    turns: Semaphore,
    /// Those of whoever has its turn or waits for it.
    places: Semaphore,
    began: Instant,
    /// When somebody last found the line empty, in milliseconds since it began.
    was_empty: AtomicU64,
}

impl Turns {
    /// The line of a server with so many threads, in which so many may wait.
    pub(crate) fn new(workers: usize, queue: usize) -> Self {
        let most = Semaphore::MAX_PERMITS;
        let turns = workers.saturating_mul(TURNS_PER_WORKER).min(most);
        let places = queue.saturating_add(turns).min(most);
        Self {
            turns: Semaphore::new(turns),
            places: Semaphore::new(places),
            began: Instant::now(),
            was_empty: AtomicU64::new(0),
        }
    }

    /// What `work` returns, once it was its turn.
    ///
    /// # Errors
    /// At once when as many wait as may, and when the turn does not come in time: then `work` was not begun.
    pub(crate) async fn take<T>(&self, work: impl FnOnce() -> T) -> Result<T, ApiError> {
        let refused = || ApiError::too_many_in_flight("queue");
        let _place = self.places.try_acquire().ok().ok_or_else(refused)?;
        let _turn = self.turn().await.ok_or_else(refused)?;
        // With the turn taken, so that whatever has arrived meanwhile goes first and then waits behind this.
        yield_now().await;
        Ok(work())
    }

    async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        let now = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        // What is given back goes to whoever waits: there is a turn left only if nobody does.
        if let Ok(turn) = self.turns.try_acquire() {
            self.was_empty.store(now, Ordering::Relaxed);
            return Some(turn);
        }
        let stands = now.saturating_sub(self.was_empty.load(Ordering::Relaxed));
        let wait_max = if Duration::from_millis(stands) <= PATIENCE {
            PATIENCE
        } else {
            IMPATIENCE
        };
        timeout(wait_max, self.turns.acquire()).await.ok()?.ok()
    }
}
#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use actix_web::rt::time::sleep;
    use futures_util::future::{join, join_all};

    use super::*;

    #[actix_web::test]
    async fn one_more_than_may_wait_is_refused_before_the_others_are_done() {
        let turns = Turns::new(1, 3);
        let done = Cell::new(0);
        let posts = (0..8).map(async |_| {
            let taken = turns.take(|| done.set(done.get() + 1)).await;
            taken.map_err(|error| (error.to_string(), done.get()))
        });
        let taken = join_all(posts).await;
        let refused = Err(("Too many requests in flight".to_owned(), 0));
        assert_eq!(
            taken[..TURNS_PER_WORKER + 3],
            vec![Ok(()); TURNS_PER_WORKER + 3]
        );
        assert_eq!(taken[TURNS_PER_WORKER + 3..], vec![refused; 3]);
        assert!(turns.take(|| ()).await.is_ok());
    }

    #[actix_web::test]
    async fn others_have_their_turn_between_two_posts() {
        let turns = Turns::new(1, 100);
        let read = Cell::new(0);
        let most_at_once = async {
            let (mut seen, mut most) = (0, 0);
            while seen < 100 {
                yield_now().await;
                most = most.max(read.get() - seen);
                seen = read.get();
            }
            most
        };
        let posts = (0..100).map(|_| turns.take(|| read.set(read.get() + 1)));
        let (most, _) = join(most_at_once, join_all(posts)).await;
        assert!(most <= TURNS_PER_WORKER, "{most}");
    }

    #[actix_web::test]
    async fn in_a_line_that_is_never_empty_nobody_waits_for_long() {
        let turns = Turns::new(1, 100);
        let held = turns.turns.acquire_many(2).await.unwrap();
        let joined = Instant::now();
        assert!(turns.take(|| ()).await.is_err());
        assert!(joined.elapsed() >= PATIENCE);
        let joined = Instant::now();
        assert!(turns.take(|| ()).await.is_err());
        assert!((IMPATIENCE..PATIENCE).contains(&joined.elapsed()));

        drop(held);
        assert!(turns.take(|| ()).await.is_ok());
        let held = turns.turns.acquire_many(2).await.unwrap();
        let let_go = async {
            sleep(2 * IMPATIENCE).await;
            drop(held);
        };
        let (taken, ()) = join(turns.take(|| ()), let_go).await;
        assert!(taken.is_ok());
    }
}
