//! Which node of a cluster has which visitors.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use diesel::prelude::*;
use diesel::sql_types::{Integer, Nullable, Text};

use convosync_domain::identity::VisitorId;

use super::uuid_hash::uuid_hash;
use crate::postgres::functions;

/// A node, as the cluster names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::postgres) struct Node {
    pub(in crate::postgres) host: String,
    pub(in crate::postgres) port: i32,
    /// Its number: one that has another number is another node, whatever its name.
    pub(in crate::postgres) group: i32,
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

/// The node of each shard of visitors, by the first of the hashes that the shard has. There is none for a shard whose
/// node cannot be asked, and no shard where visitors are not distributed.
#[derive(Debug, Default)]
pub(super) struct ShardMap(BTreeMap<i32, Option<Node>>);

/// Each shard has a place, or as many as it has copies, of which the last that has a node counts. A node without the
/// metadata knows no tables.
const SHARDS: &str = "SELECT s.shardminvalue::integer AS first, n.nodename AS host, n.nodeport AS port, n.groupid AS \"group\"
    FROM pg_dist_shard s
    LEFT JOIN pg_dist_placement p ON p.shardid = s.shardid AND p.shardstate = 1
    LEFT JOIN pg_dist_node n ON n.groupid = p.groupid
        AND n.noderole = 'primary' AND n.isactive AND n.hasmetadata AND n.metadatasynced
    WHERE s.logicalrelid = 'visitors'::regclass ORDER BY n.groupid NULLS FIRST";

#[derive(QueryableByName)]
struct Shard {
    #[diesel(sql_type = Integer)]
    first: i32,
    #[diesel(sql_type = Nullable<Text>)]
    host: Option<String>,
    #[diesel(sql_type = Nullable<Integer>)]
    port: Option<i32>,
    #[diesel(sql_type = Nullable<Integer>)]
    group: Option<i32>,
}

impl ShardMap {
    /// Reads it at any node.
    pub(super) fn read(connection: &mut PgConnection) -> QueryResult<Self> {
        if !functions::is_distributed(connection)? {
            return Ok(Self::default());
        }
        let shards: Vec<Shard> = diesel::sql_query(SHARDS).load(connection)?;
        Ok(Self(shards.into_iter().map(Shard::into_place).collect()))
    }

    /// The node that has this visitor, or would have it.
    pub(super) fn node_of(&self, visitor: VisitorId) -> Option<&Node> {
        let hash = uuid_hash(visitor.as_uuid().into_bytes());
        let (_, node) = self.0.range(..=hash).next_back()?;
        node.as_ref()
    }

    /// All nodes that have visitors.
    pub(super) fn nodes(&self) -> BTreeSet<&Node> {
        self.0.values().flatten().collect()
    }
}

#[cfg(test)]
impl<const N: usize> From<[(i32, Option<Node>); N]> for ShardMap {
    fn from(shards: [(i32, Option<Node>); N]) -> Self {
        Self(shards.into())
    }
}

impl Shard {
    fn into_place(self) -> (i32, Option<Node>) {
        let node = self.host.zip(self.port).zip(self.group);
        let node = node.map(|((host, port), group)| Node { host, port, group });
        (self.first, node)
    }
}
