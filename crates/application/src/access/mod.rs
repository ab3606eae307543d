//! Who may act for whom.
//!
//! A request names a visitor and brings a proof. An [`Authenticator`] judges them and makes an
//! [`AuthorizedVisitor`], which nothing else can make and every use case on a visitor's data asks for: no
//! query can be written without an owner.

mod open;
mod protected;

use std::fmt;

use async_trait::async_trait;
use convosync_domain::api_key::{ApiKeyId, Scope};
use convosync_domain::identity::{VisitorId, VisitorIdentity};
use convosync_domain::ports::StoreError;

pub use open::OpenAccess;
pub use protected::{AnonymousAccess, ProtectedAccess};

/// Judges who asks, before anything of a visitor is looked at: what it refuses does not depend on whether
/// a visitor exists.
#[async_trait]
pub trait Authenticator: Send + Sync {
    /// The visitor that a request names, if the proof is good for it. An API key needs this scope.
    ///
    /// # Errors
    /// [`AccessError`] as its variants say.
    async fn authenticate(
        &self,
        claim: &Claim,
        scope: Scope,
    ) -> Result<AuthorizedVisitor, AccessError>;

    /// The visitor that a request may register: the one it names, or a new anonymous one where it names none.
    ///
    /// # Errors
    /// [`AccessError`] as its variants say, but for [`AccessError::NoIdentity`].
    async fn authorize_registration(&self, claim: &Claim) -> Result<NewVisitor, AccessError>;
}

/// A visitor for whom a proof was judged to be good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorizedVisitor {
    identity: VisitorIdentity,
    id: VisitorId,
    api_key: Option<ApiKeyId>,
}

impl AuthorizedVisitor {
    fn new(identity: VisitorIdentity) -> Self {
        Self {
            id: VisitorId::from(&identity),
            identity,
            api_key: None,
        }
    }

    fn by_api_key(self, key: ApiKeyId) -> Self {
        Self {
            api_key: Some(key),
            ..self
        }
    }

    /// The name that the visitor goes by.
    #[must_use]
    pub fn identity(&self) -> &VisitorIdentity {
        &self.identity
    }

    /// What stores know the visitor by.
    #[must_use]
    pub fn id(&self) -> VisitorId {
        self.id
    }

    /// The API key that acts for the visitor, if one does.
    #[must_use]
    pub fn api_key(&self) -> Option<ApiKeyId> {
        self.api_key
    }

    /// What it takes to read and to erase what the visitor has.
    #[must_use]
    pub fn at_rest(&self) -> AuthorizedId {
        AuthorizedId(self.id)
    }
}

/// What stores know a visitor by for whom a proof was judged to be good. It is enough to read what the visitor has
/// and to erase it, and all that an operator has who knows a visitor from a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuthorizedId(VisitorId);

impl AuthorizedId {
    /// What stores know the visitor by.
    #[must_use]
    pub fn id(self) -> VisitorId {
        self.0
    }
}

/// A visitor who may be registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NewVisitor {
    /// Somebody unregistered, under an `anon_id` that is made for them.
    Anonymous,
    /// The visitor of this identity.
    Named(AuthorizedVisitor),
}

/// What a request says about who asks.
#[derive(Clone, Debug)]
pub struct Claim {
    /// The visitor that it names. To know an `anon_id` is a proof by itself.
    pub identity: Option<VisitorIdentity>,
    /// What it brings to prove that it may act for a registered visitor.
    pub proof: Proof,
}

/// What a request brings to prove who asks.
#[derive(Clone, PartialEq, Eq)]
pub enum Proof {
    /// Nothing.
    None,
    /// A bearer token (RFC 6750): a user's JSON Web Token or an API key.
    Bearer(String),
    /// Something that cannot be read, and what is wrong with it.
    Malformed(&'static str),
}

/// Shows no secret.
impl fmt::Debug for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("None"),
            Self::Bearer(_) => f.write_str("Bearer(..)"),
            Self::Malformed(problem) => f.debug_tuple("Malformed").field(problem).finish(),
        }
    }
}

/// Why somebody may not act for a visitor.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// The request names no visitor.
    #[error("no visitor is named")]
    NoIdentity,
    /// The `anon_id` is none that this server gives out, so nobody can be registered under it.
    #[error("no such anonymous visitor")]
    NotIssued,
    /// There is no proof where one is needed.
    #[error("the proof of identity is missing")]
    ProofMissing,
    /// The token is not accepted, for this reason, which holds nothing of the token.
    #[error("the token is not accepted: {0}")]
    InvalidToken(&'static str),
    /// The API key is unknown, wrong, expired or revoked.
    #[error("the API key is not accepted")]
    InvalidApiKey,
    /// The token is good, but another user's.
    #[error("the token is for another user")]
    OtherUser,
    /// The API key is good, but not for this.
    #[error("the API key lacks the scope {0}")]
    MissingScope(Scope),
    /// Only the server chooses an `anon_id`, or only back ends may ask for one.
    #[error("nobody may register this visitor without an API key")]
    RegistrationForbidden,
    /// The keys that tokens are checked with cannot be had now.
    #[error("the keys for tokens are not available")]
    KeysUnavailable,
    /// The store of API keys failed.
    #[error("the API key could not be looked up")]
    Store(#[source] StoreError),
}
