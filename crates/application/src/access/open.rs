use async_trait::async_trait;
use convosync_domain::api_key::Scope;
use convosync_domain::identity::{VisitorId, VisitorIdentity};

use super::{AccessError, Authenticator, AuthorizedId, AuthorizedVisitor, Claim, NewVisitor};

/// Believes everybody: whoever names a visitor is that visitor. For programs on the machine of the server,
/// and for whoever gives commands there.
#[derive(Clone, Copy, Debug)]
pub struct OpenAccess;

impl OpenAccess {
    /// The visitor of this identity.
    #[must_use]
    pub fn believe(self, identity: VisitorIdentity) -> AuthorizedVisitor {
        AuthorizedVisitor::new(identity)
    }

    /// The visitor that stores know by this, for whoever knows no more than that.
    #[must_use]
    pub fn believe_id(self, id: VisitorId) -> AuthorizedId {
        AuthorizedId(id)
    }
}

#[async_trait]
impl Authenticator for OpenAccess {
    async fn authenticate(
        &self,
        claim: &Claim,
        _: Scope,
    ) -> Result<AuthorizedVisitor, AccessError> {
        let identity = claim.identity.clone().ok_or(AccessError::NoIdentity)?;
        Ok(self.believe(identity))
    }

    async fn authorize_registration(&self, claim: &Claim) -> Result<NewVisitor, AccessError> {
        let identity = claim.identity.clone();
        Ok(identity.map_or(NewVisitor::Anonymous, |identity| {
            NewVisitor::Named(self.believe(identity))
        }))
    }
}
