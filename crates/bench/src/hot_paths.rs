//! The parts of a post that take the most time, each by itself: what `cargo bench` times and
//! `make check-perf` counts the instructions of.

use anyhow::{Context as _, Result};
use convosync_domain::change_set::{ChangeSet, ConversationChange, VisitorRegistration};
use convosync_domain::identity::{VisitorId, VisitorIdentity};
use convosync_domain::merge::{Receipt, merge};
use convosync_domain::ports::{SyncStore as _, VisitorStore as _};
use convosync_domain::posted::PostedConversation;
use convosync_domain::timestamp::Timestamp;
use convosync_domain::usage::Quota;
use convosync_http_actix::bench::{read_post, skim_post};
use convosync_storage_diesel::sqlite::{SqliteOptions, SqliteStore};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

use crate::bodies::{Shape, body};

/// The shape of what is measured here.
pub const SHAPE: Shape = Shape::new(10, 10);

/// Reads a body whose messages are new.
pub fn parse(body: String) -> Result<Vec<PostedConversation>> {
    read_post(body.into_bytes()).context("the body is valid")
}

/// Reads a body whose messages are stored already.
pub fn skim(body: String) -> Result<usize> {
    skim_post(body.into_bytes()).context("the body is valid")
}

/// Merges a post into nothing.
pub fn merge_new(posted: Vec<PostedConversation>) -> Result<Vec<ConversationChange>> {
    let now = Timestamp::from_micros(1_800_000_000_000_000).context("it is a moment")?;
    Ok(merge(posted, Vec::new(), Receipt::new(now, 300)).changes)
}

/// A new SQLite store with one visitor, to be written to.
pub struct BatchWrite {
    runtime: Runtime,
    store: SqliteStore,
    visitor: VisitorId,
    change_counter: u64,
    _folder: TempDir,
}

impl BatchWrite {
    /// Makes the store.
    pub fn new() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let store = SqliteStore::open(SqliteOptions::at(folder.path().join("convosync.db")))?;
        let identity = VisitorIdentity::anonymous("bench".to_owned())?;
        let visitor = VisitorId::from(&identity);
        let registered_at = Timestamp::from_micros(0).context("it is a moment")?;
        let runtime = Builder::new_current_thread().build()?;
        runtime.block_on(store.register(VisitorRegistration {
            identity,
            registered_at,
        }))?;
        Ok(Self {
            runtime,
            store,
            visitor,
            change_counter: 0,
            _folder: folder,
        })
    }

    /// Commits a change set of these conversations, which must be new.
    pub fn commit(&mut self, conversations: Vec<ConversationChange>) -> Result<()> {
        let changes = ChangeSet {
            change_counter: self.change_counter,
            received_at: Timestamp::from_micros(0).context("it is a moment")?,
            registers: None,
            quota: Quota::default(),
            conversations,
        };
        let committed = self.store.commit(self.visitor, changes);
        self.change_counter = self.runtime.block_on(committed)?;
        Ok(())
    }
}

/// The changes by which a post of this number is stored.
pub fn changes(number: u64) -> Result<Vec<ConversationChange>> {
    merge_new(parse(body(SHAPE, number))?)
}
