use std::collections::BTreeMap;
use std::thread;

use convosync_domain::ports::{
    MergeStore as _, MergedVisitor, StoreArchive as _, StoreStatus as _, SyncStore as _,
    VisitorStore as _,
};
use convosync_storage_contract::fixtures::{
    at, change_set, conversation, insert, message, registration, visitor_id,
};
use convosync_test_postgres::{TestDatabase, TestServer};
use diesel::connection::SimpleConnection as _;

use super::*;
use crate::postgres::{PostgresOptions, PostgresStore, VISITORS_AT_ONCE, distribute};

const NAMES: [&str; 8] = ["ada", "bob", "cleo", "dan", "eve", "finn", "gil", "hana"];

async fn store_of(names: &[&str], options: &PostgresOptions) -> PostgresStore {
    let store = PostgresStore::open(options).unwrap();
    for name in names {
        store.register(registration(name)).await.unwrap();
    }
    store
}

/// The number of the node that a call about this visitor is made at.
async fn asked(store: &PostgresStore, name: &str) -> i32 {
    let work = |connection: &mut PgConnection| Ok(local_group(connection)?);
    store.run_for(visitor_id(name), work).await.unwrap()
}

/// The number of the node that has this visitor.
fn home(database: &TestDatabase, name: &str) -> i32 {
    let id = visitor_id(name).as_uuid();
    let group = database.value(&format!(
        "SELECT groupid FROM pg_dist_placement \
         WHERE shardid = get_shard_id_for_distribution_column('visitors', '{id}')"
    ));
    group.parse().unwrap()
}

/// Waits until this holds.
async fn eventually(what: &str, holds: impl AsyncFn() -> bool) {
    let began = Instant::now();
    while !holds().await {
        assert!(began.elapsed() < 3 * LOOK_EVERY, "never: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

async fn are_at_home(store: &PostgresStore, homes: &BTreeMap<&str, i32>) -> bool {
    for (name, home) in homes {
        if asked(store, name).await != *home {
            return false;
        }
    }
    true
}

fn homes(database: &TestDatabase) -> BTreeMap<&'static str, i32> {
    NAMES.map(|name| (name, home(database, name))).into()
}

/// A store all of whose visitors are asked for at their nodes, and which those are.
async fn at_home() -> (TestDatabase, PostgresStore, BTreeMap<&'static str, i32>) {
    let database = TestServer::shared().new_database();
    let store = store_of(&NAMES, &PostgresOptions::at(database.url())).await;
    let homes = homes(&database);
    eventually("at home", async || are_at_home(&store, &homes).await).await;
    (database, store, homes)
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Citus cluster: make test-citus"]
async fn on_citus_each_visitor_is_asked_for_at_its_node_wherever_that_is() {
    let (database, store, before) = at_home().await;
    assert!(before.values().any(|home| *home != before["ada"]));
    assert_eq!(store.current_load().pools.len(), 2);

    // What has moved is found wherever it is asked for, and is soon asked for at its new node.
    let (from, to) = (before["ada"], if before["ada"] == 1 { 2 } else { 1 });
    assert_eq!(store.commit(visitor_id("ada"), posted(0)).await.unwrap(), 1);
    database.execute(&format!(
        "SELECT citus_move_shard_placement(
             get_shard_id_for_distribution_column('visitors', '{}'), f.nodename, f.nodeport, t.nodename, t.nodeport,
             'block_writes')
         FROM pg_dist_node f, pg_dist_node t WHERE f.groupid = {from} AND t.groupid = {to}",
        visitor_id("ada").as_uuid()
    ));
    assert_eq!(store.commit(visitor_id("ada"), posted(1)).await.unwrap(), 2);
    let after = homes(&database);
    assert_eq!(after["ada"], to);
    eventually("at the new home", async || {
        are_at_home(&store, &after).await
    })
    .await;
    assert_eq!(store.commit(visitor_id("ada"), posted(2)).await.unwrap(), 3);
}

fn posted(counter: u64) -> convosync_domain::change_set::ChangeSet {
    let number = u128::from(counter);
    change_set(
        counter,
        [insert(conversation(number, 1), [message(number, 1)])],
    )
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Citus cluster: make test-citus"]
async fn on_citus_no_call_fails_when_the_connections_to_the_nodes_end() {
    let (database, store, homes) = at_home().await;
    for counter in 0..5 {
        end_connections(&database);
        for name in NAMES {
            let committed = store.commit(visitor_id(name), posted(counter)).await;
            assert_eq!(committed.unwrap(), counter + 1);
        }
    }
    eventually("at home again", async || are_at_home(&store, &homes).await).await;
}

/// Ends all connections of servers to the workers.
fn end_connections(database: &TestDatabase) {
    database.execute_on_nodes(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() \
         AND application_name = 'convosync' AND (SELECT groupid FROM pg_dist_local_group) <> 0",
    );
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Citus cluster: make test-citus"]
async fn on_citus_a_node_that_hangs_keeps_nobody_from_the_others() {
    let (_database, store, homes) = at_home().await;
    let hanging = (0..40).map(|_| {
        let store = store.clone();
        let hang = |connection: &mut PgConnection| {
            let sleep = diesel::sql_query("SELECT pg_sleep(4)").execute(connection);
            Ok(sleep.map(|_| ())?)
        };
        tokio::spawn(async move { store.run_for(visitor_id("ada"), hang).await })
    });
    let hanging: Vec<_> = hanging.collect();
    let elsewhere = NAMES.into_iter().find(|name| homes[name] != homes["ada"]);
    let elsewhere = visitor_id(elsewhere.unwrap());
    for counter in 0..20 {
        let began = Instant::now();
        let committed = store.commit(elsewhere, posted(counter)).await;
        assert_eq!(committed.unwrap(), counter + 1);
        assert!(began.elapsed() < Duration::from_secs(1), "{counter}");
        thread::sleep(Duration::from_millis(50));
    }
    let mut refused = 0;
    for hanging in hanging {
        refused += usize::from(hanging.await.unwrap().is_err());
    }
    assert_eq!(refused, 40 - 12, "the others have waited for too long");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Citus cluster: make test-citus"]
async fn on_citus_a_node_that_has_become_another_store_is_left_out() {
    let (database, store, _) = at_home().await;
    store.renew_epoch().await.unwrap();
    end_connections(&database);
    let at_coordinator = NAMES.map(|name| (name, 0)).into();
    let are_there = async || are_at_home(&store, &at_coordinator).await;
    eventually("at the coordinator", are_there).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Citus cluster: make test-citus"]
async fn on_citus_all_is_asked_for_at_the_coordinator_where_the_operator_says_so() {
    let database = TestServer::shared().new_database();
    let options = PostgresOptions {
        shard_aware: false,
        ..PostgresOptions::at(database.url())
    };
    let store = store_of(&["ada"], &options).await;
    for _ in 0..20 {
        assert_eq!(asked(&store, "ada").await, 0);
        thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(store.current_load().pools.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Citus cluster: make test-citus"]
async fn on_citus_a_server_that_runs_while_its_store_is_distributed_asks_the_nodes_then() {
    let database = TestServer::shared().new_database_alone();
    let options = PostgresOptions::at(database.url());
    let store = store_of(&NAMES, &options).await;
    database.join_cluster();
    distribute(&options, VISITORS_AT_ONCE, &mut |_| {}).unwrap();
    let homes = homes(&database);
    eventually("at home", async || are_at_home(&store, &homes).await).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Citus cluster: make test-citus"]
async fn on_citus_the_nodes_are_enough_while_the_coordinator_is_gone() {
    let (database, store, homes) = at_home().await;
    let other_database = database.url().replace(database.name(), "postgres");
    let allow_connections = |allow: bool| {
        let mut connection = PgConnection::establish(&other_database).unwrap();
        connection
            .batch_execute(&format!(
                "SET citus.enable_ddl_propagation = off;
                 ALTER DATABASE {name} ALLOW_CONNECTIONS {allow};
                 SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}' AND NOT {allow}",
                name = database.name()
            ))
            .unwrap();
    };
    allow_connections(false);
    for name in NAMES {
        let committed = store.commit(visitor_id(name), posted(0)).await;
        assert_eq!(committed.unwrap(), 1);
    }
    eventually("the store is there", async || store.check().await.is_ok()).await;
    assert_eq!(store.count_visitors().await.unwrap(), 8);
    store.register(registration("ivan")).await.unwrap();
    assert!(store.erase(visitor_id("ivan"), at(1)).await.unwrap());
    let elsewhere = NAMES.into_iter().find(|name| homes[name] != homes["ada"]);
    let merged = MergedVisitor {
        id: visitor_id(elsewhere.unwrap()),
        change_counter: 1,
        at: at(50),
    };
    let kept = visitor_id("ada");
    store.merge(kept, change_set(1, []), merged).await.unwrap();
    allow_connections(true);
    let nobody = async || {
        let work = |connection: &mut PgConnection| Ok(local_group(connection)?);
        store.run(work).await.unwrap()
    };
    eventually("asked again", async || nobody().await == 0).await;
}

/// Of the database's cluster, as if this node had all visitors.
fn nodes_with(database: &TestDatabase, node: Node) -> Nodes {
    let url = Arc::new(Database::at(&database.url()));
    let nodes = Nodes::at(url, &mut database.connect(), Uuid::nil(), (4, 4));
    assert!(nodes.load().is_none(), "it is no cluster");
    nodes.know([(i32::MIN, Some(node))].into());
    nodes
}

#[test]
fn a_node_that_is_not_there_or_no_node_of_the_cluster_is_not_waited_for() {
    let database = TestServer::shared().new_database();
    PostgresStore::migrate(&PostgresOptions::at(database.url())).unwrap();
    let own_folder = database.value("current_setting('unix_socket_directories')");
    let own_port = database.value("current_setting('port')").parse().unwrap();
    for (host, port) in [("127.0.0.1".to_owned(), 1), (own_folder, own_port)] {
        let nodes = nodes_with(
            &database,
            Node {
                host,
                port,
                group: 1,
            },
        );
        for _ in 0..50 {
            let began = Instant::now();
            assert!(nodes.session_for(visitor_id("ada")).is_none());
            assert!(began.elapsed() < NODE_WAIT);
            thread::sleep(Duration::from_millis(10));
        }
        assert_eq!(nodes.load().unwrap().open, 0);
        nodes.know(ShardMap::default());
        assert!(nodes.load().is_none(), "a node that has left is forgotten");
    }
}

fn node_of_ada(shards: &ShardMap) -> Option<&Node> {
    Some(&shards.place_of(visitor_id("ada"))?.node)
}

#[test]
fn a_visitor_whose_shard_has_no_node_that_can_be_asked_has_none() {
    let node = |port| Node {
        host: "node".into(),
        port,
        group: port,
    };
    let hash = uuid_hash::uuid_hash(visitor_id("ada").as_uuid().into_bytes());
    let shards: ShardMap = [
        (i32::MIN, Some(node(1))),
        (hash, None),
        (hash + 1, Some(node(2))),
    ]
    .into();
    assert_eq!(node_of_ada(&shards), None);
    let shards: ShardMap = [
        (i32::MIN, None),
        (hash, Some(node(1))),
        (hash + 1, Some(node(2))),
    ]
    .into();
    assert_eq!(node_of_ada(&shards), Some(&node(1)));
    let shards: ShardMap = [(i32::MIN, Some(node(1))), (hash + 1, None)].into();
    assert_eq!(node_of_ada(&shards), Some(&node(1)));
    assert_eq!(node_of_ada(&ShardMap::default()), None);
}
