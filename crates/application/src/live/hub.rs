//! Who waits for whose changes in this process.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fmt;
use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use convosync_domain::identity::VisitorId;
use convosync_domain::ports::{
    ChangeNotice, ChangeNotifier, ChangeSignals, Standing, WatchedVisitors,
};
use tokio::sync::watch;

/// Wakes those who wait for a visitor's changes when there are some, and tells other processes of them.
#[derive(Default)]
pub struct ChangeHub {
    watches: Arc<Watches>,
    signals: Option<Arc<dyn ChangeSignals>>,
}

impl ChangeHub {
    /// For a store that only this process uses.
    #[must_use]
    pub fn alone() -> Self {
        Self::default()
    }

    /// For a store that several processes use. What others change is only told while [`super::relay`] runs.
    #[must_use]
    pub fn with_others(signals: Arc<dyn ChangeSignals>) -> Self {
        Self {
            signals: Some(signals),
            ..Self::default()
        }
    }

    /// Watches a visitor from now on, until the watch is dropped.
    #[must_use]
    pub fn watch(&self, visitor: VisitorId) -> ChangeWatch {
        ChangeWatch {
            told: self.watches.subscribe(visitor),
            visitor,
            watches: Arc::clone(&self.watches),
        }
    }

    /// Wakes those who watch the visitor, unless this was the last that they were told.
    pub(super) fn wake(&self, notice: ChangeNotice) {
        self.watches.tell(notice);
    }

    pub(super) fn signals(&self) -> Option<&Arc<dyn ChangeSignals>> {
        self.signals.as_ref()
    }

    pub(super) fn watched(&self) -> Arc<dyn WatchedVisitors> {
        self.watches.clone()
    }
}

impl fmt::Debug for ChangeHub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChangeHub").finish_non_exhaustive()
    }
}

impl ChangeNotifier for ChangeHub {
    fn notify(&self, notice: ChangeNotice) {
        self.wake(notice);
        if let Some(signals) = &self.signals {
            signals.announce(notice);
        }
    }
}

/// The visitors that are watched, each with what was last told of it. Nobody else is in it, so it takes as much
/// memory as there are watches.
#[derive(Default)]
struct Watches(Mutex<HashMap<VisitorId, watch::Sender<Option<Standing>>>>);

impl Watches {
    fn lock(&self) -> MutexGuard<'_, HashMap<VisitorId, watch::Sender<Option<Standing>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn subscribe(&self, visitor: VisitorId) -> watch::Receiver<Option<Standing>> {
        let mut watches = self.lock();
        watches.entry(visitor).or_default().subscribe()
    }

    fn tell(&self, notice: ChangeNotice) {
        let standing = Some(notice.standing);
        if let Some(told) = self.lock().get(&notice.visitor) {
            told.send_if_modified(|last| {
                let is_news = *last != standing;
                *last = standing;
                is_news
            });
        }
    }

    /// A watch goes that is still counted.
    fn unsubscribe(&self, visitor: VisitorId) {
        let mut watches = self.lock();
        let is_last = |told: &watch::Sender<_>| told.receiver_count() <= 1;
        if watches.get(&visitor).is_some_and(is_last) {
            watches.remove(&visitor);
            // A crowd that has gone does not hold its room.
            if watches.capacity() > 4 * watches.len().max(64) {
                watches.shrink_to_fit();
            }
        }
    }
}

impl WatchedVisitors for Watches {
    fn watched(&self) -> Vec<VisitorId> {
        self.lock().keys().copied().collect()
    }
}

/// A watch over one visitor.
pub struct ChangeWatch {
    visitor: VisitorId,
    told: watch::Receiver<Option<Standing>>,
    watches: Arc<Watches>,
}

impl ChangeWatch {
    /// Forgets what was told so far: the visitor is read after this.
    pub fn before_reading(&mut self) {
        self.told.mark_unchanged();
    }

    /// Returns when the visitor was told to stand elsewhere than at this change counter, at which it was read after
    /// [`Self::before_reading`]. It may be dropped and called again; nothing gets lost.
    pub async fn moved_from(&mut self, change_counter: u64) {
        let read = Some(Standing::At(change_counter));
        while self.told.changed().await.is_ok() {
            if *self.told.borrow_and_update() != read {
                return;
            }
        }
        // Only the last watch takes the other end with it.
        pending::<()>().await;
    }
}

impl fmt::Debug for ChangeWatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChangeWatch").finish_non_exhaustive()
    }
}

impl Drop for ChangeWatch {
    fn drop(&mut self) {
        self.watches.unsubscribe(self.visitor);
    }
}
