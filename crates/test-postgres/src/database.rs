//! Databases: one a test.

use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use diesel::connection::SimpleConnection as _;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Text};

use crate::cluster::Cluster;
use crate::counts::{self, Counts};

const PREFIX: &str = "convosync_test_";
/// A database that is older belongs to a test that died.
const OLD: Duration = Duration::from_secs(3_600);

/// A database of a test's own. It is dropped with the value.
#[derive(Debug)]
pub struct TestDatabase {
    server: String,
    name: String,
    cluster: Option<Cluster>,
    counted_from: OnceLock<Counts>,
}

impl TestDatabase {
    pub(crate) fn create(server: &str) -> Self {
        let created = Self::create_alone(server);
        created.join_cluster();
        created
    }

    /// On every node, and on none with anything in it.
    pub(crate) fn create_alone(server: &str) -> Self {
        let name = format!(
            "{PREFIX}{}_{:016x}",
            now().as_secs(),
            getrandom::u64().unwrap()
        );
        let mut connection = PgConnection::establish(server).unwrap();
        // A template that somebody is connected to cannot be copied; to template0 nobody can be.
        let create = format!("CREATE DATABASE {name} TEMPLATE template0");
        connection.batch_execute(&create).unwrap();
        let cluster = Cluster::of(&mut connection);
        let created = Self {
            server: server.to_owned(),
            name,
            cluster,
            counted_from: OnceLock::new(),
        };
        if let Some(cluster) = &created.cluster {
            for worker in &cluster.workers {
                let mut connection = PgConnection::establish(&worker.url(server)).unwrap();
                connection.batch_execute(&create).unwrap();
            }
        }
        created
    }

    /// Makes it one of the cluster, where its server is the coordinator of one.
    pub fn join_cluster(&self) {
        if let Some(cluster) = &self.cluster {
            let mut connection = PgConnection::establish(&self.server).unwrap();
            // Two databases that join at once would both alter the roles of the workers. (The lock goes with the connection.)
            connection
                .batch_execute(
                    "SELECT pg_advisory_lock(hashtextextended('convosync test databases', 0))",
                )
                .unwrap();
            cluster.join(&self.url());
        }
    }

    /// Its URL, as the superuser.
    pub fn url(&self) -> String {
        let (place, query) = self.server.split_once('?').unwrap_or((&self.server, ""));
        let (place, _) = place.rsplit_once('/').unwrap();
        format!("{place}/{}?{query}", self.name)
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A connection to it.
    pub fn connect(&self) -> PgConnection {
        PgConnection::establish(&self.url()).unwrap()
    }

    /// Runs statements in it.
    pub fn execute(&self, statements: &str) {
        self.connect().batch_execute(statements).unwrap();
    }

    /// Runs statements in it at each node of the cluster.
    pub fn execute_on_nodes(&self, statements: &str) {
        for url in self.urls_of_nodes() {
            let mut connection = PgConnection::establish(&url).unwrap();
            connection.batch_execute(statements).unwrap();
        }
    }

    /// What an expression is, as text.
    pub fn value(&self, expression: &str) -> String {
        let expression = format!("({expression})::text");
        diesel::select(sql::<Text>(&expression))
            .get_result(&mut self.connect())
            .unwrap()
    }

    /// The sum of what an expression is at each node of the cluster.
    pub fn sum_over_nodes(&self, expression: &str) -> i64 {
        let expression = format!("({expression})::bigint");
        let values = self.urls_of_nodes().into_iter().map(|url| {
            let mut connection = PgConnection::establish(&url).unwrap();
            let value = diesel::select(sql::<BigInt>(&expression));
            value.get_result::<i64>(&mut connection).unwrap()
        });
        values.sum()
    }

    /// Whether it is on every node of a Citus cluster.
    pub fn is_on_a_cluster(&self) -> bool {
        self.cluster.is_some()
    }

    /// Its URL at each node of the cluster, the coordinator first.
    pub fn urls_of_nodes(&self) -> Vec<String> {
        let url = self.url();
        let workers = self.cluster.iter().flat_map(|cluster| &cluster.workers);
        let workers = workers.map(|worker| worker.url(&url));
        [url.clone()].into_iter().chain(workers).collect()
    }

    /// Its URL with all nodes as hosts, of which each connection is to take one at random.
    pub fn url_of_any_node(&self) -> String {
        let cluster = self.cluster.as_ref().expect("it is on a cluster");
        cluster.url_of_any_node(&self.url())
    }

    /// From the first call on, what a cluster does in it is counted for the file that `CONVOSYNC_TEST_CITUS_COUNTS`
    /// names.
    pub fn count_from_here(&self) {
        if self.is_on_a_cluster() && counts::file().is_some() {
            let first = || Counts::first(&self.urls_of_nodes());
            self.counted_from.get_or_init(first);
        }
    }

    fn report_counts(&self) {
        if let (Some(counts), Some(file)) = (self.counted_from.get(), counts::file())
            && !thread::panicking()
        {
            counts.report(&self.urls_of_nodes(), &file);
        }
    }

    /// Ends a connection to it that somebody else has, at random; `false` when there was none.
    pub fn terminate_one_connection(&self) -> bool {
        let terminate = "coalesce((SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
             WHERE datname = current_database() AND pid <> pg_backend_pid() \
             ORDER BY random() LIMIT 1), false)";
        diesel::select(sql::<Bool>(terminate))
            .get_result(&mut self.connect())
            .unwrap()
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        self.report_counts();
        // The server may be gone, and the database with it.
        if let Ok(mut connection) = PgConnection::establish(&self.server) {
            let _ = drop_database(&mut connection, &self.server, &self.name);
        }
    }
}

fn drop_database(connection: &mut PgConnection, server: &str, name: &str) -> QueryResult<()> {
    let drop = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
    connection.batch_execute(&drop)?;
    let cluster = Cluster::of(connection);
    for worker in cluster.iter().flat_map(|cluster| &cluster.workers) {
        if let Ok(mut connection) = PgConnection::establish(&worker.url(server)) {
            connection.batch_execute(&drop)?;
        }
    }
    Ok(())
}

fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap()
}

/// Drops the databases that tests which died have left on a server.
pub(crate) fn sweep(server: &str) {
    let mut connection = PgConnection::establish(server).expect("the server answers");
    let names = sql::<Text>("SELECT datname::text FROM pg_database");
    let names: Vec<String> = names.load(&mut connection).unwrap();
    for name in names {
        let created = name
            .strip_prefix(PREFIX)
            .and_then(|rest| rest.split('_').next())
            .and_then(|seconds| seconds.parse().ok());
        if created.is_some_and(|created| Duration::from_secs(created) + OLD < now()) {
            // Another process may be faster.
            let _ = drop_database(&mut connection, server, &name);
        }
    }
}
