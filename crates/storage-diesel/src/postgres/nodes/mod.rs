//! On a Citus cluster each visitor's calls go straight to the node that has it: the coordinator would plan each once more
//! and pass it on, which costs as much as the work itself (ADR 0034).
//!
//! Every node serves every visitor. So where a visitor lies is only a guess: one that was wrong, as a shard has moved since
//! it was looked up, costs time, and a node that cannot be connected to is left out, its visitors being asked for where
//! `database.url` leads. That is also where all goes that is not about one visitor; while nobody answers there, any node
//! is asked.

mod shard_map;
#[cfg(test)]
mod tests;
mod uuid_hash;

pub(super) use shard_map::Node;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Integer;
use uuid::Uuid;

use convosync_domain::identity::VisitorId;

use super::WAIT_MAX;
use super::errors::OpenError;
use super::migrate;
use super::pools::{PooledSession, SessionPool, Sessions};
use super::session::Database;
use super::visitor_tables::VisitorTables;
use crate::concurrency_limit::ConcurrencyLimit;
use crate::measures::PoolLoad;
use shard_map::ShardMap;

/// How often it is looked up which node has what.
const LOOK_EVERY: Duration = Duration::from_secs(10);
/// The same after a failure: a shard may have been moved and be dropped where it was.
const LOOK_AFTER_FAILURE: Duration = Duration::from_secs(1);
/// How long a call waits for a connection to its visitor's node, before it goes by another one.
const NODE_WAIT: Duration = Duration::from_millis(250);
/// How much time at most lies between two tries to connect to a node that cannot be reached.
const CONNECT_PAUSE_MAX: Duration = Duration::from_secs(10);

/// The nodes of a cluster, and connections to each. There are none where there is no cluster.
pub(super) struct Nodes {
    /// Where the cluster can be asked for its nodes.
    database: Arc<Database>,
    /// The epoch of the store that they have.
    epoch: Uuid,
    pool_size: u32,
    queue: usize,
    known: RwLock<Known>,
    look: Mutex<Look>,
}

/// When it was looked last which node has what, and whether a call has failed since.
struct Look {
    last: Instant,
    has_failed: bool,
}

#[derive(Default)]
struct Known {
    shards: ShardMap,
    nodes: BTreeMap<Node, KnownNode>,
}

#[derive(Clone)]
struct KnownNode {
    pool: SessionPool,
    /// How many calls about its visitors work at once, whichever way they go: a node that hangs is not to keep all who
    /// work from the visitors of the others.
    limit: Arc<ConcurrencyLimit>,
}

impl Nodes {
    /// Those of the cluster that this connection leads to, each with a pool of this size; so many calls may wait for each.
    pub(super) fn at(
        database: Arc<Database>,
        connection: &mut PgConnection,
        epoch: Uuid,
        (pool_size, queue): (u32, usize),
    ) -> Self {
        let nodes = Self {
            database,
            epoch,
            pool_size,
            queue,
            known: RwLock::default(),
            look: Mutex::new(Look::now()),
        };
        nodes.look(connection);
        nodes
    }

    /// A connection to the node that has the visitor, if it can be reached, and how its tables are called there.
    pub(super) fn session_for(&self, visitor: VisitorId) -> Option<(PooledSession, VisitorTables)> {
        let (node, tables) = self.place_of(visitor)?;
        Some((session_of(&node.pool)?, tables))
    }

    /// How many calls about the visitors of the node that has this one may work at once.
    pub(super) fn limit_of(&self, visitor: VisitorId) -> Option<Arc<ConcurrencyLimit>> {
        let (node, _) = self.place_of(visitor)?;
        Some(node.limit)
    }

    fn place_of(&self, visitor: VisitorId) -> Option<(KnownNode, VisitorTables)> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let place = known.shards.place_of(visitor)?;
        let node = known.nodes.get(&place.node)?;
        Some((node.clone(), place.tables.clone()))
    }

    /// A connection to any node that can be reached.
    pub(super) fn any_session(&self) -> Option<PooledSession> {
        let nodes: Vec<KnownNode> = {
            let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
            known.nodes.values().cloned().collect()
        };
        nodes.iter().find_map(|node| session_of(&node.pool))
    }

    /// Begins anew with the connections of a node of which one was lost, so that it is left out until it is connected to;
    /// `false` where these are not the connections of a node.
    pub(super) fn reconnect(&self, lost: &Arc<Database>) -> bool {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let mut nodes = known.nodes.iter_mut();
        let Some((node, known)) = nodes.find(|(_, known)| known.pool.is_of(lost)) else {
            return false;
        };
        known.pool = self.pool_of(node);
        true
    }

    /// Whether it is to be looked up which node has what, by whoever is told so.
    pub(super) fn look_is_due(&self) -> bool {
        let Ok(mut look) = self.look.try_lock() else {
            return false;
        };
        let wait = match look.has_failed {
            true => LOOK_AFTER_FAILURE,
            false => LOOK_EVERY,
        };
        let is_due = look.last.elapsed() >= wait;
        if is_due {
            *look = Look::now();
        }
        is_due
    }

    /// Has it be looked up soon: a call has failed.
    pub(super) fn look_soon(&self) {
        let mut look = self.look.lock().unwrap_or_else(PoisonError::into_inner);
        look.has_failed = true;
    }

    /// Looks up which node has what. Where that fails, what was known stays.
    pub(super) fn look(&self, connection: &mut PgConnection) {
        match ShardMap::read(connection) {
            Ok(shards) => self.know(shards),
            Err(error) => tracing::warn!(%error, "it could not be looked up which node has what"),
        }
    }

    /// The nodes that stay keep their connections; those of the others are closed.
    fn know(&self, shards: ShardMap) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let mut before = std::mem::take(&mut known.nodes);
        for node in shards.nodes() {
            let found = before.remove(node).unwrap_or_else(|| self.begin(node));
            known.nodes.insert(node.clone(), found);
        }
        known.shards = shards;
    }

    fn begin(&self, node: &Node) -> KnownNode {
        let at_once = (self.pool_size - self.pool_size / 4).max(1);
        KnownNode {
            pool: self.pool_of(node),
            limit: Arc::new(ConcurrencyLimit::new(at_once, self.queue, WAIT_MAX)),
        }
    }

    fn pool_of(&self, node: &Node) -> SessionPool {
        let database = Arc::new(self.database.at_node(&node.host, node.port));
        let sessions = Sessions::of_node(database, node.clone(), self.epoch);
        // The pool's tries are as far apart as half of what it is to wait at most.
        SessionPool::new(sessions, self.pool_size, 2 * CONNECT_PAUSE_MAX)
    }

    /// How busy their connections are, taken together; `None` where there are no nodes.
    pub(super) fn load(&self) -> Option<PoolLoad> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let loads = known.nodes.values();
        let loads = loads.map(|node| node.limit.of_pool(node.pool.load("nodes")));
        loads.reduce(|all, one| PoolLoad {
            size: all.size + one.size,
            open: all.open + one.open,
            busy: all.busy + one.busy,
            waiting: all.waiting + one.waiting,
            waits: all.waits + one.waits,
            ..all
        })
    }
}

impl Look {
    fn now() -> Self {
        Self {
            last: Instant::now(),
            has_failed: false,
        }
    }
}

/// Which nodes that have visitors could not be asked for them from here, by their addresses, and why.
pub(super) fn refusals(
    database: &Database,
    connection: &mut PgConnection,
) -> QueryResult<BTreeMap<String, String>> {
    let mut refusals = BTreeMap::new();
    let shards = ShardMap::read(connection)?;
    let nodes = shards.nodes();
    // Without nodes there may be no tables.
    if nodes.is_empty() {
        return Ok(refusals);
    }
    let Some(store) = migrate::read_store(connection)? else {
        return Ok(refusals);
    };
    for node in nodes {
        let at_node = Arc::new(database.at_node(&node.host, node.port));
        if let Err(error) = Sessions::of_node(at_node, node.clone(), store.epoch).open() {
            refusals.insert(node.to_string(), OpenError::from(error).to_string());
        }
    }
    Ok(refusals)
}

/// The number of the node that this leads to.
pub(super) fn local_group(connection: &mut PgConnection) -> QueryResult<i32> {
    let group = sql::<Integer>("(SELECT groupid FROM pg_dist_local_group)");
    diesel::select(group).get_result(connection)
}

/// An open connection, also while no more can be had; or a new one, of a node that can be reached.
fn session_of(pool: &SessionPool) -> Option<PooledSession> {
    let open = pool.idle();
    open.or_else(|| {
        pool.is_reachable()
            .then(|| pool.get_within(NODE_WAIT).ok())?
    })
}
