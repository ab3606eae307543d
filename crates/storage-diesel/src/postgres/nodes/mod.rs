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

use diesel::prelude::*;
use uuid::Uuid;

use convosync_domain::identity::VisitorId;

use super::pools::{PooledSession, SessionPool, Sessions};
use super::session::Database;
use crate::measures::PoolLoad;
use shard_map::ShardMap;

/// How often it is looked up which node has what.
const LOOK_EVERY: Duration = Duration::from_secs(10);
/// How long a call waits for a connection to its visitor's node, before it goes by another one.
const NODE_WAIT: Duration = Duration::from_millis(250);
/// Between two tries to connect to a node that cannot be reached lies half of this.
const CONNECT_AGAIN: Duration = Duration::from_secs(10);

/// The nodes of a cluster, and connections to each. There are none where there is no cluster.
pub(super) struct Nodes {
    /// Where the cluster can be asked for its nodes.
    database: Arc<Database>,
    /// The epoch of the store that they have.
    epoch: Uuid,
    pool_size: u32,
    known: RwLock<Known>,
    next_look: Mutex<Instant>,
}

#[derive(Default)]
struct Known {
    shards: ShardMap,
    pools: BTreeMap<Node, SessionPool>,
}

impl Nodes {
    /// Those of the cluster that this connection leads to, each with a pool of this size.
    pub(super) fn at(
        database: Arc<Database>,
        connection: &mut PgConnection,
        epoch: Uuid,
        pool_size: u32,
    ) -> Self {
        let nodes = Self {
            database,
            epoch,
            pool_size,
            known: RwLock::default(),
            next_look: Mutex::new(Instant::now()),
        };
        nodes.look(connection);
        nodes
    }

    /// A connection to the node that has the visitor, if it can be reached.
    pub(super) fn session_for(&self, visitor: VisitorId) -> Option<PooledSession> {
        let pool = {
            let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
            let node = known.shards.node_of(visitor)?;
            known.pools.get(node)?.clone()
        };
        session_of(&pool)
    }

    /// A connection to any node that can be reached.
    pub(super) fn any_session(&self) -> Option<PooledSession> {
        let pools: Vec<SessionPool> = {
            let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
            known.pools.values().cloned().collect()
        };
        pools.iter().find_map(session_of)
    }

    /// Looks up at any node which node has what, if that is due. Where that fails, what was known stays.
    pub(super) fn look(&self, connection: &mut PgConnection) {
        let Ok(mut next_look) = self.next_look.try_lock() else {
            return;
        };
        let now = Instant::now();
        if now < *next_look {
            return;
        }
        *next_look = now + LOOK_EVERY;
        match ShardMap::read(connection) {
            Ok(shards) => self.know(shards),
            Err(error) => tracing::debug!(%error, "it could not be looked up which node has what"),
        }
    }

    /// The nodes that stay keep their connections; those of the others are closed.
    fn know(&self, shards: ShardMap) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let mut before = std::mem::take(&mut known.pools);
        for node in shards.nodes() {
            let pool = before.remove(node).unwrap_or_else(|| self.pool_of(node));
            known.pools.insert(node.clone(), pool);
        }
        known.shards = shards;
    }

    fn pool_of(&self, node: &Node) -> SessionPool {
        let database = Arc::new(self.database.at_node(&node.host, node.port));
        let sessions = Sessions::of_node(database, node.clone(), self.epoch);
        SessionPool::new(sessions, self.pool_size, CONNECT_AGAIN)
    }

    /// How busy their connections are, taken together; `None` where there are no nodes.
    pub(super) fn load(&self) -> Option<PoolLoad> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let loads = known.pools.values().map(|pool| pool.load("nodes"));
        loads.reduce(|all, one| PoolLoad {
            size: all.size + one.size,
            open: all.open + one.open,
            busy: all.busy + one.busy,
            ..all
        })
    }
}

fn session_of(pool: &SessionPool) -> Option<PooledSession> {
    let is_reachable = pool.is_reachable();
    is_reachable.then(|| pool.get_within(NODE_WAIT).ok())?
}
