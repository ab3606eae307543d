//! What the commands need of a store, whichever kind it is.

pub(crate) mod postgres;
pub(crate) mod sqlite;

use std::path::Path;
use std::sync::Arc;

use convosync_domain::ports::{
    ChangeFeed, ConversationList, StoreArchive, StoreStatus, SyncStore, VisitorStore,
};

use crate::failure::Failure;
use crate::settings::Configuration;

/// A kind of store and a place, not opened yet.
pub(crate) trait Backend {
    /// The file of the store, where it is one on this machine.
    fn path(&self) -> Option<&Path>;

    /// How many writes the opened store takes at once; those beyond may be refused.
    fn writes_at_once(&self) -> usize;

    /// Opens the store, making or migrating it where that is needed.
    fn open(&self) -> Result<Arc<dyn Store>, Failure>;

    /// Brings the store's schema up to date; returns the versions of the migrations that ran.
    fn migrate(&self) -> Result<Vec<String>, Failure>;
}

/// Every port of a store.
pub(crate) trait Store:
    SyncStore + VisitorStore + ConversationList + ChangeFeed + StoreArchive + StoreStatus
{
    /// Finishes the writes that are queued and closes the store.
    fn close(&self);
}

/// Tells which backend the settings ask for.
pub(crate) type ChooseBackend = fn(&Configuration) -> Result<Box<dyn Backend>, Failure>;
