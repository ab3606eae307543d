//! What a visitor has is read in its shards, at their node.

use convosync_domain::ports::SyncStore as _;
use convosync_storage_contract::fixtures::{change_set, conversation, update, visitor_id};
use convosync_storage_diesel::postgres::{PostgresOptions, PostgresStore};
use convosync_test_postgres::{TestDatabase, TestServer};

use super::one_task::{read_all_of_a_visitor, use_all_of_a_visitor};
use super::{count, open, wait_for_nodes};

const NAMES: [&str; 4] = ["ada", "bob", "cleo", "dan"];

async fn store_of_visitors() -> (TestDatabase, PostgresStore) {
    let database = TestServer::shared().new_database();
    let store = open(&database);
    wait_for_nodes(&store);
    for name in NAMES {
        use_all_of_a_visitor(&store, name).await;
    }
    (database, store)
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Citus cluster: make test-citus"]
async fn what_a_visitor_has_is_read_without_asking_citus() {
    let (database, store) = store_of_visitors().await;
    let by_citus = || count(&database, "query_execution_single_shard");
    let before = by_citus();
    for name in NAMES {
        read_all_of_a_visitor(&store, name, 6).await;
    }
    assert_eq!(by_citus(), before);

    let by_url = PostgresStore::open(&PostgresOptions {
        shard_aware: false,
        ..PostgresOptions::at(database.url())
    });
    read_all_of_a_visitor(&by_url.unwrap(), "ada", 6).await;
    assert!(by_citus() > before, "they are counted");
}

/// The store hears of none of it for up to ten seconds.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Citus cluster: make test-citus"]
async fn what_a_visitor_has_is_read_wherever_its_shards_go() {
    let (database, store) = store_of_visitors().await;
    let mut counter = 6;
    let mut change_and_read_all = async || {
        for name in NAMES {
            let change = update(conversation(2, 9), []);
            let written = store.commit(visitor_id(name), change_set(counter, [change]));
            assert_eq!(written.await.unwrap(), counter + 1);
            read_all_of_a_visitor(&store, name, counter + 1).await;
        }
        counter += 1;
    };
    change_and_read_all().await;
    let ids = NAMES.map(|name| format!("'{}'", visitor_id(name).as_uuid()));
    // What has moved stays for a while where it was, and is then dropped there.
    database.execute(&format!(
        "SELECT citus_move_shard_placement(s.shardid, f.nodename, f.nodeport, t.nodename, t.nodeport, 'block_writes')
         FROM (SELECT DISTINCT get_shard_id_for_distribution_column('visitors', id) FROM unnest(ARRAY[{}]) id)
             AS s (shardid)
         JOIN pg_dist_placement p USING (shardid) JOIN pg_dist_node f USING (groupid)
         JOIN pg_dist_node t ON t.groupid <> f.groupid AND t.groupid <> 0",
        ids.join(", ")
    ));
    change_and_read_all().await;
    database.execute("CALL citus_cleanup_orphaned_resources()");
    change_and_read_all().await;
    let [ada, ..] = ids;
    database.execute(&format!(
        "SELECT isolate_tenant_to_new_shard('visitors', {ada}, 'CASCADE', shard_transfer_mode => 'block_writes')"
    ));
    change_and_read_all().await;
    database.execute("CALL citus_cleanup_orphaned_resources()");
    change_and_read_all().await;
}
