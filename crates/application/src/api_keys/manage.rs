//! What an operator does with API keys.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use convosync_domain::api_key::{
    ApiKey, ApiKeyId, ApiKeyName, ApiKeyState, ApiKeyToken, InvalidApiKeyToken, Scopes,
};
use convosync_domain::ports::{ApiKeySecrets, ApiKeyStore, Clock, StoreError};

/// Creates, lists and revokes API keys.
#[derive(Clone)]
pub struct ManageApiKeys {
    keys: Arc<dyn ApiKeyStore>,
    secrets: Arc<dyn ApiKeySecrets>,
    clock: Arc<dyn Clock>,
}

/// A key to create.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewApiKey {
    /// What to call it.
    pub name: ApiKeyName,
    /// What its bearer may do.
    pub scopes: Scopes,
    /// How long from now it may be used; for ever, if not said.
    pub lifetime: Option<Duration>,
}

/// A key that has been created.
#[derive(Clone, PartialEq, Eq)]
pub struct CreatedApiKey {
    /// Which key it is.
    pub id: ApiKeyId,
    /// What its bearer sends. Nobody can tell it again.
    pub token: String,
}

impl fmt::Debug for CreatedApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CreatedApiKey({}, ..)", self.id)
    }
}

/// Why no key was created.
#[derive(Debug, thiserror::Error)]
pub enum CreateKeyError {
    /// The system has no random numbers.
    #[error("the system has no random numbers")]
    NoRandomness,
    /// The source of secrets made one that cannot be told from other tokens.
    #[error("no secret could be made")]
    Secret(#[source] InvalidApiKeyToken),
    /// Chance made an id that another key has; the next one will be another.
    #[error("the id {0}, made at random, is taken: try again")]
    IdTaken(ApiKeyId),
    /// The store failed.
    #[error("the API key could not be stored")]
    Store(#[source] StoreError),
}

/// A key, and what it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedApiKey {
    /// The key.
    pub key: ApiKey,
    /// Whether it opens anything.
    pub state: ApiKeyState,
}

/// What came of revoking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RevokedApiKey {
    /// The key opens nothing from now on.
    Now,
    /// The key was revoked before.
    Before,
    /// There is no such key.
    Unknown,
}

impl ManageApiKeys {
    /// Manages the keys of this store.
    #[must_use]
    pub fn new(
        keys: Arc<dyn ApiKeyStore>,
        secrets: Arc<dyn ApiKeySecrets>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            keys,
            secrets,
            clock,
        }
    }

    /// Creates a key, whose token only the answer tells.
    ///
    /// # Errors
    /// [`CreateKeyError`] when no id or secret could be made or the store fails.
    pub async fn create(&self, new: NewApiKey) -> Result<CreatedApiKey, CreateKeyError> {
        let generated = self.secrets.generate();
        let (id, secret) = generated.ok_or(CreateKeyError::NoRandomness)?;
        let token = ApiKeyToken::new(id, &secret).map_err(CreateKeyError::Secret)?;
        let created_at = self.clock.now();
        let expires_at = new.lifetime.map(|lifetime| {
            let micros = i64::try_from(lifetime.as_micros()).unwrap_or(i64::MAX);
            created_at.plus_micros(micros)
        });
        let key = ApiKey {
            id,
            name: new.name,
            secret_hash: token.secret_hash(),
            scopes: new.scopes,
            created_at,
            expires_at,
            revoked_at: None,
        };
        match self.keys.add_key(key).await {
            Ok(true) => Ok(CreatedApiKey {
                id,
                token: token.to_secret_text(),
            }),
            Ok(false) => Err(CreateKeyError::IdTaken(id)),
            Err(error) => Err(CreateKeyError::Store(error)),
        }
    }

    /// All keys, the oldest first.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub async fn list(&self) -> Result<Vec<ListedApiKey>, StoreError> {
        let keys = self.keys.list_keys().await?;
        let now = self.clock.now();
        let listed = keys.into_iter().map(|key| {
            let state = key.state(now);
            ListedApiKey { key, state }
        });
        Ok(listed.collect())
    }

    /// Revokes a key, at once and for ever.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be written.
    pub async fn revoke(&self, id: ApiKeyId) -> Result<RevokedApiKey, StoreError> {
        let now = self.clock.now();
        let key = self.keys.revoke_key(id, now).await?;
        Ok(match key {
            None => RevokedApiKey::Unknown,
            Some(key) if key.revoked_at == Some(now) => RevokedApiKey::Now,
            Some(_) => RevokedApiKey::Before,
        })
    }
}

#[cfg(test)]
mod tests {
    use convosync_domain::api_key::{Scope, SecretHash};
    use convosync_domain::ports::{MockApiKeySecrets, MockApiKeyStore, MockClock};
    use convosync_domain::timestamp::Timestamp;

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
            name: ApiKeyName::new("nightly").unwrap(),
            secret_hash: SecretHash::of(SECRET),
            scopes: Scopes::from_iter([Scope::SyncAny, Scope::VisitorsCreate]),
            created_at: at(NOW),
            expires_at: None,
            revoked_at: None,
        }
    }

    fn new_key(lifetime: Option<Duration>) -> NewApiKey {
        NewApiKey {
            name: key().name,
            scopes: key().scopes,
            lifetime,
        }
    }

    fn managing(keys: MockApiKeyStore, generated: Option<(ApiKeyId, String)>) -> ManageApiKeys {
        let mut secrets = MockApiKeySecrets::new();
        secrets.expect_generate().return_const(generated);
        let mut clock = MockClock::new();
        clock.expect_now().returning(|| at(NOW));
        ManageApiKeys::new(Arc::new(keys), Arc::new(secrets), Arc::new(clock))
    }

    fn generated() -> Option<(ApiKeyId, String)> {
        Some((id(), SECRET.to_owned()))
    }

    /// A store that a key is added to, which has to be this one.
    fn adding(key: ApiKey, is_new: bool) -> MockApiKeyStore {
        let mut keys = MockApiKeyStore::new();
        keys.expect_add_key()
            .withf(move |added| *added == key)
            .once()
            .returning(move |_| Ok(is_new));
        keys
    }

    #[tokio::test]
    async fn the_token_of_a_new_key_is_told_and_its_hash_kept() {
        let manage = managing(adding(key(), true), generated());
        let created = manage.create(new_key(None)).await.unwrap();
        assert_eq!(created.id, id());
        assert_eq!(created.token, format!("csk_0000000000000007_{SECRET}"));
        assert_eq!(
            format!("{created:?}"),
            "CreatedApiKey(0000000000000007, ..)"
        );
    }

    #[tokio::test]
    async fn a_key_expires_when_its_lifetime_is_over() {
        let latest = Timestamp::parse("9999-12-31T23:59:59.999999Z").unwrap();
        for (lifetime, expires_at) in [
            (Duration::from_micros(5), at(NOW + 5)),
            (Duration::MAX, latest),
        ] {
            let expiring = ApiKey {
                expires_at: Some(expires_at),
                ..key()
            };
            let manage = managing(adding(expiring, true), generated());
            manage.create(new_key(Some(lifetime))).await.unwrap();
        }
    }

    #[tokio::test]
    async fn without_an_id_or_a_secret_there_is_no_key() {
        let manage = managing(MockApiKeyStore::new(), None);
        let error = manage.create(new_key(None)).await.unwrap_err();
        assert!(matches!(error, CreateKeyError::NoRandomness), "{error:?}");

        let manage = managing(MockApiKeyStore::new(), Some((id(), "guess".to_owned())));
        let error = manage.create(new_key(None)).await.unwrap_err();
        assert!(matches!(error, CreateKeyError::Secret(_)), "{error:?}");

        let manage = managing(adding(key(), false), generated());
        let error = manage.create(new_key(None)).await.unwrap_err();
        assert!(matches!(error, CreateKeyError::IdTaken(_)), "{error:?}");
    }

    #[tokio::test]
    async fn keys_are_listed_with_what_they_are_now() {
        let expired = ApiKey {
            expires_at: Some(at(NOW)),
            ..key()
        };
        let revoked = ApiKey {
            revoked_at: Some(at(1)),
            ..expired.clone()
        };
        let stored = vec![key(), expired, revoked];
        let mut keys = MockApiKeyStore::new();
        let listed = stored.clone();
        keys.expect_list_keys().return_once(move || Ok(listed));
        let listed = managing(keys, None).list().await.unwrap();
        let states: Vec<_> = listed.iter().map(|listed| listed.state).collect();
        assert_eq!(
            states,
            [
                ApiKeyState::Active,
                ApiKeyState::Expired,
                ApiKeyState::Revoked
            ]
        );
        let keys: Vec<_> = listed.into_iter().map(|listed| listed.key).collect();
        assert_eq!(keys, stored);
    }

    #[tokio::test]
    async fn a_key_is_revoked_now_or_was_before() {
        for (stored, expected) in [
            (Some(NOW), RevokedApiKey::Now),
            (Some(NOW - 1), RevokedApiKey::Before),
            (None, RevokedApiKey::Unknown),
        ] {
            let mut keys = MockApiKeyStore::new();
            let after = stored.map(|moment| ApiKey {
                revoked_at: Some(at(moment)),
                ..key()
            });
            keys.expect_revoke_key()
                .withf(|asked, moment| *asked == id() && *moment == at(NOW))
                .once()
                .return_once(move |_, _| Ok(after));
            let revoked = managing(keys, None).revoke(id()).await.unwrap();
            assert_eq!(revoked, expected);
        }
    }
}
