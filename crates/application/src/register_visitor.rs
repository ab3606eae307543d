//! How somebody becomes a visitor.

use std::sync::Arc;

use convosync_domain::change_set::VisitorRegistration;
use convosync_domain::identity::{InvalidIdentity, VisitorIdentity};
use convosync_domain::ports::{AnonIds, Clock, Registration, StoreError, VisitorStore};

use crate::access::NewVisitor;

/// Registers visitors.
#[derive(Clone)]
pub struct RegisterVisitor {
    visitors: Arc<dyn VisitorStore>,
    anon_ids: Arc<dyn AnonIds>,
    clock: Arc<dyn Clock>,
}

/// A visitor who is registered now.
#[derive(Debug, PartialEq, Eq)]
pub struct Registered {
    /// Who it is.
    pub identity: VisitorIdentity,
    /// Whether the visitor is new.
    pub registration: Registration,
}

/// Why nobody was registered.
#[derive(Debug, thiserror::Error)]
pub enum RegisterError {
    /// The generator of `anon_id`s made one that cannot be an identity.
    #[error("no anon_id could be made")]
    AnonId(#[source] InvalidIdentity),
    /// The store failed.
    #[error("the visitor could not be registered")]
    Store(#[source] StoreError),
}

impl RegisterVisitor {
    /// Registers in this store.
    #[must_use]
    pub fn new(
        visitors: Arc<dyn VisitorStore>,
        anon_ids: Arc<dyn AnonIds>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            visitors,
            anon_ids,
            clock,
        }
    }

    /// Registers a visitor; one who is known stays so. An anonymous one gets an `anon_id` that only the
    /// answer tells.
    ///
    /// # Errors
    /// [`RegisterError`] as its variants say.
    pub async fn run(&self, visitor: NewVisitor) -> Result<Registered, RegisterError> {
        let identity = match visitor {
            NewVisitor::Named(visitor) => visitor.identity().clone(),
            NewVisitor::Anonymous => VisitorIdentity::anonymous(self.anon_ids.generate())
                .map_err(RegisterError::AnonId)?,
        };
        let registration = self
            .visitors
            .register(VisitorRegistration {
                identity: identity.clone(),
                registered_at: self.clock.now(),
            })
            .await
            .map_err(RegisterError::Store)?;
        Ok(Registered {
            identity,
            registration,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::OpenAccess;
    use convosync_domain::ports::{MockAnonIds, MockClock, MockVisitorStore};
    use convosync_domain::timestamp::Timestamp;

    fn use_case(registration: Registration) -> RegisterVisitor {
        let now = Timestamp::from_micros(7).unwrap();
        let mut clock = MockClock::new();
        clock.expect_now().returning(move || now);
        let mut anon_ids = MockAnonIds::new();
        anon_ids.expect_generate().returning(|| "secret".into());
        let mut visitors = MockVisitorStore::new();
        visitors
            .expect_register()
            .withf(move |visitor| visitor.registered_at == now)
            .once()
            .returning(move |_| Ok(registration));
        RegisterVisitor::new(Arc::new(visitors), Arc::new(anon_ids), Arc::new(clock))
    }

    #[tokio::test]
    async fn registers_a_named_visitor() {
        let identity = VisitorIdentity::registered("ada").unwrap();
        let visitor = NewVisitor::Named(OpenAccess.believe(identity.clone()));
        let registered = use_case(Registration::AlreadyKnown).run(visitor).await;
        let registration = Registration::AlreadyKnown;
        assert_eq!(
            registered.unwrap(),
            Registered {
                identity,
                registration
            }
        );
    }

    #[tokio::test]
    async fn makes_an_anonymous_visitor() {
        let registered = use_case(Registration::Created)
            .run(NewVisitor::Anonymous)
            .await;
        let identity = VisitorIdentity::anonymous("secret").unwrap();
        let registration = Registration::Created;
        assert_eq!(
            registered.unwrap(),
            Registered {
                identity,
                registration
            }
        );
    }
}
