use std::pin::pin;
use std::thread;

use futures_util::FutureExt as _;
use proptest::collection::vec;
use proptest::prelude::*;
use uuid::Uuid;

use super::*;

fn visitor(number: u128) -> VisitorId {
    VisitorId::from_uuid(Uuid::from_u128(number))
}

fn notice(number: u128, standing: Standing) -> ChangeNotice {
    ChangeNotice {
        visitor: visitor(number),
        standing,
    }
}

fn at(number: u128, change_counter: u64) -> ChangeNotice {
    notice(number, Standing::At(change_counter))
}

/// Whether the watch is woken that has read at this change counter.
fn is_woken(watch: &mut ChangeWatch, read_at: u64) -> bool {
    watch.moved_from(read_at).now_or_never().is_some()
}

fn watches(hub: &ChangeHub) -> usize {
    hub.watched().watched().len()
}

#[test]
fn a_notice_wakes_all_who_watch_that_visitor_and_nobody_else() {
    let hub = ChangeHub::alone();
    let (mut one, mut other) = (hub.watch(visitor(1)), hub.watch(visitor(1)));
    let mut stranger = hub.watch(visitor(2));
    hub.notify(at(1, 4));
    assert!(is_woken(&mut one, 3) && is_woken(&mut other, 3));
    assert!(!is_woken(&mut stranger, 3));
    assert!(!is_woken(&mut one, 3), "it was told");
}

#[test]
fn notices_that_come_before_somebody_looks_wake_once() {
    let hub = ChangeHub::alone();
    let mut watch = hub.watch(visitor(1));
    for change_counter in 4..100 {
        hub.notify(at(1, change_counter));
    }
    assert!(is_woken(&mut watch, 3));
    assert!(!is_woken(&mut watch, 99));
}

#[test]
fn what_was_read_or_told_already_wakes_nobody() {
    let hub = ChangeHub::alone();
    let mut watch = hub.watch(visitor(1));
    watch.before_reading();
    hub.notify(at(1, 4));
    assert!(!is_woken(&mut watch, 4), "the read saw it");
    hub.notify(at(1, 4));
    assert!(!is_woken(&mut watch, 3), "nothing new");
    hub.notify(at(1, 5));
    watch.before_reading();
    assert!(!is_woken(&mut watch, 5));
    hub.notify(notice(1, Standing::Gone));
    assert!(is_woken(&mut watch, 5));
}

#[test]
fn a_wait_that_is_given_up_loses_nothing() {
    let hub = ChangeHub::alone();
    let mut watch = hub.watch(visitor(1));
    assert!(!is_woken(&mut watch, 3));
    hub.notify(at(1, 4));
    assert!(is_woken(&mut watch, 3));
}

#[test]
fn a_hub_takes_no_more_than_its_watches() {
    let hub = ChangeHub::alone();
    hub.notify(at(1, 4));
    assert_eq!(watches(&hub), 0);
    let crowd: Vec<_> = (0..10_000)
        .map(|number| hub.watch(visitor(number / 2)))
        .collect();
    assert_eq!(watches(&hub), 5_000);
    drop(crowd);
    assert_eq!(watches(&hub), 0);
    assert!(hub.watches.lock().capacity() < 1_000);
}

#[test]
fn others_are_told_of_everything_that_is_written_here() {
    #[derive(Default)]
    struct Announced(Mutex<Vec<ChangeNotice>>);

    #[async_trait::async_trait]
    impl ChangeSignals for Announced {
        fn announce(&self, notice: ChangeNotice) {
            self.0.lock().unwrap().push(notice);
        }

        async fn listen(
            &self,
            _: Arc<dyn WatchedVisitors>,
        ) -> Result<Vec<ChangeNotice>, convosync_domain::ports::StoreError> {
            unreachable!()
        }
    }

    let signals = Arc::new(Announced::default());
    let hub = ChangeHub::with_others(signals.clone());
    hub.notify(at(1, 4));
    hub.notify(at(2, 9));
    // What others told is theirs to tell.
    hub.wake(at(3, 1));
    assert_eq!(*signals.0.lock().unwrap(), [at(1, 4), at(2, 9)]);
}

/// What happens at a hub, by the number of a visitor or of a watch.
#[derive(Clone, Debug)]
enum Step {
    Watch(u128),
    Unwatch(usize),
    Notify(u128, u64),
    /// Somebody who is woken reads.
    Look(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0..3_u128).prop_map(Step::Watch),
        (0..8_usize).prop_map(Step::Unwatch),
        (0..3_u128, 0..4_u64).prop_map(|(visitor, rise)| Step::Notify(visitor, rise)),
        (0..8_usize).prop_map(Step::Look),
    ]
}

proptest! {
    /// Whatever happens in whatever order: whoever has not read where its visitor stands is woken, nobody is woken who
    /// has, and only those are in the hub who watch.
    #[test]
    fn whoever_is_behind_is_woken(steps in vec(step(), 1..60)) {
        let hub = ChangeHub::alone();
        let mut stands = [0_u64; 3];
        let mut watching: Vec<(usize, u64, ChangeWatch)> = Vec::new();
        for step in steps {
            match step {
                Step::Watch(number) => {
                    let index = usize::try_from(number).unwrap();
                    let mut watch = hub.watch(visitor(number));
                    watch.before_reading();
                    watching.push((index, stands[index], watch));
                }
                Step::Unwatch(index) if index < watching.len() => {
                    watching.swap_remove(index);
                }
                Step::Notify(number, rise) => {
                    let stands = &mut stands[usize::try_from(number).unwrap()];
                    *stands += rise;
                    hub.notify(at(number, *stands));
                }
                Step::Look(index) if index < watching.len() => {
                    let (number, read_at, watch) = &mut watching[index];
                    let is_behind = *read_at != stands[*number];
                    prop_assert_eq!(is_woken(watch, *read_at), is_behind);
                    watch.before_reading();
                    *read_at = stands[*number];
                }
                Step::Unwatch(_) | Step::Look(_) => {}
            }
            let mut watched: Vec<_> = watching.iter().map(|(number, ..)| *number).collect();
            watched.sort_unstable();
            watched.dedup();
            prop_assert_eq!(watches(&hub), watched.len());
        }
    }
}

/// Writers on other threads, as fast as they can: each watcher ends with what was written last, though it sleeps
/// whenever it has read everything.
#[tokio::test]
async fn no_wake_up_is_lost_between_threads() {
    const LAST: u64 = 20_000;
    let hub = Arc::new(ChangeHub::alone());
    let stored = Arc::new(std::sync::atomic::AtomicU64::new(0));
    let writer = {
        let (hub, stored) = (Arc::clone(&hub), Arc::clone(&stored));
        thread::spawn(move || {
            for change_counter in 1..=LAST {
                stored.store(change_counter, std::sync::atomic::Ordering::SeqCst);
                hub.notify(at(1, change_counter));
            }
        })
    };
    let follow = async || {
        let mut watch = hub.watch(visitor(1));
        loop {
            watch.before_reading();
            let read_at = stored.load(std::sync::atomic::Ordering::SeqCst);
            if read_at == LAST {
                return;
            }
            watch.moved_from(read_at).await;
        }
    };
    let all = pin!(futures_util::future::join3(follow(), follow(), follow()));
    tokio::time::timeout(std::time::Duration::from_secs(30), all)
        .await
        .unwrap();
    writer.join().unwrap();
    assert_eq!(watches(&hub), 0);
}
