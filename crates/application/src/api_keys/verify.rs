//! Whether a token is that of an API key, and what its bearer may do.

use std::sync::Arc;

use convosync_domain::api_key::{ApiKeyId, ApiKeyToken, Scopes, SecretHash};
use convosync_domain::ports::{ApiKeyStore, Clock, StoreError};

/// Verifies the tokens that back ends bear.
#[derive(Clone)]
pub struct VerifyApiKey {
    keys: Arc<dyn ApiKeyStore>,
    clock: Arc<dyn Clock>,
}

/// What the bearer of a key may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKeyGrant {
    /// Which key it is, to be logged.
    pub id: ApiKeyId,
    /// What it is for.
    pub scopes: Scopes,
}

/// Why a token opens nothing.
#[derive(Debug, thiserror::Error)]
pub enum ApiKeyRefused {
    /// There is no such key, the secret is another, or the key has expired or been revoked. Whoever is refused
    /// cannot tell which.
    #[error("there is no such API key")]
    NotAKey,
    /// The store failed.
    #[error("the API key could not be looked up")]
    Store(#[source] StoreError),
}

/// What a secret is compared with where there is no key: no text has this hash that anybody could find.
const NO_SECRET: [u8; 32] = [0; 32];

impl VerifyApiKey {
    /// Verifies against the keys of this store.
    #[must_use]
    pub fn new(keys: Arc<dyn ApiKeyStore>, clock: Arc<dyn Clock>) -> Self {
        Self { keys, clock }
    }

    /// What the bearer of this token may do. It looks the key up each time, so that one that is revoked opens
    /// nothing from then on, and takes as long for a wrong secret as for an unknown key.
    ///
    /// # Errors
    /// [`ApiKeyRefused`] when the token is not that of an active key, or the store fails.
    pub async fn run(&self, token: &ApiKeyToken<'_>) -> Result<ApiKeyGrant, ApiKeyRefused> {
        let found = self.keys.find_key(token.id()).await;
        let found = found.map_err(ApiKeyRefused::Store)?;
        let now = self.clock.now();
        let expected = match &found {
            Some(key) => key.secret_hash,
            None => SecretHash::from_bytes(NO_SECRET),
        };
        let is_right = token.secret_hash() == expected;
        match found {
            Some(key) if is_right && key.is_active(now) => Ok(ApiKeyGrant {
                id: key.id,
                scopes: key.scopes,
            }),
            _ => Err(ApiKeyRefused::NotAKey),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use convosync_domain::api_key::{ApiKey, ApiKeyName, Scope};
    use convosync_domain::ports::{MockApiKeyStore, MockClock};
    use convosync_domain::timestamp::Timestamp;
    use mockall::predicate::eq;

    use super::*;

    const SECRET: &str = "0123456789-ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcde";
    const NOW: i64 = 100;

    fn at(micros: i64) -> Timestamp {
        Timestamp::from_micros(micros).unwrap()
    }

    fn id() -> ApiKeyId {
        ApiKeyId::from_bits(7)
    }

    fn key() -> ApiKey {
        ApiKey {
            id: id(),
            name: ApiKeyName::default(),
            secret_hash: SecretHash::of(SECRET),
            scopes: Scopes::from_iter([Scope::SyncAny]),
            created_at: at(1),
            expires_at: Some(at(NOW + 1)),
            revoked_at: None,
        }
    }

    fn verifying(found: Result<Option<ApiKey>, StoreError>) -> VerifyApiKey {
        let mut keys = MockApiKeyStore::new();
        keys.expect_find_key()
            .with(eq(id()))
            .once()
            .return_once(move |_| found);
        let mut clock = MockClock::new();
        clock.expect_now().returning(|| at(NOW));
        VerifyApiKey::new(Arc::new(keys), Arc::new(clock))
    }

    async fn verify(stored: Option<ApiKey>, secret: &str) -> Option<ApiKeyGrant> {
        let token = ApiKeyToken::new(id(), secret).unwrap();
        match verifying(Ok(stored)).run(&token).await {
            Ok(grant) => Some(grant),
            Err(ApiKeyRefused::NotAKey) => None,
            Err(error) => panic!("{error:?}"),
        }
    }

    #[tokio::test]
    async fn the_bearer_of_an_active_key_gets_its_scopes() {
        let grant = ApiKeyGrant {
            id: id(),
            scopes: Scopes::from_iter([Scope::SyncAny]),
        };
        assert_eq!(verify(Some(key()), SECRET).await, Some(grant));
    }

    #[tokio::test]
    async fn a_secret_that_differs_anywhere_is_refused() {
        for place in 0..SECRET.len() {
            let mut wrong = SECRET.to_owned();
            let other = if &SECRET[place..=place] == "A" {
                "B"
            } else {
                "A"
            };
            wrong.replace_range(place..=place, other);
            assert_eq!(verify(Some(key()), &wrong).await, None, "{place}");
        }
    }

    #[tokio::test]
    async fn a_key_that_is_unknown_expired_or_revoked_is_refused() {
        let expired = ApiKey {
            expires_at: Some(at(NOW)),
            ..key()
        };
        let revoked = ApiKey {
            revoked_at: Some(at(NOW + 50)),
            ..key()
        };
        for stored in [None, Some(expired), Some(revoked)] {
            assert_eq!(verify(stored, SECRET).await, None);
        }
    }

    #[tokio::test]
    async fn a_store_that_fails_is_told() {
        let failure = StoreError::Unavailable {
            retry_after: Duration::from_secs(1),
            source: None,
        };
        let token = ApiKeyToken::new(id(), SECRET).unwrap();
        let refused = verifying(Err(failure)).run(&token).await.unwrap_err();
        assert!(matches!(refused, ApiKeyRefused::Store(_)), "{refused:?}");
    }
}
