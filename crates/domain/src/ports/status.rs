use async_trait::async_trait;
use uuid::Uuid;

use super::StoreError;

/// Whether a store can serve, and which one it is.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait StoreStatus: Send + Sync {
    /// Touches the store.
    ///
    /// # Errors
    /// [`StoreError`] when it could not serve a request now.
    async fn check(&self) -> Result<(), StoreError>;

    /// What the store chose when it was made.
    fn identity(&self) -> StoreIdentity;
}

/// What a store chooses at random when it is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoreIdentity {
    /// Names this life of the store. One that is restored from a backup has another, since devices
    /// may have seen change numbers that it has lost.
    pub epoch: Uuid,
    /// Seeds the digests of posted messages, so that a client cannot choose two texts with one
    /// digest.
    pub digest_seed: u64,
}
