use async_trait::async_trait;

use super::StoreError;
use crate::api_key::{ApiKey, ApiKeyId};
use crate::timestamp::Timestamp;

/// The API keys of back ends. They are the server's and no visitor's: [`super::StoreArchive`] does not carry
/// them to another store, where keys are created anew.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait ApiKeyStore: Send + Sync {
    /// Adds a key; `false`, and nothing is done, if its id is taken.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be written.
    async fn add_key(&self, key: ApiKey) -> Result<bool, StoreError>;

    /// The key of this id, active or not.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    async fn find_key(&self, id: ApiKeyId) -> Result<Option<ApiKey>, StoreError>;

    /// All keys, active or not: the oldest first, those of one moment by id.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    async fn list_keys(&self) -> Result<Vec<ApiKey>, StoreError>;

    /// Revokes a key as of this moment, and returns it as it is then. One that was revoked before keeps its
    /// moment.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be written.
    async fn revoke_key(&self, id: ApiKeyId, at: Timestamp) -> Result<Option<ApiKey>, StoreError>;
}

/// Where new API keys come from.
#[cfg_attr(feature = "mocks", mockall::automock)]
pub trait ApiKeySecrets: Send + Sync {
    /// A new id, and a secret that nobody can guess: 256 random bits as 43 characters of base64url. `None`
    /// without random numbers.
    fn generate(&self) -> Option<(ApiKeyId, String)>;
}
