//! Which store it is.

use std::sync::Arc;

use crate::Store;
use crate::fixtures::{conversation, insert};
use crate::owner::Owner;

/// A new store can serve.
pub async fn a_store_is_ready(store: Arc<dyn Store>) {
    store.check().await.unwrap();
}

/// Its epoch and seed are chosen once: cursors and digests depend on them.
pub async fn the_identity_stays(store: Arc<dyn Store>) {
    let identity = store.identity();
    let ada = Owner::registered(&store, "ada").await;
    ada.commit([insert(conversation(1, 1), [])]).await;
    store.check().await.unwrap();
    assert_eq!(store.identity(), identity);
}
