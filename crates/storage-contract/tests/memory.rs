//! The reference store passes the contract.

use convosync_domain::ports::StoreIdentity;
use convosync_storage_contract::{MemoryStore, storage_contract};
use uuid::Uuid;

async fn provider() -> (MemoryStore, ()) {
    let identity = StoreIdentity {
        epoch: Uuid::from_u128(1),
        digest_seed: 1,
    };
    (MemoryStore::new(identity), ())
}

storage_contract!(provider);
