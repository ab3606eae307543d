//! What the use cases need from outside. Each trait is small enough for an adapter to read alone;
//! a store implements [`SyncStore`], [`VisitorStore`], [`ConversationList`], [`ChangeFeed`],
//! [`StoreArchive`] and [`StoreStatus`], and proves it with the contract suite of `convosync-storage-contract`.
//!
//! Four conventions hold for every port. Absence is `Option`, never an error. A method that writes
//! has written durably, or nothing at all, when it returns. Everything is asked about one visitor,
//! and an unknown visitor is `None`. Nothing waits on a transaction that is held across calls.

mod archive;
mod changes;
mod conversations;
mod error;
mod status;
mod surroundings;
mod sync;
mod visitors;

pub use archive::{Restoration, StoreArchive};
pub use changes::ChangeFeed;
pub use conversations::{ConversationList, LivingIds};
pub use error::StoreError;
pub use status::{StoreIdentity, StoreStatus};
pub use surroundings::{AnonIds, Clock};
pub use sync::{ConversationHead, Heads, MessageHead, NamedConversation, SyncStore};
pub use visitors::{Registration, Visitor, VisitorStore};

#[cfg(feature = "mocks")]
pub use {
    archive::MockStoreArchive,
    changes::MockChangeFeed,
    conversations::MockConversationList,
    status::MockStoreStatus,
    surroundings::{MockAnonIds, MockClock},
    sync::MockSyncStore,
    visitors::MockVisitorStore,
};
