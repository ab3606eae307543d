//! What the bearer of an API key sends.

use std::fmt;

use super::{ApiKeyId, SecretHash};

/// What every token begins with; nothing else that is sent as a bearer token does.
pub const TOKEN_PREFIX: &str = "csk_";

/// The length of a secret: 256 bits as base64url without padding.
const SECRET_CHARACTERS: usize = 43;

/// A token `csk_<id>_<secret>`, taken apart where it lies. `Debug` shows the id alone.
#[derive(Clone, Copy)]
pub struct ApiKeyToken<'t> {
    id: ApiKeyId,
    secret: &'t str,
}

/// A text that does not have the form of a token or of its secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an API key")]
pub struct InvalidApiKeyToken;

impl<'t> ApiKeyToken<'t> {
    /// The token of this id and this secret: 43 characters of base64url.
    ///
    /// # Errors
    /// [`InvalidApiKeyToken`] when the secret has another form.
    pub fn new(id: ApiKeyId, secret: &'t str) -> Result<Self, InvalidApiKeyToken> {
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if secret.len() != SECRET_CHARACTERS || !secret.bytes().all(is_allowed) {
            return Err(InvalidApiKeyToken);
        }
        Ok(Self { id, secret })
    }

    /// Reads what somebody sent.
    ///
    /// # Errors
    /// [`InvalidApiKeyToken`] when the text has another form. (That it has this one proves nothing.)
    pub fn parse(text: &'t str) -> Result<Self, InvalidApiKeyToken> {
        let parts = text.strip_prefix(TOKEN_PREFIX);
        let (id, secret) = parts
            .and_then(|parts| parts.split_once('_'))
            .ok_or(InvalidApiKeyToken)?;
        let id = ApiKeyId::parse(id).or(Err(InvalidApiKeyToken))?;
        Self::new(id, secret)
    }

    /// Which key the bearer claims to have.
    #[must_use]
    pub fn id(&self) -> ApiKeyId {
        self.id
    }

    /// The hash of the secret that proves it.
    #[must_use]
    pub fn secret_hash(&self) -> SecretHash {
        SecretHash::of(self.secret)
    }

    /// The whole token, for nobody but who shall bear it.
    #[must_use]
    pub fn to_secret_text(&self) -> String {
        format!("{TOKEN_PREFIX}{}_{}", self.id, self.secret)
    }
}

impl fmt::Debug for ApiKeyToken<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiKeyToken({}, ..)", self.id)
    }
}
