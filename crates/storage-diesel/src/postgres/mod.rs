//! PostgreSQL, 14 or later.
//!
//! Calls share connections (`session`, `pools`), on a cluster to the node of the visitor that they are about
//! (`nodes`), where reads name its shards (`visitor_tables`). Each works on a blocking thread, and whatever may pass is
//! tried again on another connection (`run`). A read is one statement, so that it sees one moment, or a transaction
//! (`heads`, `items`, `feed`). A write is one call of a function in the database (`write_call`, `functions`), or one
//! transaction: the visitor's row first, by compare-and-swap (`take_number`), then each table in a statement or two
//! whatever the number of rows (`rows`, `write`, `erase`).
//!
//! A visitor who leaves (`leave`, `merge`) is deleted table by table and leaves a tombstone (`tombstones`), which
//! only those look for who find no visitor, or insert one.
//!
//! Every key of what visitors have begins with the visitor, and every statement about it names the
//! visitor as a constant, so that each stays on one shard where the tables are distributed by visitor.
//! What is the server's (`migrate`, `api_keys`) is a few rows. `distribute` brings a store to that.

mod api_keys;
mod archive;
mod check;
mod distribute;
mod erase;
mod errors;
mod examine;
mod feed;
mod functions;
mod heads;
mod items;
mod json_rows;
mod leave;
mod merge;
mod migrate;
mod nodes;
mod open;
mod pools;
mod reading;
mod rows;
mod run;
mod schema;
mod session;
mod signals;
mod statements;
mod take_number;
mod tombstones;
mod visitor_tables;
mod visitors;
mod write;
mod write_call;

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;

use convosync_domain::archive::{ArchivePlace, ArchivedConversation, ArchivedVisitor};
use convosync_domain::change_set::{ChangeSet, VisitorRegistration};
use convosync_domain::feed::{Admit, PageRead, PageRequest};
use convosync_domain::identity::{ConversationKey, VisitorId};
use convosync_domain::ports::{
    ChangeFeed, ConversationList, Heads, LivingIds, NamedConversation, Registration, Restoration,
    StoreArchive, StoreError, StoreIdentity, StoreStatus, SyncStore, Visitor, VisitorStore,
    VisitorSummary,
};
use convosync_domain::stored::StoredMessage;
use convosync_domain::timestamp::Timestamp;
use convosync_domain::tombstone::{VisitorGone, VisitorTombstone};

pub use check::check;
pub use distribute::{
    CopyProgress, DistributeError, Distribution, DistributionStep, VISITORS_AT_ONCE, distribute,
};
pub use errors::OpenError;
pub use examine::{Citus, CitusNode, Connections, Examined, examine};
pub use open::PostgresOptions;

use crate::concurrency_limit::ConcurrencyLimit;
use crate::measures::{self, Commits, StoreLoad};
use archive::Restore;
use errors::PostgresError;
use heads::Names;
use leave::Leaving;
use nodes::Nodes;
use open::{first_connection, warn_if_not_durable};
use pools::{Pools, SessionPool, Sessions};
use session::Database;
use signals::Signals;
use write::{Attempts, Commit};

/// How long a call waits for its turn, and then for a connection.
const WAIT_MAX: Duration = Duration::from_secs(1);
/// A store in a PostgreSQL database. Clones are handles of the same store.
#[derive(Clone)]
pub struct PostgresStore(Arc<Opened>);

struct Opened {
    identity: StoreIdentity,
    pools: Pools,
    signals: Signals,
    concurrency_limit: ConcurrencyLimit,
    commits: Commits,
}

impl PostgresStore {
    /// Opens the store, making or migrating its tables where that is needed.
    ///
    /// # Errors
    /// [`OpenError`] when the database cannot be used as it has to be.
    pub fn open(options: &PostgresOptions) -> Result<Self, OpenError> {
        let database = Arc::new(Database::at(&options.url));
        let mut connection = first_connection(&database, options.wait_at_start)?;
        warn_if_not_durable(&mut connection);
        let identity = migrate::migrate(&mut connection)?.identity;
        let pool_size = options.pool_size.max(1);
        let nodes = options.shard_aware.then(|| {
            let database = Arc::clone(&database);
            let sizes = (pool_size, options.queue);
            Nodes::at(database, &mut connection, identity.epoch, sizes)
        });
        let sessions = Sessions::of(Arc::clone(&database));
        let by_url = SessionPool::new(sessions, pool_size, WAIT_MAX);
        measures::begin();
        Ok(Self(Arc::new(Opened {
            identity,
            commits: Commits::new(),
            pools: Pools { by_url, nodes },
            signals: Signals::of(database),
            concurrency_limit: ConcurrencyLimit::new(pool_size, options.queue, WAIT_MAX),
        })))
    }

    /// Runs the migrations that the database is missing, and returns their versions.
    ///
    /// # Errors
    /// [`OpenError`] when the database cannot be used, or has a newer schema; then nothing has
    /// changed.
    pub fn migrate(options: &PostgresOptions) -> Result<Vec<String>, OpenError> {
        let database = Database::at(&options.url);
        let mut connection = first_connection(&database, options.wait_at_start)?;
        Ok(migrate::migrate(&mut connection)?.applied)
    }

    /// How busy the store is now.
    #[must_use]
    pub fn current_load(&self) -> StoreLoad {
        let Pools { by_url, nodes } = &self.0.pools;
        let by_url = by_url.load("postgres");
        let by_url = self.0.concurrency_limit.of_pool(by_url);
        let nodes = nodes.as_ref().and_then(Nodes::load);
        StoreLoad {
            pools: [by_url].into_iter().chain(nodes).collect(),
            ..StoreLoad::default()
        }
    }
}

#[async_trait]
impl SyncStore for PostgresStore {
    async fn heads(
        &self,
        visitor: VisitorId,
        named: Vec<NamedConversation>,
    ) -> Result<Option<Heads>, StoreError> {
        let names = Names::from(named);
        self.run_for(visitor, move |connection| {
            heads::heads(connection, visitor, &names)
        })
        .await
    }

    async fn load(
        &self,
        visitor: VisitorId,
        named: Vec<NamedConversation>,
    ) -> Result<Vec<(ConversationKey, StoredMessage)>, StoreError> {
        let names = Names::from(named);
        self.read_of(visitor, move |connection, tables| {
            let loaded = tables.find(|tables| {
                let loaded = items::load(connection, tables, visitor, &names)?;
                Ok::<_, PostgresError>(Some(loaded).filter(|loaded| !loaded.is_empty()))
            })?;
            let loaded = tombstones::found_unless_gone(connection, visitor, loaded)?;
            Ok(loaded.unwrap_or_default())
        })
        .await
    }

    async fn commit(&self, visitor: VisitorId, changes: ChangeSet) -> Result<u64, StoreError> {
        let commit = Commit::of(visitor, changes);
        let mut attempts = Attempts::default();
        let commits = self.0.commits.clone();
        self.run_for(visitor, move |connection| {
            let began = Instant::now();
            let committed = commit.write(connection, &mut attempts);
            committed.inspect(|_| commits.committed(began))
        })
        .await
    }
}

#[async_trait]
impl VisitorStore for PostgresStore {
    async fn find(&self, visitor: VisitorId) -> Result<Option<Visitor>, StoreError> {
        self.read_of(visitor, move |connection, tables| {
            visitors::find(connection, tables, visitor)
        })
        .await
    }

    async fn summarize(&self, visitor: VisitorId) -> Result<Option<VisitorSummary>, StoreError> {
        self.read_of(visitor, move |connection, tables| {
            visitors::summarize(connection, tables, visitor)
        })
        .await
    }

    async fn register(&self, visitor: VisitorRegistration) -> Result<Registration, StoreError> {
        let mut attempts = Attempts::default();
        self.run_for(VisitorId::from(&visitor.identity), move |connection| {
            write::register(connection, &visitor, &mut attempts)
        })
        .await
    }

    async fn erase(&self, visitor: VisitorId, at: Timestamp) -> Result<bool, StoreError> {
        let mut leaving = Leaving::of(VisitorTombstone {
            id: visitor,
            gone: VisitorGone::Erased,
            at,
        });
        self.run_for(visitor, move |connection| leaving.erase(connection))
            .await
    }
}

#[async_trait]
impl ConversationList for PostgresStore {
    async fn living_ids(&self, visitor: VisitorId) -> Result<Option<LivingIds>, StoreError> {
        self.read_of(visitor, move |connection, tables| {
            feed::living_ids(connection, tables, visitor)
        })
        .await
    }
}

#[async_trait]
impl ChangeFeed for PostgresStore {
    async fn changes(
        &self,
        visitor: VisitorId,
        request: PageRequest,
        admit: Admit,
    ) -> Result<Option<PageRead>, StoreError> {
        self.read_of(visitor, move |connection, tables| {
            feed::changes(connection, tables, visitor, &request, &admit)
        })
        .await
    }
}

#[async_trait]
impl StoreArchive for PostgresStore {
    async fn count_visitors(&self) -> Result<u64, StoreError> {
        self.run(|connection| Ok(archive::count_visitors(connection)?))
            .await
    }

    async fn visitors(
        &self,
        after: Option<VisitorId>,
        limit: usize,
    ) -> Result<Vec<ArchivedVisitor>, StoreError> {
        self.run(move |connection| Ok(archive::read_visitors(connection, after, limit)?))
            .await
    }

    async fn tombstones(
        &self,
        after: Option<VisitorId>,
        limit: usize,
    ) -> Result<Vec<VisitorTombstone>, StoreError> {
        self.run(move |connection| Ok(tombstones::read(connection, after, limit)?))
            .await
    }

    async fn items(
        &self,
        visitor: VisitorId,
        after: Option<ArchivePlace>,
        limit: usize,
    ) -> Result<Vec<ArchivedConversation>, StoreError> {
        self.run_for(visitor, move |connection| {
            archive::read_items(connection, visitor, after, limit)
        })
        .await
    }

    async fn adopt_digest_seed(&self, digest_seed: u64) -> Result<bool, StoreError> {
        self.run(move |connection| archive::adopt_digest_seed(connection, digest_seed))
            .await
    }

    async fn renew_epoch(&self) -> Result<(), StoreError> {
        self.run(archive::renew_epoch).await
    }

    async fn restore(
        &self,
        visitor: ArchivedVisitor,
        conversations: Vec<ArchivedConversation>,
    ) -> Result<Restoration, StoreError> {
        let restore = Restore::of(visitor, conversations);
        self.run(move |connection| restore.write(connection)).await
    }

    async fn restore_tombstone(
        &self,
        tombstone: VisitorTombstone,
    ) -> Result<Restoration, StoreError> {
        self.run(move |connection| tombstones::restore(connection, &tombstone))
            .await
    }
}

#[async_trait]
impl StoreStatus for PostgresStore {
    async fn check(&self) -> Result<(), StoreError> {
        let identity = self.0.identity;
        self.run(move |connection| {
            session::check_writable(connection)?;
            match migrate::read_store(connection)? {
                Some(row) if row.epoch == identity.epoch => Ok(()),
                _ => Err(PostgresError::OtherStore),
            }
        })
        .await
    }

    fn identity(&self) -> StoreIdentity {
        self.0.identity
    }
}
