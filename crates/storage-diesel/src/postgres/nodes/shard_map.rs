//! Which node of a cluster has which visitors.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Integer, Nullable, Text};

use convosync_domain::identity::VisitorId;

use super::uuid_hash::uuid_hash;
use crate::postgres::functions;
use crate::postgres::visitor_tables::{Shards, TABLES, VisitorTables};

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

/// The place of each shard of visitors, by the first of the hashes that the shard has. There is none for a shard whose
/// node cannot be asked, and no shard where visitors are not distributed.
#[derive(Debug, Default)]
pub(super) struct ShardMap(BTreeMap<i32, Option<Place>>);

/// Where a visitor lies.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) node: Node,
    /// How its tables are called there.
    pub(super) tables: VisitorTables,
}

/// Each shard has a place, or as many as it has copies, of which the last that has a node counts. A node without the
/// metadata knows no tables. The shards of the other tables have the same hashes.
const SHARDS: &str = "SELECT s.shardminvalue::integer AS first, n.nodename AS host, n.nodeport AS port, n.groupid AS \"group\",
        ARRAY(SELECT o.shardid FROM unnest($1) WITH ORDINALITY AS t (name, place)
            JOIN pg_dist_shard o ON o.logicalrelid = t.name::regclass AND o.shardminvalue = s.shardminvalue
            ORDER BY t.place) AS numbers
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
    #[diesel(sql_type = Array<BigInt>)]
    numbers: Vec<i64>,
}

impl ShardMap {
    /// Reads it at any node.
    pub(super) fn read(connection: &mut PgConnection) -> QueryResult<Self> {
        if !functions::is_distributed(connection)? {
            return Ok(Self::default());
        }
        let shards = diesel::sql_query(SHARDS).bind::<Array<Text>, _>(&TABLES[..]);
        let shards: Vec<Shard> = shards.load(connection)?;
        Ok(Self(shards.into_iter().map(Shard::into_place).collect()))
    }

    /// Where this visitor lies, or would lie.
    pub(super) fn place_of(&self, visitor: VisitorId) -> Option<&Place> {
        let hash = uuid_hash(visitor.as_uuid().into_bytes());
        let (_, place) = self.0.range(..=hash).next_back()?;
        place.as_ref()
    }

    /// All nodes that have visitors.
    pub(super) fn nodes(&self) -> BTreeSet<&Node> {
        let places = self.0.values().flatten();
        places.map(|place| &place.node).collect()
    }
}

#[cfg(test)]
impl<const N: usize> From<[(i32, Option<Node>); N]> for ShardMap {
    fn from(shards: [(i32, Option<Node>); N]) -> Self {
        let tables = VisitorTables::Whole;
        let place = |node| Place {
            node,
            tables: tables.clone(),
        };
        Self(shards.map(|(first, node)| (first, node.map(place))).into())
    }
}

impl Shard {
    fn into_place(self) -> (i32, Option<Place>) {
        let numbers = self.numbers.try_into();
        let node = self.host.zip(self.port).zip(self.group);
        let place = node.map(|((host, port), group)| Place {
            node: Node { host, port, group },
            tables: match numbers {
                Ok(numbers) => VisitorTables::Shards(Arc::new(Shards { group, numbers })),
                Err(_) => VisitorTables::Whole,
            },
        });
        (self.first, place)
    }
}
