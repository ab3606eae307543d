//! The contract of a Convosync store, as tests that every storage adapter passes, and
//! [`MemoryStore`], the reference that passes them too.
//!
//! # Proving an adapter
//!
//! Give the adapter a *provider*: an async function that makes a new, empty store and returns it
//! beside whatever must outlive it, like its temporary folder; `()` if nothing must. Then one line
//! in a test file of the adapter makes every case of the contract a test of its own:
//!
//! ```
//! use convosync_domain::ports::StoreIdentity;
//! use convosync_storage_contract::{MemoryStore, storage_contract};
//! use uuid::Uuid;
//!
//! async fn provider() -> (MemoryStore, ()) {
//!     let identity = StoreIdentity {
//!         epoch: Uuid::from_u128(1),
//!         digest_seed: 1,
//!     };
//!     (MemoryStore::new(identity), ())
//! }
//!
//! storage_contract!(provider);
//! ```
//!
//! The store implements the nine ports that [`Store`] names; the cases share it behind an `Arc`, so
//! it need not be `Clone`. The adapter has as dev-dependencies this crate and `tokio` with the
//! features `macros` and `rt-multi-thread`. Attributes before the provider go to every test, for a
//! store that is not there everywhere: `storage_contract!(#[ignore = "needs a cluster"] provider)`.
//!
//! # Adding a case
//!
//! Write it in the file of [`cases`] that it belongs to, and name it in the list there. One that
//! the list does not name is dead code, which does not compile.

pub mod cases;
pub mod fixtures;
mod history;
mod memory;
mod owner;
mod support;

pub use memory::MemoryStore;

use convosync_domain::ports::{
    ApiKeyStore, ChangeFeed, ConversationList, ConversationReader, MergeStore, StoreArchive,
    StoreStatus, SyncStore, VisitorStore,
};

/// What the contract is about: the ports that a store implements. Nobody implements this trait by
/// hand.
pub trait Store:
    SyncStore
    + MergeStore
    + VisitorStore
    + ConversationList
    + ConversationReader
    + ChangeFeed
    + StoreArchive
    + StoreStatus
    + ApiKeyStore
    + 'static
{
}

impl<S> Store for S where
    S: SyncStore
        + MergeStore
        + VisitorStore
        + ConversationList
        + ConversationReader
        + ChangeFeed
        + StoreArchive
        + StoreStatus
        + ApiKeyStore
        + 'static
{
}

/// Makes every case of the contract a test of its own, each on a new store of the provider: see the
/// [crate's documentation](crate).
#[macro_export]
macro_rules! storage_contract {
    ($(#[$attribute:meta])* $provider:path) => {
        $crate::for_every_case! { [$crate::contract_tests] [$(#[$attribute])*] [$provider] }
    };
}

/// The tests that [`storage_contract!`] makes.
#[doc(hidden)]
#[macro_export]
macro_rules! contract_tests {
    ($attributes:tt $provider:tt $($file:ident: $($case:ident)*;)*) => {
        $($( $crate::contract_tests! { $attributes $provider $case } )*)*
    };
    ([$(#[$attribute:meta])*] [$provider:path] $case:ident) => {
        #[::tokio::test(flavor = "multi_thread", worker_threads = 4)]
        $(#[$attribute])*
        async fn $case() {
            let (store, _outlives_the_store) = $provider().await;
            $crate::cases::$case(::std::sync::Arc::new(store)).await;
        }
    };
}
