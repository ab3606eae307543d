//! A store on plain tables is distributed over a cluster that its database joins, while it is used. `make test-citus` runs this on
//! the cluster whose coordinator `CITUS_URL` names.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a panic in a test is its result"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use convosync_domain::archive::{ArchivedConversation, ArchivedVisitor};
use convosync_domain::ports::{
    ConversationList as _, StoreArchive as _, StoreError, SyncStore as _, VisitorStore as _,
};
use convosync_domain::tombstone::VisitorTombstone;
use convosync_storage_contract::fixtures::{
    at, change_set, conversation, insert, message, registration, update, visitor_id,
};
use convosync_storage_diesel::postgres::{
    DistributeError, Distribution, DistributionStep, PostgresOptions, PostgresStore, distribute,
};
use convosync_test_postgres::{TestDatabase, TestServer};

/// So few that several transactions copy them.
const AT_ONCE: u32 = 7;
const VISITORS: i64 = 30;
/// What a call to distribute holds as long as it runs.
const DISTRIBUTING: &str = "FROM pg_locks WHERE locktype = 'advisory' AND database = \
    (SELECT oid FROM pg_database WHERE datname = current_database())";

type Content = (
    Vec<ArchivedVisitor>,
    Vec<VisitorTombstone>,
    Vec<Vec<ArchivedConversation>>,
);

/// A store with visitors, one of whom has left, and its database, which has joined the cluster since.
async fn filled() -> (PostgresStore, TestDatabase) {
    let database = TestServer::shared().new_database_alone();
    let store = PostgresStore::open(&PostgresOptions::at(database.url())).unwrap();
    for number in 0..VISITORS {
        let name = format!("visitor {number}");
        store.register(registration(&name)).await.unwrap();
        let posted = insert(conversation(1, 1), [message(1, 1), message(2, 2)]);
        let visitor = visitor_id(&name);
        store
            .commit(visitor, change_set(0, [posted]))
            .await
            .unwrap();
    }
    assert!(store.erase(visitor_id("visitor 3"), at(50)).await.unwrap());
    database.join_cluster();
    (store, database)
}

async fn content(store: &PostgresStore) -> Content {
    let visitors = store.visitors(None, 1000).await.unwrap();
    let tombstones = store.tombstones(None, 1000).await.unwrap();
    let mut items = Vec::new();
    for visitor in &visitors {
        items.push(store.items(visitor.id, None, 1000).await.unwrap());
    }
    (visitors, tombstones, items)
}

/// What the store's tables have, wherever they lie. (The coordinator has shards of reference tables, with a number in the name.)
fn tables(database: &TestDatabase) -> String {
    database.value(
        "WITH own AS (SELECT * FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
            AND relname !~ '^citus_|_[0-9]+$')
         SELECT string_agg(what, E'\\n' ORDER BY what) FROM (
            SELECT relname || ' ' || conname || ' ' || pg_get_constraintdef(c.oid) AS what
                FROM pg_constraint c JOIN own ON own.oid = conrelid
            UNION ALL SELECT relname || ' ' || attname || ' ' || atttypid::regtype || ' ' || attnotnull || ' ' || attstattarget
                FROM pg_attribute JOIN own ON own.oid = attrelid WHERE attnum > 0 AND NOT attisdropped
            UNION ALL SELECT relname || ' ' || relowner::regrole || ' ' || grantee::regrole || ' ' || privilege_type
                FROM own, aclexplode(coalesce(relacl, acldefault('r', relowner)))) found",
    )
}

fn distribution(
    database: &TestDatabase,
    on_step: &mut dyn FnMut(DistributionStep),
) -> Result<Distribution, DistributeError> {
    distribute(&PostgresOptions::at(database.url()), AT_ONCE, on_step)
}

#[track_caller]
fn assert_distributed(database: &TestDatabase) {
    let kinds = "SELECT string_agg(citus_table_type || ' ' || number, ', ' ORDER BY 1) FROM (SELECT citus_table_type, \
        count(*) || ' in ' || count(DISTINCT colocation_id) AS number FROM citus_tables GROUP BY 1) kinds";
    assert_eq!(
        database.value(kinds),
        "distributed 7 in 1, reference 3 in 1"
    );
    let copies = "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'convosync%'";
    assert_eq!(database.value(copies), "0");
}

/// The store was opened before there was Citus: its sessions make their plans for plain tables.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Citus cluster: make test-citus"]
async fn a_store_reads_after_as_before_and_its_tables_are_like_those_before() {
    let (store, database) = filled().await;
    let role = format!("{}_reader", database.name());
    database.execute(&format!(
        "CREATE ROLE {role}; GRANT SELECT ON messages TO {role}"
    ));
    let before = content(&store).await;
    let tables_before = tables(&database);
    let done = distribution(&database, &mut |_| {}).unwrap();
    assert!(matches!(
        done,
        Distribution::Done { visitors, .. } if visitors == VISITORS - 1
    ));
    assert_distributed(&database);
    assert_eq!(content(&store).await, before);
    assert_eq!(tables(&database), tables_before);
    let by_shards = "SELECT count(*) FROM pg_proc WHERE prosrc LIKE '%get_shard_id_for_distribution_column%' \
         AND proname IN ('read_heads', 'write_changes')";
    assert_eq!(database.value(by_shards), "2");
    let edited = update(conversation(1, 3), []);
    store
        .commit(visitor_id("visitor 1"), change_set(1, [edited]))
        .await
        .unwrap();
    let again = distribution(&database, &mut |_| panic!("there is nothing to do"));
    assert_eq!(again.unwrap(), Distribution::Already);

    let edited = content(&store).await;
    // A call that is killed right after the switch has not ended the sessions from before it.
    database.execute("CREATE SCHEMA convosync_replaced");
    let sessions = "FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'convosync'";
    let older = database.value(&format!("SELECT min(pid)::text {sessions}"));
    let again = distribution(&database, &mut |_| panic!("there is nothing to copy"));
    assert_eq!(again.unwrap(), Distribution::Already);
    assert_eq!(
        database.value(&format!(
            "SELECT count(*)::text {sessions} AND pid = {older}"
        )),
        "0"
    );
    assert_eq!(content(&store).await, edited);
    database.execute(&format!("DROP OWNED BY {role}; DROP ROLE {role}"));
}

/// Whether a call came to its end; one that did not was killed.
fn is_done(done: Result<Distribution, DistributeError>) -> bool {
    match done {
        Ok(Distribution::Done { .. } | Distribution::Already) => true,
        Err(DistributeError::Database { reason } | DistributeError::Busy { reason })
            if reason.contains("connection") =>
        {
            false
        }
        other => panic!("{other:?}"),
    }
}

/// The call is killed at each step that it tells of, one after another, and between them the store changes.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Citus cluster: make test-citus"]
async fn a_call_that_is_killed_is_gone_on_with() {
    let (store, database) = filled().await;
    let kill = format!("SELECT pg_terminate_backend(pid) {DISTRIBUTING}");
    let mut kills = 0;
    loop {
        let before = content(&store).await;
        let mut steps = 0;
        let done = distribution(&database, &mut |_| {
            if steps == kills {
                database.execute(&kill);
            }
            steps += 1;
        });
        assert_eq!(content(&store).await, before);
        if is_done(done) {
            break;
        }
        let name = format!("later {kills}");
        store.register(registration(&name)).await.unwrap();
        let posted = insert(conversation(1, 1), [message(1, 1)]);
        let visitor = visitor_id(&name);
        store
            .commit(visitor, change_set(0, [posted]))
            .await
            .unwrap();
        let leaves = visitor_id(&format!("visitor {}", 5 + kills));
        assert!(store.erase(leaves, at(60)).await.unwrap());
        kills += 1;
    }
    assert!(kills >= 5, "{kills}");
    assert_distributed(&database);
}

/// The call is killed at any moment: within a statement, too, and while it commits.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Citus cluster: make test-citus"]
async fn a_call_may_be_killed_at_any_moment() {
    let (store, database) = filled().await;
    let before = content(&store).await;
    let kill = format!("SELECT pg_terminate_backend(pid) {DISTRIBUTING}");
    let mut pause = Duration::from_millis(20);
    loop {
        let done = thread::scope(|scope| {
            let call = scope.spawn(|| distribution(&database, &mut |_| {}));
            thread::sleep(pause);
            database.execute(&kill);
            call.join().unwrap()
        });
        assert_eq!(content(&store).await, before);
        if is_done(done) {
            break;
        }
        pause += Duration::from_millis(37);
    }
    assert_distributed(&database);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Citus cluster: make test-citus"]
async fn what_is_written_meanwhile_is_there_afterwards() {
    let (store, database) = filled().await;
    let is_done = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> = (0..4)
        .map(|number| {
            let (store, is_done) = (store.clone(), Arc::clone(&is_done));
            tokio::spawn(async move { write_until(&store, number, &is_done).await })
        })
        .collect();
    let database = tokio::task::spawn_blocking(move || {
        let mut rounds = 0;
        let done = distribution(&database, &mut |step| {
            if let DistributionStep::Copied(progress) = step {
                rounds = progress.round;
            }
        });
        assert!(matches!(done, Ok(Distribution::Done { .. })), "{done:?}");
        assert!(rounds > 0);
        database
    })
    .await
    .unwrap();
    is_done.store(true, Ordering::Relaxed);
    for (number, writer) in writers.into_iter().enumerate() {
        let written = writer.await.unwrap();
        let visitor = visitor_id(&format!("writer {number}"));
        let found = store.living_ids(visitor).await.unwrap().unwrap();
        assert_eq!(found.change_counter, written);
        assert_eq!(u64::try_from(found.ids.len()).unwrap(), written);
        let summary = store.summarize(visitor).await.unwrap().unwrap();
        assert_eq!(summary.messages, written);
    }
    assert_distributed(&database);
}

/// Posts new conversations one after another, each again where the store asks for that; returns how many.
async fn write_until(store: &PostgresStore, number: usize, is_done: &AtomicBool) -> u64 {
    let name = format!("writer {number}");
    let visitor = visitor_id(&name);
    store.register(registration(&name)).await.unwrap();
    let mut written = 0;
    while !is_done.load(Ordering::Relaxed) {
        let number = u128::from(written) + 1;
        let posted = insert(conversation(number, 1), [message(1, 1)]);
        match store.commit(visitor, change_set(written, [posted])).await {
            Ok(counter) => written = counter,
            Err(StoreError::Unavailable { .. }) => {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            Err(error) => panic!("{error:?}"),
        }
    }
    written
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Citus cluster: make test-citus"]
async fn what_would_be_lost_or_left_in_the_middle_is_refused() {
    let (store, database) = filled().await;
    let before = content(&store).await;
    let refused = || {
        distribution(&database, &mut |_| {})
            .unwrap_err()
            .to_string()
    };
    let role = format!("{}_owner", database.name());
    database.execute(&format!(
        "CREATE ROLE {role}; GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}"
    ));
    let as_role = format!("?options=-crole%3D{role}&");
    let url = database.url().replace('?', &as_role);
    let options = PostgresOptions::at(url);
    let error = distribute(&options, AT_ONCE, &mut |_| {}).unwrap_err();
    assert!(matches!(error, DistributeError::Rights { .. }), "{error}");
    database.execute(&format!("DROP OWNED BY {role}; DROP ROLE {role}"));
    database.execute("CREATE VIEW counted AS SELECT count(*) FROM messages");
    assert!(
        refused().starts_with("the view counted would be lost"),
        "{}",
        refused()
    );
    database.execute(
        "DROP VIEW counted; SELECT create_distributed_table('visitor_tombstones', 'visitor_id')",
    );
    assert!(
        refused().starts_with("visitor_tombstones are distributed"),
        "{}",
        refused()
    );
    database.execute("SELECT undistribute_table('visitor_tombstones')");
    assert_eq!(content(&store).await, before);
    distribution(&database, &mut |_| {}).unwrap();
    assert_eq!(content(&store).await, before);
}
