//! Every node of a cluster that has its metadata serves the store.

use std::sync::Arc;
use std::time::{Duration, Instant};

use convosync_domain::feed::PageRead;
use convosync_domain::identity::VisitorId;
use convosync_domain::ports::{
    ChangeFeed as _, ChangeNotice, ChangeSignals as _, Standing, SyncStore as _, VisitorStore as _,
    WatchedVisitors,
};
use convosync_storage_contract::fixtures::{
    admit_all, change_set, conversation, insert, message, page_request, registration, visitor_id,
};
use convosync_storage_diesel::postgres::{PostgresOptions, PostgresStore};
use convosync_test_postgres::TestServer;

use super::open;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Citus cluster: make test-citus"]
async fn each_node_reads_what_was_written_at_another() {
    let database = TestServer::shared().new_database();
    let urls = database.urls_of_nodes();
    assert!(urls.len() > 1);
    let stores: Vec<_> = urls
        .into_iter()
        .chain([database.url_of_any_node()])
        .map(|url| PostgresStore::open(&PostgresOptions::at(url)).unwrap())
        .collect();
    let names = ["ada", "bob", "cleo", "dan", "eve"];
    for name in names {
        stores[0].register(registration(name)).await.unwrap();
    }
    for (number, store) in (0..).zip(&stores) {
        for name in names {
            let posted = insert(
                conversation(u128::from(number), 1),
                [message(u128::from(number), 1)],
            );
            let committed = store.commit(visitor_id(name), change_set(number, [posted]));
            assert_eq!(committed.await.unwrap(), number + 1);
        }
    }
    for store in &stores {
        for name in names {
            let page = store.changes(visitor_id(name), page_request(None, 100), admit_all());
            let Some(PageRead::Page(page)) = page.await.unwrap() else {
                panic!("no page");
            };
            assert_eq!(page.conversations.len(), stores.len());
        }
    }
}

struct Watched(VisitorId);

impl WatchedVisitors for Watched {
    fn watched(&self) -> Vec<VisitorId> {
        vec![self.0]
    }
}

/// A notice goes no further than the node that it was given to.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Citus cluster: make test-citus"]
async fn servers_whose_connections_are_spread_hear_each_other() {
    // No counter says so: it is not read, but heard.
    const TOLD: Standing = Standing::At(4_711);
    let database = TestServer::shared().new_database();
    let visitor = visitor_id("ada");
    open(&database).register(registration("ada")).await.unwrap();
    let open = || PostgresStore::open(&PostgresOptions::at(database.url_of_any_node())).unwrap();
    let listener = open();
    for _ in 0..6 {
        let (other, began) = (open(), Instant::now());
        loop {
            other.announce(ChangeNotice {
                visitor,
                standing: TOLD,
            });
            let heard = listener.listen(Arc::new(Watched(visitor))).await.unwrap();
            if heard.iter().any(|notice| notice.standing == TOLD) {
                break;
            }
            assert!(
                began.elapsed() < Duration::from_secs(10),
                "nothing was heard"
            );
        }
    }
}
