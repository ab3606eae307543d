//! What the commands need of a store, whichever kind it is.

mod citus_finding;
mod examine_postgres;
mod examine_sqlite;
mod mount;
pub(crate) mod postgres;
mod schema_finding;
pub(crate) mod sqlite;

use std::path::Path;
use std::sync::Arc;

use convosync_domain::ports::{
    ApiKeyStore, ChangeFeed, ChangeSignals, Clock, ConversationList, ConversationReader,
    MergeStore, StoreArchive, StoreStatus, SyncStore, VisitorStore,
};
use convosync_storage_diesel::CheckReport;
use convosync_storage_diesel::postgres::{Distribution, DistributionStep};
use convosync_storage_diesel::sqlite::SqliteOptions;

use convosync_storage_diesel::StoreLoad;

use crate::failure::Failure;
use crate::finding::Finding;
use crate::settings::Configuration;

/// A kind of store and a place, not opened yet.
pub(crate) trait Backend {
    /// The file of the store, where it is one on this machine.
    fn path(&self) -> Option<&Path>;

    /// How the store is opened, where it is a file of SQLite, which is copied and replaced as such.
    fn file(&self) -> Option<&SqliteOptions>;

    /// How many writes the opened store takes at once; those beyond may be refused.
    fn writes_at_once(&self) -> usize;

    /// What becomes of the text that was erased, for whoever erased it: a sentence without its end.
    fn after_erasure(&self) -> &'static str;

    /// Opens the store, making or migrating it where that is needed.
    fn open(&self) -> Result<Arc<dyn Store>, Failure>;

    /// Looks at the place and at what is there, and changes nothing; with `thoroughly` through the whole of it.
    fn examine(&self, clock: &dyn Clock, thoroughly: bool) -> Vec<Finding>;

    /// Brings the store's schema up to date; returns the versions of the migrations that ran.
    fn migrate(&self) -> Result<Vec<String>, Failure>;

    /// Distributes the store, whose schema is up to date, over the nodes of its database, and tells of each step.
    fn distribute(
        &self,
        on_step: &mut dyn FnMut(DistributionStep),
    ) -> Result<Distribution, Failure>;

    /// Looks through the store for what cannot be so, beside whoever uses it.
    fn check(&self) -> Result<CheckReport, Failure>;
}

/// Refuses to go on where there is no store yet: opening would make one.
pub(crate) fn require_store(backend: &dyn Backend) -> Result<(), Failure> {
    match backend.path().filter(|path| !path.exists()) {
        Some(path) => Err(Failure::failed(format!(
            "there is no store at {}",
            path.display()
        ))),
        None => Ok(()),
    }
}

/// Refuses to distribute what lies in one file.
pub(crate) fn not_distributed() -> Failure {
    Failure::usage(
        "--distribute is for a store in PostgreSQL with Citus, and database.url names a file of SQLite",
    )
}

/// Every port of a store.
pub(crate) trait Store:
    SyncStore
    + MergeStore
    + VisitorStore
    + ConversationList
    + ConversationReader
    + ChangeFeed
    + ChangeSignals
    + StoreArchive
    + StoreStatus
    + ApiKeyStore
{
    /// Finishes the writes that are queued and closes the store.
    fn close(&self);

    /// How busy the store is now.
    fn current_load(&self) -> StoreLoad;
}

/// Tells which backend the settings ask for.
pub(crate) type ChooseBackend = fn(&Configuration) -> Result<Box<dyn Backend>, Failure>;
