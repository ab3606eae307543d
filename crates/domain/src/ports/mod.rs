//! What the use cases need from outside. Each trait is small enough for an adapter to read alone;
//! a store implements [`SyncStore`], [`MergeStore`], [`VisitorStore`], [`ConversationList`],
//! [`ConversationReader`], [`ChangeFeed`], [`StoreArchive`], [`StoreStatus`] and [`ApiKeyStore`], and proves it with
//! the contract suite of `convosync-storage-contract`; one that several processes use also carries [`ChangeSignals`].
//!
//! Four conventions hold for every port. Absence is `Option`, never an error. A method that writes
//! has written durably, or nothing at all, when it returns. What visitors have is asked about one
//! visitor; an unknown visitor is `None`, and one who is gone is [`StoreError::VisitorGone`]. Nothing waits on a transaction that is held across calls.

mod anon_ids;
mod api_keys;
mod archive;
mod changes;
mod clock;
mod conversations;
mod error;
mod merge;
mod notices;
mod reading;
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
pub use merge::{MergeStore, MergedVisitor};
pub use notices::{ChangeNotice, ChangeNotifier, ChangeSignals, Standing, WatchedVisitors};
pub use reading::ConversationReader;
pub use status::{StoreIdentity, StoreStatus};
pub use sync::{ConversationHead, Heads, MessageHead, NamedConversation, SyncStore};
pub use tokens::{TokenRefused, TokenVerifier, VerifiedToken};
pub use visitors::{Registration, Visitor, VisitorStore, VisitorSummary};

#[cfg(feature = "mocks")]
pub use {
    anon_ids::MockAnonIds,
    api_keys::{MockApiKeySecrets, MockApiKeyStore},
    archive::MockStoreArchive,
    changes::MockChangeFeed,
    clock::MockClock,
    conversations::MockConversationList,
    merge::MockMergeStore,
    notices::MockChangeNotifier,
    reading::MockConversationReader,
    status::MockStoreStatus,
    sync::MockSyncStore,
    tokens::MockTokenVerifier,
    visitors::MockVisitorStore,
};
