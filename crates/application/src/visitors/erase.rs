//! How a visitor is erased.

use std::sync::Arc;

use convosync_domain::ports::{ChangeNotice, ChangeNotifier, Clock, Standing, VisitorStore};

use super::VisitorError;
use crate::access::AuthorizedId;

/// Erases visitors.
#[derive(Clone)]
pub struct EraseVisitor {
    visitors: Arc<dyn VisitorStore>,
    notifier: Arc<dyn ChangeNotifier>,
    clock: Arc<dyn Clock>,
}

impl EraseVisitor {
    /// Erases from this store, and tells who is gone.
    #[must_use]
    pub fn new(
        visitors: Arc<dyn VisitorStore>,
        notifier: Arc<dyn ChangeNotifier>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            visitors,
            notifier,
            clock,
        }
    }

    /// Erases a visitor with everything that the visitor has; when this returns, it is done for good.
    ///
    /// # Errors
    /// [`VisitorError`] as its variants say; that of the store for one who is gone already.
    pub async fn run(&self, visitor: AuthorizedId) -> Result<(), VisitorError> {
        let visitor = visitor.id();
        if !self.visitors.erase(visitor, self.clock.now()).await? {
            return Err(VisitorError::UnknownVisitor);
        }
        self.notifier.notify(ChangeNotice {
            visitor,
            standing: Standing::Gone,
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use convosync_domain::identity::VisitorIdentity;
    use convosync_domain::ports::{MockChangeNotifier, MockClock, MockVisitorStore, StoreError};
    use convosync_domain::timestamp::Timestamp;
    use convosync_domain::tombstone::VisitorGone;
    use mockall::predicate::eq;

    use super::*;
    use crate::access::OpenAccess;

    /// Erases from a store that answers like this; the notifier is told that often.
    async fn erase(
        answer: fn() -> Result<bool, StoreError>,
        notices: usize,
    ) -> Result<(), VisitorError> {
        let ada = OpenAccess.believe(VisitorIdentity::registered("ada").unwrap());
        let now = Timestamp::from_micros(7).unwrap();
        let mut clock = MockClock::new();
        clock.expect_now().returning(move || now);
        let mut visitors = MockVisitorStore::new();
        visitors
            .expect_erase()
            .with(eq(ada.id()), eq(now))
            .once()
            .returning(move |_, _| answer());
        let mut notifier = MockChangeNotifier::new();
        let gone = ChangeNotice {
            visitor: ada.id(),
            standing: Standing::Gone,
        };
        notifier
            .expect_notify()
            .with(eq(gone))
            .times(notices)
            .returning(|_| ());
        let use_case = EraseVisitor::new(Arc::new(visitors), Arc::new(notifier), Arc::new(clock));
        use_case.run(ada.at_rest()).await
    }

    #[tokio::test]
    async fn whoever_waits_for_the_visitor_is_told_that_it_is_gone() {
        erase(|| Ok(true), 1).await.unwrap();
    }

    #[tokio::test]
    async fn nobody_is_told_of_what_was_not_done() {
        let unknown = erase(|| Ok(false), 0).await;
        assert!(matches!(unknown, Err(VisitorError::UnknownVisitor)));
        let gone = erase(|| Err(StoreError::VisitorGone(VisitorGone::Erased)), 0).await;
        let Err(VisitorError::Store(StoreError::VisitorGone(VisitorGone::Erased))) = gone else {
            panic!("{gone:?}");
        };
    }
}
