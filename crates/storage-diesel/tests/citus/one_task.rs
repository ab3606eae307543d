//! What Citus itself says of each statement while it plans.

use convosync_domain::change_set::Erasure;
use convosync_domain::feed::PageRead;
use convosync_domain::ports::{
    ChangeFeed as _, ConversationList as _, ConversationReader as _, MergeStore as _,
    MergedVisitor, NamedConversation, StoreArchive as _, SyncStore as _, VisitorStore as _,
};
use convosync_domain::reading::{ConversationRequest, ListRequest, MessageOrder};
use convosync_storage_contract::fixtures::{
    admit_all, at, change_set, conversation, conversation_id, dead_message, erase, insert,
    insert_messages, message, message_id, page_request, registration, update, visitor_id,
};
use convosync_storage_diesel::postgres::PostgresStore;
use convosync_test_postgres::{TestDatabase, TestServer};

use super::open;

/// A store in which a statement that is planned as several tasks fails, and its database.
fn store_of_one_task() -> (PostgresStore, TestDatabase) {
    let database = TestServer::shared().new_database();
    open(&database);
    database.execute_on_nodes(
        "SET citus.enable_ddl_propagation = off;
         DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET citus.multi_task_query_log_level = error', \
         current_database()); END $$",
    );
    (open(&database), database)
}

/// Registers this visitor, posts in every way of writing, and reads in every way.
pub(super) async fn use_all_of_a_visitor(store: &PostgresStore, name: &str) {
    let visitor = visitor_id(name);
    assert!(store.find(visitor).await.unwrap().is_none());
    store.register(registration(name)).await.unwrap();
    store.register(registration(name)).await.unwrap();
    let changes = [
        insert(conversation(1, 1), [message(1, 1), message(2, 2)]),
        update(conversation(1, 3), [message(1, 4), message(2, 5)]),
        insert_messages(1, [message(3, 3), message(4, 4)]),
        update(conversation(1, 5), [dead_message(2, 6, 6)]),
        erase(conversation(1, 6), Erasure::Everything),
        insert(conversation(2, 7), [message(1, 7), message(2, 8)]),
    ];
    for (counter, change) in (0..).zip(changes) {
        let written = store.commit(visitor, change_set(counter, [change])).await;
        assert_eq!(written.unwrap(), counter + 1);
    }
    let named = vec![NamedConversation {
        key: conversation_id(2).key(),
        messages: vec![message_id(1).key(), message_id(2).key()],
    }];
    let heads = store.heads(visitor, named).await.unwrap().unwrap();
    assert_eq!(heads.conversations[0].messages.len(), 2);
    read_all_of_a_visitor(store, name, 6).await;
    assert_eq!(store.items(visitor, None, 9).await.unwrap().len(), 2);
}

/// Reads in every way what has been posted so, and has been changed since without getting more.
pub(super) async fn read_all_of_a_visitor(store: &PostgresStore, name: &str, counter: u64) {
    let visitor = visitor_id(name);
    let found = store.find(visitor).await.unwrap().unwrap();
    assert_eq!(found.change_counter, counter);
    let named = vec![NamedConversation {
        key: conversation_id(2).key(),
        messages: vec![message_id(1).key(), message_id(2).key()],
    }];
    assert_eq!(store.load(visitor, named).await.unwrap().len(), 2);
    let page = page_request(None, 100);
    let changes = store.changes(visitor, page, admit_all()).await.unwrap();
    let Some(PageRead::Page(page)) = changes else {
        panic!("no page");
    };
    let messages = page.conversations.iter().flat_map(|it| &it.messages);
    assert_eq!(messages.count(), 2);
    let list = ListRequest {
        after: None,
        limit: 9,
        content_bytes: 1000,
    };
    let list = store.list(visitor, list, admit_all()).await.unwrap();
    assert!(list.is_some());
    let one = ConversationRequest {
        key: conversation_id(2).key(),
        order: MessageOrder::default(),
        after: None,
        limit: 9,
        content_bytes: 1000,
    };
    let one = store.read(visitor, one, admit_all()).await.unwrap();
    assert!(one.is_some());
    assert!(
        store
            .head(visitor, conversation_id(2).key())
            .await
            .unwrap()
            .is_some()
    );
    let living = store.living_ids(visitor).await.unwrap().unwrap();
    assert_eq!(living.change_counter, counter);
    let summary = store.summarize(visitor).await.unwrap().unwrap();
    assert_eq!((summary.messages, summary.change_counter), (2, counter));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Citus cluster: make test-citus"]
async fn every_statement_about_a_visitor_is_one_task() {
    let (store, _database) = store_of_one_task();
    assert!(
        store.count_visitors().await.is_err(),
        "all visitors are several tasks"
    );
    for name in ["ada", "bob", "cleo", "dan"] {
        use_all_of_a_visitor(&store, name).await;
    }
    let merged = MergedVisitor {
        id: visitor_id("bob"),
        change_counter: 6,
        at: at(50),
    };
    store
        .merge(visitor_id("ada"), change_set(6, []), merged)
        .await
        .unwrap();
    assert!(store.erase(visitor_id("cleo"), at(50)).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Citus cluster: make test-citus"]
async fn every_statement_that_restores_a_visitor_is_one_task() {
    let database = TestServer::shared().new_database();
    let archived = open(&database);
    for name in ["ada", "bob"] {
        archived.register(registration(name)).await.unwrap();
    }
    let posted = insert(conversation(1, 1), [message(1, 1), message(2, 2)]);
    archived
        .commit(visitor_id("ada"), change_set(0, [posted]))
        .await
        .unwrap();
    assert!(archived.erase(visitor_id("bob"), at(50)).await.unwrap());
    let (store, _database) = store_of_one_task();
    for visitor in archived.visitors(None, 9).await.unwrap() {
        let items = archived.items(visitor.id, None, 9).await.unwrap();
        store.restore(visitor, items).await.unwrap();
    }
    for tombstone in archived.tombstones(None, 9).await.unwrap() {
        store.restore_tombstone(tombstone).await.unwrap();
    }
    assert_eq!(
        store.items(visitor_id("ada"), None, 9).await.unwrap().len(),
        1
    );
}
