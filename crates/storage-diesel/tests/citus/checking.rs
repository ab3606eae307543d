//! Texts that SQL cannot see are found on whichever node they lie.

use convosync_domain::ports::{SyncStore as _, VisitorStore as _};
use convosync_storage_contract::fixtures::{
    change_set, conversation, insert, message, registration, visitor_id,
};
use convosync_storage_diesel::postgres::{self, PostgresOptions};
use convosync_test_postgres::TestServer;

use super::open;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Citus cluster: make test-citus"]
async fn what_is_no_json_is_found_from_every_node() {
    let database = TestServer::shared().new_database();
    let store = open(&database);
    let names = ["ada", "bob", "cleo", "dan", "eve"];
    for name in names {
        store.register(registration(name)).await.unwrap();
        let posted = insert(conversation(1, 1), [message(1, 1)]);
        let committed = store.commit(visitor_id(name), change_set(0, [posted]));
        committed.await.unwrap();
    }
    let findings = |url: String| {
        let report = postgres::check(&PostgresOptions::at(url)).unwrap();
        report.findings.iter().map(ToString::to_string).collect()
    };
    assert_eq!(findings(database.url()), [""; 0]);
    database.execute("UPDATE messages SET metadata = '{'; UPDATE conversations SET extra = '[1]'");
    for url in database.urls_of_nodes() {
        let found: Vec<String> = findings(url);
        let of = |what: &str| found.iter().filter(|found| found.ends_with(what)).count();
        assert_eq!(of("metadata is not JSON"), names.len(), "{found:?}");
        assert_eq!(of("extra is not a JSON object"), names.len(), "{found:?}");
        assert_eq!(found.len(), 2 * names.len(), "{found:?}");
    }
}
