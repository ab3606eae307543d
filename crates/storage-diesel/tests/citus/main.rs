//! What is only so on a Citus cluster: where the tables lie, and how many shards a statement touches. `make test-citus`
//! runs this beside the contract of a store, on the cluster whose coordinator `CITUS_URL` names.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a panic in a test is its result"
)]

mod any_node;
mod checking;
mod merging;
mod one_task;
mod reading;

use std::thread;
use std::time::{Duration, Instant};

use convosync_domain::ports::VisitorStore as _;
use convosync_storage_contract::fixtures::{at, registration, visitor_id};
use convosync_storage_diesel::postgres::{PostgresOptions, PostgresStore};
use convosync_test_postgres::{TestDatabase, TestServer};

use one_task::use_all_of_a_visitor;

const DISTRIBUTED: &str = "SELECT string_agg(table_name::text || ' by ' || distribution_column, ', ' \
    ORDER BY table_name::text) FROM citus_tables WHERE citus_table_type = 'distributed'";
const AT_COORDINATOR: &str =
    "SELECT query_execution_single_shard FROM citus_stat_counters WHERE name = current_database()";
const LOCAL_VISITORS: &str =
    "SELECT NOT EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = 'visitors'::regclass)";

fn open(database: &TestDatabase) -> PostgresStore {
    PostgresStore::open(&PostgresOptions::at(database.url())).unwrap()
}

#[test]
#[ignore = "needs a Citus cluster: make test-citus"]
fn a_new_store_is_distributed_by_visitor() {
    let database = TestServer::shared().new_database();
    open(&database);
    assert_eq!(
        database.value(DISTRIBUTED),
        "conversations by visitor_id, message_outputs by visitor_id, message_requests by visitor_id, \
         message_responses by visitor_id, messages by visitor_id, visitor_tombstones by visitor_id, visitors by id"
    );
    let together = "SELECT count(DISTINCT colocation_id) FROM citus_tables WHERE citus_table_type = 'distributed'";
    assert_eq!(database.value(together), "1");
    let everywhere = "SELECT string_agg(table_name::text, ', ' ORDER BY table_name::text) FROM citus_tables \
        WHERE citus_table_type = 'reference'";
    assert_eq!(
        database.value(everywhere),
        "__diesel_schema_migrations, api_keys, store"
    );
    open(&database);
}

/// The copying of their rows is not for a program that starts to decide.
#[tokio::test]
#[ignore = "needs a Citus cluster: make test-citus"]
async fn a_store_that_has_visitors_is_left_as_it_is() {
    let database = TestServer::shared().new_database();
    database.execute("DROP EXTENSION citus");
    let store = open(&database);
    store.register(registration("ada")).await.unwrap();
    drop(store);
    database.execute(
        "CREATE EXTENSION citus;
         DELETE FROM __diesel_schema_migrations WHERE version = '20261129000001';",
    );
    let store = open(&database);
    assert_eq!(database.value(LOCAL_VISITORS), "true");
    let found = store.find(visitor_id("ada")).await.unwrap();
    assert!(found.is_some());
}

/// By the counters of Citus, and by the transactions that it has kept for two phases.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Citus cluster: make test-citus"]
async fn what_one_visitor_does_stays_on_one_shard_and_in_one_phase() {
    let database = TestServer::shared().new_database();
    let store = open(&database);
    // Those of the migrations are done with.
    database.execute_on_nodes("SELECT recover_prepared_transactions()");
    let of_several_shards = || count(&database, "query_execution_multi_shard");
    let before = of_several_shards();
    wait_for_nodes(&store);
    let at_coordinator = || database.value(AT_COORDINATOR);
    let before_at_coordinator = at_coordinator();
    for name in ["ada", "bob", "cleo", "dan", "eve"] {
        use_all_of_a_visitor(&store, name).await;
        assert!(store.erase(visitor_id(name), at(50)).await.unwrap());
    }
    assert_eq!(of_several_shards(), before);
    // Nothing has failed at a node and then been done by way of the coordinator.
    assert_eq!(at_coordinator(), before_at_coordinator);
    assert!(count(&database, "query_execution_single_shard") > 100);
    let elsewhere = "groupid <> (SELECT groupid FROM pg_dist_local_group)";
    let prepared = format!("SELECT count(*) FROM pg_dist_transaction WHERE {elsewhere}");
    assert_eq!(database.sum_over_nodes(&prepared), 0);
}

/// Waits until the store is connected to both workers.
fn wait_for_nodes(store: &PostgresStore) {
    let began = Instant::now();
    while store.current_load().pools[1].open < 2 {
        assert!(began.elapsed() < Duration::from_secs(30), "no connections");
        thread::sleep(Duration::from_millis(20));
    }
}

/// What all nodes together have counted.
fn count(database: &TestDatabase, counter: &str) -> i64 {
    database.sum_over_nodes(&format!(
        "SELECT {counter} FROM citus_stat_counters WHERE name = current_database()"
    ))
}
