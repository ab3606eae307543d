//! API keys: how a back end proves that it may act for visitors.
//!
//! A key is told once, as its token `csk_<id>_<secret>`; what is kept is its id and a hash of the secret.
//! It belongs to the server and to no visitor.

mod scope;
#[cfg(test)]
mod tests;
mod token;

use std::fmt;

use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::timestamp::Timestamp;

pub use scope::{Scope, Scopes, UnknownScope};
pub use token::{ApiKeyToken, InvalidApiKeyToken, TOKEN_PREFIX};

/// Names an API key: 64 random bits, shown as 16 lower-case hexadecimal digits. It opens nothing, so it may be
/// shown and logged.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ApiKeyId(u64);

/// A text that is not 16 lower-case hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an API key's id is 16 lower-case hexadecimal digits")]
pub struct InvalidApiKeyId;

impl ApiKeyId {
    /// How many digits it is shown with.
    pub const DIGITS: usize = 16;

    /// The id of these bits.
    #[must_use]
    pub fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// The bits of the id.
    #[must_use]
    pub fn as_bits(self) -> u64 {
        self.0
    }

    /// Reads an id as it is shown.
    ///
    /// # Errors
    /// [`InvalidApiKeyId`] when the text is anything else.
    pub fn parse(text: &str) -> Result<Self, InvalidApiKeyId> {
        let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if text.len() != Self::DIGITS || !text.bytes().all(is_digit) {
            return Err(InvalidApiKeyId);
        }
        let bits = u64::from_str_radix(text, 16).or(Err(InvalidApiKeyId))?;
        Ok(Self(bits))
    }
}

impl fmt::Display for ApiKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for ApiKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiKeyId({self})")
    }
}

/// The longest name of an API key, in characters.
pub const API_KEY_NAME_MAX_CHARACTERS: usize = 100;

/// What an operator calls an API key: up to [`API_KEY_NAME_MAX_CHARACTERS`] characters, perhaps none, and no
/// control character.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ApiKeyName(String);

/// A text that cannot name an API key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an API key's name is at most 100 characters with no control character")]
pub struct InvalidApiKeyName;

impl ApiKeyName {
    /// The name of this text.
    ///
    /// # Errors
    /// [`InvalidApiKeyName`] when the text is too long or has a control character in it.
    pub fn new(text: impl Into<String>) -> Result<Self, InvalidApiKeyName> {
        let text = text.into();
        let is_short = text.chars().count() <= API_KEY_NAME_MAX_CHARACTERS;
        if !is_short || text.chars().any(char::is_control) {
            return Err(InvalidApiKeyName);
        }
        Ok(Self(text))
    }

    /// The text of the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// SHA-256 over the text of a secret. A secret has 256 random bits, so nothing slower is needed.
///
/// Comparing takes as long whatever the bytes are, and `Debug` shows none.
#[derive(Clone, Copy)]
pub struct SecretHash([u8; 32]);

impl SecretHash {
    /// The hash of a secret.
    #[must_use]
    pub fn of(secret: &str) -> Self {
        Self(Sha256::digest(secret).into())
    }

    /// The hash that is these bytes.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes of the hash.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl PartialEq for SecretHash {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_slice().ct_eq(other.0.as_slice()).into()
    }
}

impl Eq for SecretHash {}

impl fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretHash(..)")
    }
}

/// An API key as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    /// Names the key.
    pub id: ApiKeyId,
    /// What an operator calls it.
    pub name: ApiKeyName,
    /// The hash of its secret.
    pub secret_hash: SecretHash,
    /// What its bearer may do.
    pub scopes: Scopes,
    /// When it was created.
    pub created_at: Timestamp,
    /// From when on it is refused.
    pub expires_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

/// Whether an API key opens anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApiKeyState {
    /// It does.
    Active,
    /// Its time is over.
    Expired,
    /// It was revoked.
    Revoked,
}

impl ApiKey {
    /// What the key is at this moment. One that was revoked stays so, whatever a clock says.
    #[must_use]
    pub fn state(&self, now: Timestamp) -> ApiKeyState {
        if self.revoked_at.is_some() {
            ApiKeyState::Revoked
        } else if self.expires_at.is_some_and(|end| end <= now) {
            ApiKeyState::Expired
        } else {
            ApiKeyState::Active
        }
    }

    /// What keys are listed by: the oldest first, those of one moment by id.
    #[must_use]
    pub fn list_order(&self) -> (Timestamp, ApiKeyId) {
        (self.created_at, self.id)
    }

    /// Whether the key opens anything at this moment: it is neither expired nor revoked.
    #[must_use]
    pub fn is_active(&self, now: Timestamp) -> bool {
        self.state(now) == ApiKeyState::Active
    }
}
