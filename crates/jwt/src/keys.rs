use std::sync::{Arc, PoisonError, RwLock};

use convosync_domain::ports::TokenRefused;
use jsonwebtoken::{Algorithm, DecodingKey, crypto};
use quick_cache::sync::Cache;
use sha2::{Digest as _, Sha256};

use crate::claims::GoodToken;
use crate::jwks::{self, JwksError};
use crate::token::Token;

/// How many good tokens are kept: 3 to 20 MB when full.
const TOKENS_MAX: usize = 16_384;
/// With how many keys one token is tried.
const TRIES_MAX: usize = 8;

/// SHA-256 of a text.
pub(crate) type Hash = [u8; 32];

pub(crate) fn hash(text: impl AsRef<[u8]>) -> Hash {
    Sha256::digest(text).into()
}

/// A key, and the one algorithm it is for.
pub(crate) struct Key {
    /// A key without one is tried with every token of its algorithm.
    pub(crate) id: Option<String>,
    pub(crate) algorithm: Algorithm,
    pub(crate) material: DecodingKey,
}

impl Key {
    fn may_be_of(&self, token: &Token<'_>) -> bool {
        let is_named = self.id.is_none() || token.key_id.is_none() || self.id == token.key_id;
        self.algorithm == token.algorithm && is_named
    }
}

/// The keys of one moment, with the tokens they have shown to be good: these are forgotten with the keys.
pub(crate) struct KeyRing {
    keys: Vec<Key>,
    /// Of the text that the keys were read from.
    source: Hash,
    /// By the hash of the token. The tokens themselves are not kept.
    pub(crate) good: Cache<Hash, GoodToken>,
}

impl KeyRing {
    pub(crate) fn new(keys: Vec<Key>, source: Hash) -> Self {
        Self {
            keys,
            source,
            good: Cache::new(TOKENS_MAX),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Whether a token names a key of these, be it one of another algorithm; without a name, whether one of
    /// these may be it.
    pub(crate) fn knows(&self, token: &Token<'_>) -> bool {
        self.candidates(token).next().is_some()
            || (token.key_id.is_some() && self.keys.iter().any(|key| key.id == token.key_id))
    }

    pub(crate) fn check_signature(&self, token: &Token<'_>) -> Result<(), TokenRefused> {
        if self.is_empty() {
            return Err(TokenRefused::KeysUnavailable);
        }
        let mut candidates = self.candidates(token).take(TRIES_MAX).peekable();
        if candidates.peek().is_none() {
            return Err(TokenRefused::Invalid("no key is known for the token"));
        }
        let is_of = |key: &Key| {
            let (signed, algorithm) = (token.signed.as_bytes(), key.algorithm);
            crypto::verify(token.signature, signed, &key.material, algorithm).unwrap_or(false)
        };
        if candidates.any(is_of) {
            Ok(())
        } else {
            Err(TokenRefused::Invalid("the signature of the token is wrong"))
        }
    }

    fn candidates(&self, token: &Token<'_>) -> impl Iterator<Item = &Key> {
        self.keys.iter().filter(|key| key.may_be_of(token))
    }
}

/// The keys as they are now.
pub(crate) struct CurrentKeys(RwLock<Arc<KeyRing>>);

impl CurrentKeys {
    pub(crate) fn new(ring: KeyRing) -> Self {
        Self(RwLock::new(Arc::new(ring)))
    }

    pub(crate) fn get(&self) -> Arc<KeyRing> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes the keys of a key set from now on. Those of a set that has not changed stay, with their tokens.
    ///
    /// # Errors
    /// [`JwksError`] where the set has no usable key; the keys stay as they are.
    pub(crate) fn take(&self, document: &[u8]) -> Result<(), JwksError> {
        let source = hash(document);
        if self.get().source == source {
            return Ok(());
        }
        let keys = jwks::usable_keys(document)?;
        tracing::info!(keys = keys.len(), "took the keys of a key set");
        let ring = Arc::new(KeyRing::new(keys, source));
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = ring;
        Ok(())
    }
}
