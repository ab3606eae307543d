//! The nodes of a Citus cluster, where the server is the coordinator of one: each has every test's database.

use diesel::connection::SimpleConnection as _;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Integer, Text};

/// As many shards as two workers need to have several each: every table of every test has them.
const SHARDS: u32 = 8;

/// A node, as the coordinator names it.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    host: String,
    port: i32,
}

impl Node {
    /// The URL of what another URL names, at this node. (Of two hosts in a URL the client takes the last.)
    pub(crate) fn url(&self, url: &str) -> String {
        with(url, &format!("host={}&port={}", self.host, self.port))
    }
}

fn with(url: &str, parameters: &str) -> String {
    let separator = match url.split_once('?') {
        None => "?",
        Some((_, "")) => "",
        Some(_) => "&",
    };
    format!("{url}{separator}{parameters}")
}

/// The nodes of a cluster.
#[derive(Clone, Debug)]
pub(crate) struct Cluster {
    coordinator: Node,
    pub(crate) workers: Vec<Node>,
}

impl Cluster {
    /// The cluster that the server of this connection coordinates; `None` of a server without Citus.
    pub(crate) fn of(connection: &mut PgConnection) -> Option<Self> {
        let has_citus = "EXISTS (SELECT FROM pg_extension WHERE extname = 'citus')";
        let has_citus = diesel::select(sql::<Bool>(has_citus)).get_result::<bool>(connection);
        if !has_citus.unwrap() {
            return None;
        }
        let coordinator = nodes(connection, "groupid = 0").pop();
        Some(Self {
            coordinator: coordinator.expect("citus_set_coordinator_host was called"),
            workers: nodes(
                connection,
                "groupid <> 0 AND isactive AND noderole = 'primary'",
            ),
        })
    }

    /// The URL of what another URL names, at any of the nodes.
    pub(crate) fn url_of_any_node(&self, url: &str) -> String {
        let nodes = || [&self.coordinator].into_iter().chain(&self.workers);
        let hosts: Vec<_> = nodes().map(|node| node.host.clone()).collect();
        let ports: Vec<_> = nodes().map(|node| node.port.to_string()).collect();
        let (hosts, ports) = (hosts.join(","), ports.join(","));
        with(
            url,
            &format!("host={hosts}&port={ports}&load_balance_hosts=random"),
        )
    }

    /// Makes a cluster of a database that is on every node.
    pub(crate) fn join(&self, database: &str) {
        let workers = self.workers.iter().map(|worker| worker.url(database));
        for url in workers.chain([database.to_owned()]) {
            let mut connection = PgConnection::establish(&url).unwrap();
            connection
                .batch_execute(
                    "CREATE EXTENSION citus;
                     DO $$ BEGIN
                         EXECUTE format('ALTER DATABASE %I SET citus.enable_stat_counters = on', current_database());
                     END $$",
                )
                .unwrap();
        }
        let mut connection = PgConnection::establish(database).unwrap();
        let Node { host, port } = &self.coordinator;
        let mut join = format!(
            "DO $$ BEGIN
                 EXECUTE format('ALTER DATABASE %I SET citus.shard_count = {SHARDS}', current_database());
             END $$;
             SELECT citus_set_coordinator_host('{host}', {port});"
        );
        for Node { host, port } in &self.workers {
            join.push_str(&format!("SELECT citus_add_node('{host}', {port});"));
        }
        connection.batch_execute(&join).unwrap();
    }
}

fn nodes(connection: &mut PgConnection, which: &str) -> Vec<Node> {
    let query =
        format!("SELECT nodename, nodeport FROM pg_dist_node WHERE {which} ORDER BY nodeid");
    let rows: Vec<(String, i32)> = sql::<(Text, Integer)>(&query).load(connection).unwrap();
    let nodes = rows.into_iter();
    nodes.map(|(host, port)| Node { host, port }).collect()
}
