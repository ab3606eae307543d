//! A merge of two visitors is the one transaction that may touch two nodes.

use std::time::{Duration, Instant};

use convosync_domain::identity::VisitorId;
use convosync_domain::ports::{
    MergeStore as _, MergedVisitor, StoreError, SyncStore as _, VisitorStore as _,
};
use convosync_storage_contract::fixtures::{
    at, change_set, conversation, insert, message, registration, visitor_id,
};
use convosync_storage_diesel::postgres::{PostgresOptions, PostgresStore};
use convosync_test_postgres::TestServer;

use super::open;

const ROUNDS: usize = 20;

async fn merge(
    store: PostgresStore,
    into: VisitorId,
    merged: VisitorId,
) -> Result<u64, StoreError> {
    let changes = change_set(0, [insert(conversation(1, 1), [message(1, 1)])]);
    let merged = MergedVisitor {
        id: merged,
        change_counter: 0,
        at: at(50),
    };
    store.merge(into, changes, merged).await
}

/// Whoever came too late is told so, and nobody has waited for a deadlock to be found.
fn is_refused<T>(done: &Result<T, StoreError>) -> bool {
    match done {
        Ok(_) => false,
        Err(StoreError::Conflict | StoreError::VisitorGone(_)) => true,
        Err(error) => panic!("{error:?}"),
    }
}

/// At two nodes, each of which would wait for the other if it locked in another order.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Citus cluster: make test-citus"]
async fn of_two_who_merge_each_other_one_does_and_nobody_waits_for_long() {
    let database = TestServer::shared().new_database();
    let here = open(&database);
    let there = database.urls_of_nodes().pop().unwrap();
    let there = PostgresStore::open(&PostgresOptions::at(there)).unwrap();
    let mut merges = 0;
    for round in 0..ROUNDS {
        let names = [format!("ada {round}"), format!("bob {round}")];
        let [ada, bob] = names.each_ref().map(|name| visitor_id(name));
        for name in &names {
            here.register(registration(name)).await.unwrap();
        }
        let began = Instant::now();
        let posted = insert(conversation(2, 1), [message(2, 1)]);
        let post = |store: &PostgresStore, visitor| {
            let (store, changes) = (store.clone(), change_set(0, [posted.clone()]));
            tokio::spawn(async move { store.commit(visitor, changes).await })
        };
        let posts = match round % 2 {
            0 => vec![],
            _ => vec![post(&here, bob), post(&there, ada)],
        };
        let (into_ada, into_bob) = tokio::join!(
            tokio::spawn(merge(here.clone(), ada, bob)),
            tokio::spawn(merge(there.clone(), bob, ada)),
        );
        let (into_ada, into_bob) = (into_ada.unwrap(), into_bob.unwrap());
        let mut posted = 0;
        for post in posts {
            posted += usize::from(!is_refused(&post.await.unwrap()));
        }
        assert!(began.elapsed() < Duration::from_secs(1), "{round}");
        let merged = [is_refused(&into_ada), is_refused(&into_bob)];
        let merged = merged.iter().filter(|refused| !**refused).count();
        assert!(merged == 1 || merged == 0 && posted > 0, "{round}");
        for (done, into, gone) in [(&into_ada, ada, bob), (&into_bob, bob, ada)] {
            if done.is_ok() {
                merges += 1;
                let found = there.summarize(into).await.unwrap().unwrap();
                assert_eq!((found.change_counter, found.messages), (1, 1));
                let left = here.summarize(gone).await;
                assert!(matches!(left, Err(StoreError::VisitorGone(_))));
            }
        }
    }
    assert!(merges >= ROUNDS / 2);
    let rows = "SELECT count(*) FROM visitors WHERE change_counter > 1";
    assert_eq!(database.value(rows), "0");
    let prepared = "SELECT count(*) > 0 FROM pg_dist_transaction WHERE groupid <> 0";
    assert_eq!(database.value(prepared), "true", "two phases were needed");
}
