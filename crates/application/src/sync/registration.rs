//! Who becomes a visitor by posting.

use convosync_domain::identity::VisitorIdentity;

/// Who registers visitors of each kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RegistrationPolicy {
    /// Who registers users.
    pub registered: RegistrationMode,
    /// Who registers anonymous visitors.
    pub anonymous: RegistrationMode,
}

impl RegistrationPolicy {
    /// The same for every visitor.
    #[must_use]
    pub fn of_all(mode: RegistrationMode) -> Self {
        Self {
            registered: mode,
            anonymous: mode,
        }
    }

    /// Who registers the visitor of this identity.
    pub(super) fn of(self, identity: &VisitorIdentity) -> RegistrationMode {
        match identity {
            VisitorIdentity::Anonymous(_) => self.anonymous,
            VisitorIdentity::Registered(_) => self.registered,
        }
    }
}

/// Who registers visitors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegistrationMode {
    /// Only whoever asks for it: a post of an unknown visitor is refused.
    Explicit,
    /// The first valid post of a visitor, too.
    OnFirstSync,
}
