//! The contract of a store, on a folder.

#![allow(clippy::unwrap_used, reason = "a panic in a test is its result")]

use convosync_domain::ports::StoreIdentity;
use convosync_storage_contract::storage_contract;
use folder_store::FolderStore;
use tempfile::TempDir;
use uuid::Uuid;

async fn new_store() -> (FolderStore, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let identity = StoreIdentity {
        epoch: Uuid::from_u128(1),
        digest_seed: 1,
    };
    let store = FolderStore::open(folder.path(), identity).unwrap();
    (store, folder)
}

storage_contract!(new_store);
