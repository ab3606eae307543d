//! SQLite, in one file.
//!
//! One thread writes, with group commit (`writer`, `group`, `write`); a few pooled connections read
//! (`heads`, `items`, `feed`, `reading`), each call inside one transaction: a long one on a blocking thread, one of
//! a few rows at once, where it is asked for.
//! Rows are appended by integer ids; two unique keys are all that is indexed beside those. Visitors go by
//! `tombstones`, and what they had goes from the files, too (`write_ahead_log`). What is done with the file as a whole
//! is in [`files`].

mod api_keys;
mod archive;
mod connection;
mod erase;
mod errors;
mod examine;
mod feed;
pub mod files;
mod group;
mod heads;
mod items;
mod lasting_names;
mod migrate;
mod opened_files;
mod place;
mod read_pool;
mod reading;
#[cfg(test)]
mod row_tests;
mod schema;
mod signals;
mod statements;
mod tombstones;
mod visitors;
mod write;
mod write_ahead_log;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use diesel::SqliteConnection;

use convosync_domain::change_set::{ChangeSet, VisitorRegistration};
use convosync_domain::feed::{Admit, PageRead, PageRequest};
use convosync_domain::identity::{ConversationKey, VisitorId};
use convosync_domain::ports::{
    ChangeFeed, ConversationList, Heads, LivingIds, MergeStore, MergedVisitor, NamedConversation,
    Registration, StoreError, StoreIdentity, StoreStatus, SyncStore, Visitor, VisitorStore,
    VisitorSummary,
};
use convosync_domain::stored::StoredMessage;
use convosync_domain::timestamp::Timestamp;

pub use errors::OpenError;
pub use examine::{Examined, examine};

use crate::concurrency_limit::ConcurrencyLimit;
use crate::measures::{self, StoreLoad};
use connection::{Database, Role};
use errors::SqliteError;
use group::Group;
use read_pool::ReadPool;
use signals::Signals;
use writer::Writer;

/// So many conversations and messages are looked up in about the time that it takes to hand the look-up to
/// another thread.
const INLINE_NAMES_MAX: usize = 16;

/// How a store is opened.
#[derive(Clone, Debug)]
pub struct SqliteOptions {
    /// The file; it and missing folders are made.
    pub path: PathBuf,
    /// How many connections read at once, and how many more read a few rows each.
    pub readers: u32,
    /// How many more reads may wait, and how many writes.
    pub queue: usize,
    /// How long to wait for the lock that another process holds.
    pub busy_timeout: Duration,
    /// Whether to look through the whole file for damage first, which takes as long as reading it.
    pub check_file: bool,
}

impl SqliteOptions {
    /// The usual options, for this file.
    #[must_use]
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            readers: 4,
            queue: 256,
            busy_timeout: Duration::from_secs(5),
            check_file: false,
        }
    }
}

/// A store in an SQLite file. Clones are handles of the same store; the last one that goes closes
/// it.
#[derive(Clone)]
pub struct SqliteStore(Arc<Opened>);

struct Opened {
    identity: StoreIdentity,
    database: Arc<Database>,
    read_pool: ReadPool,
    signals: Signals,
    writer: Writer,
    writing: ConcurrencyLimit,
}

impl SqliteStore {
    /// Opens the store, making or migrating it where that is needed.
    ///
    /// # Errors
    /// [`OpenError`] when the file cannot be used as it has to be.
    pub fn open(options: SqliteOptions) -> Result<Self, OpenError> {
        let SqliteOptions {
            path,
            readers,
            queue,
            busy_timeout,
            check_file,
        } = options;
        let database = Arc::new(Database::at(&path, busy_timeout)?);
        let mut connection = database.connect(Role::Writer)?;
        if check_file {
            database.check(&mut connection)?;
        }
        let identity = migrate::migrate(&database, &mut connection)?.identity;
        measures::begin();
        let read_pool = ReadPool::from(Arc::clone(&database), readers.max(1), queue);
        let writer = Writer::start(Arc::clone(&database), connection)
            .map_err(|error| database.unusable(&error))?;
        Ok(Self(Arc::new(Opened {
            identity,
            signals: Signals::of(Arc::clone(&database)),
            database,
            read_pool,
            writer,
            // The writer has a queue of its own: whoever is let in stands in it.
            writing: ConcurrencyLimit::new(
                u32::try_from(queue).unwrap_or(u32::MAX),
                0,
                Duration::ZERO,
            ),
        })))
    }

    /// Runs the migrations that the file at this path is missing, and returns their versions.
    ///
    /// # Errors
    /// [`OpenError`] when the file cannot be used, or has a newer schema; then nothing has changed.
    pub fn migrate(path: &Path) -> Result<Vec<String>, OpenError> {
        let database = Database::at(path, SqliteOptions::at(path).busy_timeout)?;
        let mut connection = database.connect(Role::Writer)?;
        Ok(migrate::migrate(&database, &mut connection)?.applied)
    }

    /// How long the write-ahead log is, in bytes: it grows for as long as somebody reads what was there before, and
    /// begins anew then. Asking takes a microsecond or two.
    #[must_use]
    pub fn write_ahead_log_bytes(&self) -> u64 {
        self.0.database.files().log_bytes()
    }

    /// Finishes the writes that are queued, empties the write-ahead log into the file and closes it, though there may be
    /// other handles of the store: they can neither write nor read any more.
    pub fn close(self) {
        let Opened {
            writer,
            database,
            read_pool,
            signals,
            ..
        } = &*self.0;
        writer.close();
        database.close();
        read_pool.close();
        signals.close();
    }

    /// How busy the store is now. It asks the file system, but waits for nothing.
    #[must_use]
    pub fn current_load(&self) -> StoreLoad {
        StoreLoad {
            pools: self.0.read_pool.load().to_vec(),
            queued_writes: Some(self.0.writing.working()),
            write_ahead_log_bytes: Some(self.write_ahead_log_bytes()),
        }
    }

    /// Reads in a transaction.
    async fn read_in_transaction<T: Send + 'static>(
        &self,
        query: impl FnOnce(&mut SqliteConnection) -> Result<T, SqliteError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.0.read_pool.read(query).await
    }

    /// Writes in a transaction; returns when it is durable. `messages` says how many it writes.
    async fn write<T: Send + 'static>(
        &self,
        messages: usize,
        work: impl FnOnce(&mut Group<'_>) -> Result<T, SqliteError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let _permit = self
            .0
            .writing
            .acquire()
            .await
            .map_err(SqliteError::Overloaded)?;
        self.0.writer.write(messages, work).await
    }
}

#[async_trait]
impl SyncStore for SqliteStore {
    async fn heads(
        &self,
        visitor: VisitorId,
        named: Vec<NamedConversation>,
    ) -> Result<Option<Heads>, StoreError> {
        let names: usize = named.iter().map(|named| 1 + named.messages.len()).sum();
        let heads = move |connection: &mut _| heads::heads(connection, visitor, &named);
        if names <= INLINE_NAMES_MAX {
            self.0.read_pool.read_inline(heads).await
        } else {
            self.read_in_transaction(heads).await
        }
    }

    async fn load(
        &self,
        visitor: VisitorId,
        named: Vec<NamedConversation>,
    ) -> Result<Vec<(ConversationKey, StoredMessage)>, StoreError> {
        self.read_in_transaction(move |connection| items::load(connection, visitor, named))
            .await
    }

    async fn commit(&self, visitor: VisitorId, changes: ChangeSet) -> Result<u64, StoreError> {
        let messages = changes.conversations.iter();
        let messages = messages.map(|change| change.messages.len()).sum();
        let commit = move |group: &mut Group<'_>| write::commit(group, visitor, changes);
        Ok(self.write(messages, commit).await?.change_counter)
    }
}

#[async_trait]
impl MergeStore for SqliteStore {
    async fn merge(
        &self,
        into: VisitorId,
        changes: ChangeSet,
        merged: MergedVisitor,
    ) -> Result<u64, StoreError> {
        let messages = changes.conversations.iter();
        let messages = messages.map(|change| change.messages.len()).sum();
        let merge = move |group: &mut Group<'_>| write::merge(group, into, changes, merged);
        Ok(self.write(messages, merge).await?.change_counter)
    }
}

#[async_trait]
impl VisitorStore for SqliteStore {
    async fn find(&self, visitor: VisitorId) -> Result<Option<Visitor>, StoreError> {
        self.0
            .read_pool
            .read_inline(move |connection| {
                let found = visitors::find_with_usage(connection, visitor)?;
                Ok(found.map(|row| Visitor {
                    id: visitor,
                    change_counter: row.change_counter,
                    usage: row.usage(),
                }))
            })
            .await
    }

    async fn summarize(&self, visitor: VisitorId) -> Result<Option<VisitorSummary>, StoreError> {
        self.read_in_transaction(move |connection| visitors::summarize(connection, visitor))
            .await
    }

    async fn register(&self, visitor: VisitorRegistration) -> Result<Registration, StoreError> {
        let register = move |group: &mut Group<'_>| visitors::register(group, &visitor);
        self.write(0, register).await
    }

    async fn erase(&self, visitor: VisitorId, at: Timestamp) -> Result<bool, StoreError> {
        let erase = move |group: &mut Group<'_>| tombstones::erase(group, visitor, at);
        self.write(0, erase).await
    }
}

#[async_trait]
impl ConversationList for SqliteStore {
    async fn living_ids(&self, visitor: VisitorId) -> Result<Option<LivingIds>, StoreError> {
        self.read_in_transaction(move |connection| feed::living_ids(connection, visitor))
            .await
    }
}

#[async_trait]
impl ChangeFeed for SqliteStore {
    async fn changes(
        &self,
        visitor: VisitorId,
        request: PageRequest,
        admit: Admit,
    ) -> Result<Option<PageRead>, StoreError> {
        self.read_in_transaction(move |connection| {
            feed::changes(connection, visitor, &request, &admit)
        })
        .await
    }
}

#[async_trait]
impl StoreStatus for SqliteStore {
    async fn check(&self) -> Result<(), StoreError> {
        self.0.database.look().map_err(SqliteError::from)?;
        self.read_in_transaction(migrate::read_identity).await?;
        // Where the last write failed, only another one can tell whether the next would.
        if self.0.writer.is_failing() {
            let database = Arc::clone(&self.0.database);
            let probe = move |group: &mut Group<'_>| match database.lack_of_room() {
                Some(error) => Err(SqliteError::NoRoom(error)),
                None => migrate::rewrite_first_page(group),
            };
            self.write(0, probe).await?;
        }
        Ok(())
    }

    fn identity(&self) -> StoreIdentity {
        self.0.identity
    }
}
