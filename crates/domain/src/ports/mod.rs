//! What the use cases need from outside. Each trait is small enough for an adapter to read alone;
//! a store implements [`SyncStore`], [`VisitorStore`], [`ConversationList`], [`ChangeFeed`],
//! [`StoreArchive`], [`StoreStatus`] and [`ApiKeyStore`], and proves it with the contract suite of
//! `convosync-storage-contract`.
//!
//! Four conventions hold for every port. Absence is `Option`, never an error. A method that writes
//! has written durably, or nothing at all, when it returns. What visitors have is asked about one
//! visitor, and an unknown visitor is `None`. Nothing waits on a transaction that is held across calls.

mod anon_ids;
mod api_keys;
mod archive;
mod changes;
mod clock;
mod conversations;
mod error;
mod status;
mod sync;
mod tokens;
mod visitors;

pub use anon_ids::AnonIds;
pub use api_keys::{ApiKeySecrets, ApiKeyStore};
pub use archive::{Restoration, StoreArchive};
pub use changes::ChangeFeed;
pub use clock::Clock;
pub use conversations::{ConversationList, LivingIds};
pub use error::StoreError;
pub use status::{StoreIdentity, StoreStatus};
pub use sync::{ConversationHead, Heads, MessageHead, NamedConversation, SyncStore};
pub use tokens::{TokenRefused, TokenVerifier, VerifiedToken};
pub use visitors::{Registration, Visitor, VisitorStore};

#[cfg(feature = "mocks")]
pub use {
    anon_ids::MockAnonIds,
    api_keys::{MockApiKeySecrets, MockApiKeyStore},
    archive::MockStoreArchive,
    changes::MockChangeFeed,
    clock::MockClock,
    conversations::MockConversationList,
    status::MockStoreStatus,
    sync::MockSyncStore,
    tokens::MockTokenVerifier,
    visitors::MockVisitorStore,
};
