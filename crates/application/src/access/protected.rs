#[cfg(test)]
mod tests;

use std::sync::Arc;

use async_trait::async_trait;
use convosync_domain::api_key::{ApiKeyId, ApiKeyToken, Scope, TOKEN_PREFIX};
use convosync_domain::identity::VisitorIdentity;
use convosync_domain::ports::{TokenRefused, TokenVerifier};

use super::{AccessError, Authenticator, AuthorizedVisitor, Claim, NewVisitor, Proof};
use crate::api_keys::{ApiKeyRefused, VerifyApiKey};

/// An `anon_id` of the server's: 256 bits as base64url.
const ISSUED_CHARACTERS: usize = 43;
/// The least characters of an `anon_id` that an app chose: 128 bits as base64url.
const CHOSEN_CHARACTERS_MIN: usize = 22;

/// Asks for proof: anonymous visitors know their `anon_id`, users bring a token of theirs, and back ends an
/// API key.
pub struct ProtectedAccess {
    tokens: Option<Arc<dyn TokenVerifier>>,
    api_keys: VerifyApiKey,
    anonymous: AnonymousAccess,
}

/// What is asked of anonymous visitors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnonymousAccess {
    /// Whether an `anon_id` of 22 characters or more that an app chose counts, too.
    pub accepts_client_ids: bool,
    /// Whether anybody may become an anonymous visitor, or only whom a back end registers.
    pub anyone_may_register: bool,
}

impl AnonymousAccess {
    /// Whether an anonymous visitor can have this `anon_id`.
    fn accepts(self, anon_id: &str) -> bool {
        let is_base64url = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if anon_id.len() == ISSUED_CHARACTERS && anon_id.bytes().all(is_base64url) {
            return true;
        }
        self.accepts_client_ids && anon_id.chars().count() >= CHOSEN_CHARACTERS_MIN
    }
}

impl ProtectedAccess {
    /// Checks tokens by one verifier, if users may come with tokens at all, and API keys by the other.
    #[must_use]
    pub fn new(
        tokens: Option<Arc<dyn TokenVerifier>>,
        api_keys: VerifyApiKey,
        anonymous: AnonymousAccess,
    ) -> Self {
        Self {
            tokens,
            api_keys,
            anonymous,
        }
    }

    /// Which API key this is, if it is good for this scope.
    async fn check_api_key(
        &self,
        key: ApiKeyToken<'_>,
        scope: Scope,
    ) -> Result<ApiKeyId, AccessError> {
        let grant = self.api_keys.run(&key).await;
        let grant = grant.map_err(|refused| match refused {
            ApiKeyRefused::NotAKey => AccessError::InvalidApiKey,
            ApiKeyRefused::Store(error) => AccessError::Store(error),
        })?;
        match grant.scopes.contains(scope) {
            true => Ok(grant.id),
            false => Err(AccessError::MissingScope(scope)),
        }
    }

    /// The registered visitor whose token this is.
    async fn by_token(
        &self,
        token: &str,
        identity: &VisitorIdentity,
    ) -> Result<AuthorizedVisitor, AccessError> {
        let Some(tokens) = &self.tokens else {
            return Err(AccessError::InvalidToken("no tokens of users are accepted"));
        };
        let verified = tokens
            .verify(token)
            .await
            .map_err(|refused| match refused {
                TokenRefused::Invalid(reason) => AccessError::InvalidToken(reason),
                TokenRefused::KeysUnavailable => AccessError::KeysUnavailable,
            })?;
        // Byte for byte: what only looks alike is another user.
        if identity.user_id() != Some(verified.user_id.as_str()) {
            return Err(AccessError::OtherUser);
        }
        Ok(AuthorizedVisitor::new(identity.clone()))
    }
}

/// Who a bearer may be.
enum Bearer<'a> {
    BackEnd(ApiKeyToken<'a>),
    User(&'a str),
}

impl<'a> Bearer<'a> {
    /// The bearer of the token that a request brings, if it brings one.
    fn of(claim: &'a Claim) -> Result<Option<Self>, AccessError> {
        match &claim.proof {
            Proof::None => Ok(None),
            Proof::Malformed(problem) => Err(AccessError::InvalidToken(problem)),
            Proof::Bearer(token) if token.starts_with(TOKEN_PREFIX) => {
                let key = ApiKeyToken::parse(token).or(Err(AccessError::InvalidApiKey))?;
                Ok(Some(Self::BackEnd(key)))
            }
            Proof::Bearer(token) => Ok(Some(Self::User(token))),
        }
    }
}

#[async_trait]
impl Authenticator for ProtectedAccess {
    async fn authenticate(
        &self,
        claim: &Claim,
        scope: Scope,
    ) -> Result<AuthorizedVisitor, AccessError> {
        let identity = claim.identity.as_ref().ok_or(AccessError::NoIdentity)?;
        let bearer = Bearer::of(claim)?;
        if let VisitorIdentity::Anonymous(anon_id) = identity {
            return match self.anonymous.accepts(anon_id) {
                true => Ok(AuthorizedVisitor::new(identity.clone())),
                false => Err(AccessError::NotIssued),
            };
        }
        match bearer.ok_or(AccessError::ProofMissing)? {
            Bearer::User(token) => self.by_token(token, identity).await,
            Bearer::BackEnd(key) => {
                let key = self.check_api_key(key, scope).await?;
                Ok(AuthorizedVisitor::new(identity.clone()).by_api_key(key))
            }
        }
    }

    async fn authorize_registration(&self, claim: &Claim) -> Result<NewVisitor, AccessError> {
        let identity = claim.identity.as_ref();
        let bearer = Bearer::of(claim)?;
        if let Some(VisitorIdentity::Anonymous(anon_id)) = identity
            && !self.anonymous.accepts(anon_id)
        {
            return Err(AccessError::RegistrationForbidden);
        }
        let AnonymousAccess {
            accepts_client_ids,
            anyone_may_register,
        } = self.anonymous;
        match (bearer, identity) {
            (Some(Bearer::BackEnd(key)), _) => {
                let key = self.check_api_key(key, Scope::VisitorsCreate).await?;
                let visitor = identity.cloned().map(AuthorizedVisitor::new);
                Ok(visitor.map_or(NewVisitor::Anonymous, |visitor| {
                    NewVisitor::Named(visitor.by_api_key(key))
                }))
            }
            (Some(Bearer::User(token)), Some(identity @ VisitorIdentity::Registered(_))) => {
                let visitor = self.by_token(token, identity).await?;
                Ok(NewVisitor::Named(visitor))
            }
            (None, Some(VisitorIdentity::Registered(_))) => Err(AccessError::ProofMissing),
            (_, Some(identity)) if accepts_client_ids && anyone_may_register => {
                let visitor = AuthorizedVisitor::new(identity.clone());
                Ok(NewVisitor::Named(visitor))
            }
            (_, None) if anyone_may_register => Ok(NewVisitor::Anonymous),
            _ => Err(AccessError::RegistrationForbidden),
        }
    }
}
