use std::sync::Arc;

use async_trait::async_trait;
use convosync_domain::ports::{Clock, TokenRefused, TokenVerifier, VerifiedToken};

use crate::claims::ClaimRules;
use crate::keys::hash;
use crate::members::Members;
use crate::settings::{JwtSettings, JwtSetupError};
use crate::sources::Keys;
use crate::token::{TOKEN_MAX_BYTES, Token};

/// Checks JSON Web Tokens. Has to be called in a Tokio runtime.
pub struct JwtVerifier {
    pub(crate) keys: Keys,
    rules: ClaimRules,
    clock: Arc<dyn Clock>,
}

impl JwtVerifier {
    /// Checks tokens by these settings. A key set in a file is read, one at an address is not yet fetched: that
    /// is done for the first token, or by [`Self::reload`].
    ///
    /// # Errors
    /// [`JwtSetupError`] when no token could be checked.
    pub fn new(settings: JwtSettings, clock: Arc<dyn Clock>) -> Result<Self, JwtSetupError> {
        if settings.user_claim.is_empty() {
            return Err(JwtSetupError::NoUserClaim);
        }
        let keys = Keys::new(settings.keys, &clock)?;
        if settings.audience.is_empty() {
            tracing::warn!(
                "no audience of tokens is set: one that was issued for another service is taken too"
            );
        }
        let rules = ClaimRules {
            issuer: settings.issuer,
            audience: settings.audience,
            user_claim: settings.user_claim,
            max_lifetime: settings.max_lifetime,
        };
        Ok(Self { keys, rules, clock })
    }

    /// Reads the keys again, now. If that fails, which is logged, the last ones stay.
    pub async fn reload(&self) {
        self.keys.reload().await;
    }
}

#[async_trait]
impl TokenVerifier for JwtVerifier {
    async fn verify(&self, token: &str) -> Result<VerifiedToken, TokenRefused> {
        if token.len() > TOKEN_MAX_BYTES {
            return Err(TokenRefused::Invalid("the token is longer than 8 KiB"));
        }
        let now = self.clock.now();
        let keys = self.keys.current(now);
        let key = hash(token);
        if let Some(verified) = keys.good.get(&key).and_then(|good| good.at(now)) {
            return Ok(verified);
        }

        let token = Token::read(token)?;
        let keys = if keys.knows(&token) {
            keys
        } else {
            self.keys.newer(now).await
        };
        keys.check_signature(&token)?;
        let claims = Members::decode(token.claims).ok_or(TokenRefused::Invalid(
            "the claims of the token are not readable",
        ))?;
        let good = self.rules.check(claims, now)?;
        keys.good.insert(key, good.clone());
        good.at(now)
            .ok_or(TokenRefused::Invalid("the token is not good now"))
    }
}
