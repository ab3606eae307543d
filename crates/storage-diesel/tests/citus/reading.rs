//! What a visitor has is read in its shards, at their node.

use convosync_storage_contract::fixtures::visitor_id;
use convosync_storage_diesel::postgres::{PostgresOptions, PostgresStore};
use convosync_test_postgres::{TestDatabase, TestServer};

use super::one_task::{change_a_visitor, read_all_of_a_visitor, use_all_of_a_visitor};
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
    let mut counted = Vec::new();
    while !counted.contains(&0) {
        assert!(counted.len() < 5, "{counted:?}");
        let before = by_citus();
        for name in NAMES {
            read_all_of_a_visitor(&store, name, 6).await;
        }
        // A connection that is opened beside them reads the store's row, which is counted, too.
        counted.push(by_citus() - before);
    }

    let before = by_citus();
    let by_url = PostgresStore::open(&PostgresOptions {
        shard_aware: false,
        ..PostgresOptions::at(database.url())
    });
    read_all_of_a_visitor(&by_url.unwrap(), "ada", 6).await;
    assert!(by_citus() > before, "they are counted");
}

/// Each time by a store that has looked before where they are, and does not look again for ten seconds.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Citus cluster: make test-citus"]
async fn what_a_visitor_has_is_read_wherever_its_shards_went() {
    let (database, writer) = store_of_visitors().await;
    let ids = NAMES.map(|name| format!("'{}'", visitor_id(name).as_uuid()));
    // What has moved stays for a while where it was, and is then dropped there.
    let move_away = format!(
        "SELECT citus_move_shard_placement(s.shardid, f.nodename, f.nodeport, t.nodename, t.nodeport, 'block_writes')
         FROM (SELECT DISTINCT get_shard_id_for_distribution_column('visitors', id) FROM unnest(ARRAY[{}]) id)
             AS s (shardid)
         JOIN pg_dist_placement p USING (shardid) JOIN pg_dist_node f USING (groupid)
         JOIN pg_dist_node t ON t.groupid <> f.groupid AND t.groupid <> 0",
        ids.join(", ")
    );
    let [ada, ..] = ids;
    let split_off = format!(
        "SELECT isolate_tenant_to_new_shard('visitors', {ada}, 'CASCADE', shard_transfer_mode => 'block_writes')"
    );
    let drop_old = "CALL citus_cleanup_orphaned_resources()".to_owned();
    let by_citus = || count(&database, "query_execution_single_shard");
    for (counter, disturbances) in (6..).zip([
        vec![&move_away],
        vec![&move_away, &drop_old],
        vec![&split_off],
        vec![&move_away, &drop_old],
    ]) {
        let reader = open(&database);
        wait_for_nodes(&reader);
        for disturbance in disturbances {
            database.execute(disturbance);
        }
        for name in NAMES {
            change_a_visitor(&writer, name, counter).await;
        }
        let before = by_citus();
        for name in NAMES {
            read_all_of_a_visitor(&reader, name, counter + 1).await;
        }
        assert!(by_citus() > before, "the reader had heard of it");
    }
}
