//! What other processes on the same store have changed.

use std::error::Error;
use std::iter::successors;
use std::time::Duration;

use convosync_domain::ports::StoreError;
use tokio::time::sleep;

use super::ChangeHub;

/// Between a failure and the next try.
const PAUSE: Duration = Duration::from_secs(1);

/// Wakes those who wait at the hub for what other processes change. It never ends.
pub async fn relay(hub: &ChangeHub) {
    let Some(signals) = hub.signals() else {
        return std::future::pending().await;
    };
    let mut fails = false;
    loop {
        match signals.listen(hub.watched()).await {
            Ok(notices) => {
                if fails {
                    tracing::info!("changes by other servers are told again");
                }
                fails = false;
                for notice in notices {
                    hub.wake(notice);
                }
            }
            Err(error) => {
                if !fails {
                    let error = chain(&error);
                    tracing::warn!(%error, "changes by other servers are not told for now");
                }
                fails = true;
                sleep(PAUSE).await;
            }
        }
    }
}

/// An error with everything that caused it.
fn chain(error: &StoreError) -> String {
    let first: &dyn Error = error;
    let all = successors(Some(first), |&error| error.source());
    all.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::sync::{Arc, Mutex};

    use async_trait::async_trait;
    use convosync_domain::identity::VisitorId;
    use convosync_domain::ports::{ChangeNotice, ChangeSignals, Standing, WatchedVisitors};
    use tokio::time::{Instant, timeout};
    use uuid::Uuid;

    use super::*;

    const ADA: VisitorId = VisitorId::from_uuid(Uuid::from_u128(1));

    /// Tells what it was given, an answer a call, then waits for ever.
    struct Script(Mutex<VecDeque<Result<Vec<u64>, ()>>>);

    #[async_trait]
    impl ChangeSignals for Script {
        fn announce(&self, _: ChangeNotice) {}

        async fn listen(
            &self,
            watched: Arc<dyn WatchedVisitors>,
        ) -> Result<Vec<ChangeNotice>, StoreError> {
            assert_eq!(watched.watched(), [ADA]);
            let next = self.0.lock().unwrap().pop_front();
            match next {
                Some(Ok(counters)) => Ok(counters
                    .into_iter()
                    .map(|counter| ChangeNotice {
                        visitor: ADA,
                        standing: Standing::At(counter),
                    })
                    .collect()),
                Some(Err(())) => Err(StoreError::Unavailable {
                    retry_after: Duration::ZERO,
                    source: None,
                }),
                None => std::future::pending().await,
            }
        }
    }

    fn script(answers: impl IntoIterator<Item = Result<Vec<u64>, ()>>) -> ChangeHub {
        let answers = answers.into_iter().collect();
        ChangeHub::with_others(Arc::new(Script(Mutex::new(answers))))
    }

    /// Runs the relay until the watch is told of something else than this counter.
    async fn wakes(hub: &ChangeHub, change_counter: u64) -> bool {
        let mut watch = hub.watch(ADA);
        tokio::select! {
            () = relay(hub) => false,
            woken = timeout(Duration::from_secs(60), watch.moved_from(change_counter)) => woken.is_ok(),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_others_changed_wakes_those_who_watch() {
        assert!(wakes(&script([Ok(vec![]), Ok(vec![4])]), 3).await);
        assert!(!wakes(&script([Ok(vec![3])]), 3).await);
    }

    #[tokio::test(start_paused = true)]
    async fn a_failure_costs_a_pause() {
        let began = Instant::now();
        assert!(wakes(&script([Err(()), Err(()), Ok(vec![4])]), 3).await);
        assert_eq!(began.elapsed(), PAUSE * 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_hub_that_is_alone_has_nothing_to_relay() {
        assert!(!wakes(&ChangeHub::alone(), 3).await);
    }
}
