//! What Citus itself says of each statement while it plans.

use convosync_domain::change_set::Erasure;
use convosync_domain::feed::PageRead;
use convosync_domain::ports::{
    ChangeFeed as _, ConversationList as _, ConversationReader as _, MergeStore as _,
    MergedVisitor, NamedConversation, StoreArchive as _, SyncStore as _, VisitorStore as _,
};
use convosync_domain::reading::{
    ConversationRead, ConversationRequest, ListRead, ListRequest, MessageOrder,
};
use convosync_domain::stored::StoredMessage;
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

/// Changes what has been posted so once more.
pub(super) async fn change_a_visitor(store: &PostgresStore, name: &str, counter: u64) {
    let stamp = stamp_after(counter + 1);
    let change = update(conversation(2, stamp), [message(1, stamp)]);
    let written = store.commit(visitor_id(name), change_set(counter, [change]));
    assert_eq!(written.await.unwrap(), counter + 1);
}

/// The stamp that the message has which the last of so many changes wrote.
fn stamp_after(counter: u64) -> i64 {
    i64::try_from(counter).unwrap() + 1
}

/// Reads in every way what has been posted so and changed since.
pub(super) async fn read_all_of_a_visitor(store: &PostgresStore, name: &str, counter: u64) {
    let visitor = visitor_id(name);
    let key = conversation_id(2).key();
    let assert_whole = |messages: &[StoredMessage]| {
        let stamp = Some(at(stamp_after(counter)));
        assert_eq!(messages.len(), 2);
        assert!(messages.iter().any(|it| it.history.stamp == stamp));
        assert!(messages.iter().all(|it| it.content.is_some()));
    };
    let found = store.find(visitor).await.unwrap().unwrap();
    assert_eq!(found.change_counter, counter);
    let messages = vec![message_id(1).key(), message_id(2).key()];
    let named = vec![NamedConversation { key, messages }];
    let loaded = store.load(visitor, named).await.unwrap();
    let loaded: Vec<_> = loaded.into_iter().map(|(_, message)| message).collect();
    assert_whole(&loaded);
    let page = page_request(None, 100);
    let changes = store.changes(visitor, page, admit_all()).await.unwrap();
    let Some(PageRead::Page(page)) = changes else {
        panic!("no page");
    };
    assert_whole(&page.conversations.last().unwrap().messages);
    let request = ListRequest {
        after: None,
        limit: 9,
        content_bytes: 1000,
    };
    let list = store.list(visitor, request, admit_all()).await.unwrap();
    let Some(ListRead::Page(list)) = list else {
        panic!("no list");
    };
    assert_eq!(
        (list.conversations.len(), list.change_counter),
        (2, counter)
    );
    let request = ConversationRequest {
        key,
        order: MessageOrder::default(),
        after: None,
        limit: 9,
        content_bytes: 1_000_000,
    };
    let read = store.read(visitor, request, admit_all()).await.unwrap();
    let Some(ConversationRead::Page(read)) = read else {
        panic!("no conversation");
    };
    assert_eq!(read.latest_change, counter);
    assert_whole(&read.messages);
    let head = store.head(visitor, key).await.unwrap().unwrap().unwrap();
    assert_eq!(head.latest_change, counter);
    let living = store.living_ids(visitor).await.unwrap().unwrap();
    assert_eq!((living.ids.len(), living.change_counter), (2, counter));
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
