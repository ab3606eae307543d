//! Visitors who leave a store on PostgreSQL: who waits for them, what a lost answer hides, and what is left in the
//! files.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a panic in a test is its result"
)]

use std::fmt::Debug;
use std::future::Future;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use tokio::task::JoinHandle;

use convosync_domain::archive::ArchivedVisitor;
use convosync_domain::change_set::ChangeSet;
use convosync_domain::identity::VisitorId;
use convosync_domain::ports::{
    ChangeFeed as _, ConversationList as _, ConversationReader as _, MergeStore as _,
    MergedVisitor, NamedConversation, Registration, Restoration, StoreArchive as _, StoreError,
    SyncStore as _, VisitorStore as _,
};
use convosync_domain::reading::{ConversationRequest, ListRequest, MessageOrder};
use convosync_domain::stored::StoredMessage;
use convosync_domain::tombstone::{VisitorGone, VisitorTombstone};
use convosync_storage_contract::fixtures::{
    admit_all, at, change_set, conversation, conversation_id, insert, message, message_id,
    page_request, registration, update, visitor_id,
};
use convosync_storage_diesel::postgres::{PostgresOptions, PostgresStore};
use convosync_test_postgres::{Proxy, TestDatabase, TestServer};

fn new_store() -> (TestDatabase, PostgresStore) {
    let database = TestServer::shared().new_database();
    let store = PostgresStore::open(&PostgresOptions::at(database.url())).unwrap();
    (database, store)
}

async fn register(store: &PostgresStore, name: &str) -> VisitorId {
    store.register(registration(name)).await.unwrap();
    visitor_id(name)
}

fn merged(visitor: VisitorId) -> MergedVisitor {
    MergedVisitor {
        id: visitor,
        change_counter: 0,
        at: at(50),
    }
}

fn erased(visitor: VisitorId, micros: i64) -> VisitorTombstone {
    VisitorTombstone {
        id: visitor,
        gone: VisitorGone::Erased,
        at: at(micros),
    }
}

fn gone_of<T: Debug>(answer: Result<T, StoreError>) -> VisitorGone {
    match answer {
        Err(StoreError::VisitorGone(gone)) => gone,
        other => panic!("the visitor is gone, and the answer is {other:?}"),
    }
}

/// Begins a call of the store.
fn begin<T, F>(
    store: &PostgresStore,
    call: impl FnOnce(PostgresStore) -> F,
) -> JoinHandle<Result<T, StoreError>>
where
    T: Send + 'static,
    F: Future<Output = Result<T, StoreError>> + Send + 'static,
{
    tokio::spawn(call(store.clone()))
}

/// Waits until so many connections to the database wait for another.
async fn until_waiting(database: &TestDatabase, connections: u32) {
    let waiting = "SELECT count(*) FROM pg_stat_activity \
         WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let started = Instant::now();
    while database.value(waiting) != connections.to_string() {
        assert!(started.elapsed() < Duration::from_secs(10), "nobody waits");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Somebody else is about to erase a visitor who has nothing.
fn begin_erasure(database: &TestDatabase, visitor: VisitorId) -> PgConnection {
    let mut connection = database.connect();
    let id = visitor.as_uuid();
    connection
        .batch_execute(&format!(
            "BEGIN; DELETE FROM visitors WHERE id = '{id}';
             INSERT INTO visitor_tombstones (visitor_id, gone_at) VALUES ('{id}', 50);"
        ))
        .unwrap();
    connection
}

fn first_post() -> ChangeSet {
    ChangeSet {
        registers: Some(registration("ada")),
        ..post()
    }
}

fn post() -> ChangeSet {
    change_set(0, [insert(conversation(1, 1), [message(1, 1)])])
}

/// Above all an insert: it waits for the row that goes, and is free to come then.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_waits_for_an_erasure_is_told_of_it() {
    let (database, store) = new_store();
    let ada = register(&store, "ada").await;
    let bob = register(&store, "bob").await;
    let mut erasing = begin_erasure(&database, ada);

    let registers = begin(&store, |store| async move {
        store.register(registration("ada")).await
    });
    let first_posts = begin(&store, |store| async move {
        store.commit(ada, first_post()).await
    });
    let posts = begin(
        &store,
        |store| async move { store.commit(ada, post()).await },
    );
    let erases = begin(
        &store,
        |store| async move { store.erase(ada, at(60)).await },
    );
    let merges = begin(&store, move |store| async move {
        store.merge(ada, post(), merged(bob)).await
    });
    let restores = begin(&store, |store| async move {
        let visitor = ArchivedVisitor::new(&registration("ada"), 0);
        store.restore(visitor, Vec::new()).await
    });
    let carries = begin(&store, move |store| async move {
        store.restore_tombstone(erased(ada, 70)).await
    });
    until_waiting(&database, 7).await;
    erasing.batch_execute("COMMIT").unwrap();

    assert_eq!(gone_of(registers.await.unwrap()), VisitorGone::Erased);
    assert_eq!(gone_of(first_posts.await.unwrap()), VisitorGone::Erased);
    assert_eq!(gone_of(posts.await.unwrap()), VisitorGone::Erased);
    assert_eq!(gone_of(erases.await.unwrap()), VisitorGone::Erased);
    assert_eq!(gone_of(merges.await.unwrap()), VisitorGone::Erased);
    let restored = restores.await.unwrap().unwrap();
    assert_eq!(restored, Restoration::OtherVisitor);
    let carried = carries.await.unwrap().unwrap();
    assert_eq!(carried, Restoration::Stored);

    let left = store.visitors(None, 9).await.unwrap();
    assert_eq!(left.iter().map(|it| it.id).collect::<Vec<_>>(), [bob]);
    let tombstones = store.tombstones(None, 9).await.unwrap();
    assert_eq!(tombstones, [erased(ada, 50)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_waits_for_an_erasure_that_fails_goes_on() {
    let (database, store) = new_store();
    let ada = register(&store, "ada").await;
    let mut erasing = begin_erasure(&database, ada);
    let registers = begin(&store, |store| async move {
        store.register(registration("ada")).await
    });
    let posts = begin(
        &store,
        |store| async move { store.commit(ada, post()).await },
    );
    until_waiting(&database, 2).await;
    erasing.batch_execute("ROLLBACK").unwrap();
    let registered = registers.await.unwrap().unwrap();
    assert_eq!(registered, Registration::AlreadyKnown);
    assert_eq!(posts.await.unwrap().unwrap(), 1);
    assert_eq!(store.tombstones(None, 9).await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_lives_and_is_gone_at_once() {
    let (_database, store) = new_store();
    for number in 0..30 {
        let name = format!("visitor {number}");
        let visitor = visitor_id(&name);
        let registers = begin(&store, move |store| async move {
            store.register(registration(&name)).await
        });
        let carries = begin(&store, move |store| async move {
            store.restore_tombstone(erased(visitor, 50)).await
        });
        let registered = registers.await.unwrap();
        match carries.await.unwrap().unwrap() {
            Restoration::Stored => assert_eq!(gone_of(registered), VisitorGone::Erased),
            Restoration::OtherVisitor => {
                assert_eq!(registered.unwrap(), Registration::Created);
            }
        }
    }
}

/// Two merges in opposite order cannot wait for each other: nobody has the second visitor who waits for the first.
#[tokio::test(flavor = "multi_thread")]
async fn a_merge_locks_both_visitors_in_the_order_of_their_ids() {
    let (database, store) = new_store();
    for round in 0..2 {
        let mut visitors = [
            register(&store, &format!("ada {round}")).await,
            register(&store, &format!("bob {round}")).await,
        ];
        visitors.sort_unstable();
        let lock = |visitor: VisitorId| {
            let id = visitor.as_uuid();
            let mut connection = database.connect();
            let lock = format!("BEGIN; SELECT FROM visitors WHERE id = '{id}' FOR UPDATE NOWAIT");
            connection.batch_execute(&lock).unwrap();
            connection
        };
        let first = lock(visitors[0]);
        let (into, gone) = match round {
            0 => (visitors[0], visitors[1]),
            _ => (visitors[1], visitors[0]),
        };
        let merges = begin(&store, move |store| async move {
            store.merge(into, post(), merged(gone)).await
        });
        until_waiting(&database, 1).await;
        drop(lock(visitors[1]));
        drop(first);
        assert_eq!(merges.await.unwrap().unwrap(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_merges_in_opposite_order_one_is_done() {
    let (_database, store) = new_store();
    for round in 0..20 {
        let ada = register(&store, &format!("ada {round}")).await;
        let bob = register(&store, &format!("bob {round}")).await;
        let merge = |into, gone| {
            begin(&store, move |store| async move {
                store.merge(into, post(), merged(gone)).await
            })
        };
        let (into_ada, into_bob) = (merge(ada, bob), merge(bob, ada));
        match (into_ada.await.unwrap(), into_bob.await.unwrap()) {
            (Ok(1), other) => assert_eq!(gone_of(other), VisitorGone::Merged { into: ada }),
            (other, Ok(1)) => assert_eq!(gone_of(other), VisitorGone::Merged { into: bob }),
            neither => panic!("{neither:?}"),
        }
    }
}

/// The commit of a leave is cut from its answer, or from the server.
#[tokio::test(flavor = "multi_thread")]
async fn a_leave_whose_commit_is_not_answered_is_done_once() {
    let server = TestServer::private_with_tls();
    for reaches_server in [true, false] {
        let database = server.new_database();
        let proxy = Proxy::to(server.port());
        let url = format!(
            "postgres://postgres@127.0.0.1:{}/{}?sslmode=disable",
            proxy.port(),
            database.name()
        );
        let store = PostgresStore::open(&PostgresOptions::at(url)).unwrap();
        let ada = register(&store, "ada").await;
        let bob = register(&store, "bob").await;
        let guest = register(&store, "guest").await;
        let empty = register(&store, "empty").await;

        proxy.cut_next_commit(reaches_server);
        assert!(store.erase(bob, at(50)).await.unwrap());
        assert!(proxy.has_cut());

        proxy.cut_next_commit(reaches_server);
        let counter = store.merge(ada, post(), merged(guest)).await;
        assert_eq!(counter.unwrap(), 1);
        assert!(proxy.has_cut());

        proxy.cut_next_commit(reaches_server);
        let counter = store.merge(ada, change_set(1, []), merged(empty)).await;
        assert_eq!(counter.unwrap(), 1);
        assert!(proxy.has_cut());

        let left = store.visitors(None, 9).await.unwrap();
        assert_eq!(left.iter().map(|it| it.id).collect::<Vec<_>>(), [ada]);
        let gone = VisitorGone::Merged { into: ada };
        let mut expected = [
            erased(bob, 50),
            VisitorTombstone {
                gone,
                ..erased(guest, 50)
            },
            VisitorTombstone {
                gone,
                ..erased(empty, 50)
            },
        ];
        expected.sort_unstable_by_key(|tombstone| tombstone.id);
        assert_eq!(store.tombstones(None, 9).await.unwrap(), expected);
    }
}

/// Somebody who has half a million messages may take minutes to go.
#[tokio::test(flavor = "multi_thread")]
async fn no_statement_of_a_leave_is_stopped_for_taking_long() {
    let (database, store) = new_store();
    database.execute(
        "CREATE FUNCTION be_slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             IF current_setting('statement_timeout') <> '0' THEN
                 RAISE EXCEPTION 'a slow statement would be stopped' USING ERRCODE = '22000';
             END IF;
             RETURN NULL;
         END $$;
         CREATE TRIGGER be_slow AFTER DELETE ON messages
             FOR EACH STATEMENT EXECUTE FUNCTION be_slow();
         CREATE TRIGGER be_slow AFTER DELETE ON message_outputs
             FOR EACH STATEMENT EXECUTE FUNCTION be_slow();",
    );
    let ada = register(&store, "ada").await;
    let bob = register(&store, "bob").await;
    store.commit(ada, post()).await.unwrap();
    let source = MergedVisitor {
        change_counter: 1,
        ..merged(ada)
    };
    assert_eq!(store.merge(bob, post(), source).await.unwrap(), 1);
    assert!(store.erase(bob, at(50)).await.unwrap());
}

/// What is there to be asked is gone here, so whoever asked would fail.
#[tokio::test(flavor = "multi_thread")]
async fn of_a_visitor_who_is_there_nobody_asks_whether_it_is_gone() {
    let (database, store) = new_store();
    let ada = register(&store, "ada").await;
    store.commit(ada, post()).await.unwrap();
    database.execute("ALTER TABLE visitor_tombstones RENAME TO hidden");

    let key = conversation_id(1).key();
    let named = || {
        let messages = vec![message_id(1).key()];
        vec![NamedConversation { key, messages }]
    };
    let list = ListRequest {
        after: None,
        limit: 9,
        content_bytes: usize::MAX,
    };
    let read = ConversationRequest {
        key,
        order: MessageOrder::OldestFirst,
        after: None,
        limit: 9,
        content_bytes: usize::MAX,
    };
    let registered = store.register(registration("ada")).await.unwrap();
    assert_eq!(registered, Registration::AlreadyKnown);
    assert!(store.heads(ada, named()).await.unwrap().is_some());
    assert_eq!(store.load(ada, named()).await.unwrap().len(), 1);
    let next = change_set(1, [update(conversation(1, 2), [])]);
    assert_eq!(store.commit(ada, next).await.unwrap(), 2);
    assert!(store.find(ada).await.unwrap().is_some());
    assert!(store.summarize(ada).await.unwrap().is_some());
    assert!(store.living_ids(ada).await.unwrap().is_some());
    let request = page_request(None, 9);
    let page = store.changes(ada, request, admit_all()).await.unwrap();
    assert!(page.is_some());
    assert!(store.list(ada, list, admit_all()).await.unwrap().is_some());
    assert!(store.read(ada, read, admit_all()).await.unwrap().is_some());
    assert!(store.head(ada, key).await.unwrap().unwrap().is_some());
    let unknown = conversation_id(9).key();
    assert_eq!(store.head(ada, unknown).await.unwrap(), Some(None));
    assert_eq!(store.items(ada, None, 9).await.unwrap().len(), 1);
}

/// In the text of every kind of content, and in the identity.
const MARKER: &str = "the secret of ada";

/// The files of the database that hold a text, but for what is not written to them yet.
fn files_with(database: &TestDatabase, text: &str) -> String {
    database.execute("CHECKPOINT");
    database.value(&format!(
        "SELECT coalesce(string_agg(name, ' '), '') FROM
             (SELECT 'base/' || oid AS folder FROM pg_database WHERE datname = current_database()) d,
             pg_ls_dir(folder) AS name
         WHERE position(convert_to('{text}', 'UTF8')
             IN pg_read_binary_file(folder || '/' || name, 0, 1000000000, true)) > 0"
    ))
}

fn secret_message(number: u128) -> StoredMessage {
    let mut secret = message(number, 1);
    let content = secret.content.as_mut().unwrap();
    let text = || Some(MARKER.to_owned());
    content.fields.img = text();
    content.request.as_mut().unwrap().request_messages_content = text();
    content.response.as_mut().unwrap().instructions = text();
    // So long that it is kept in a table of its own.
    content.output.as_mut().unwrap().output_content_text = Some(MARKER.repeat(1_000));
    secret
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_erased_is_in_no_file_when_the_tables_are_vacuumed() {
    let (database, store) = new_store();
    // A compressed text is not found.
    database.execute("ALTER TABLE message_outputs ALTER output_content_text SET STORAGE EXTERNAL");
    for name in ["bob", MARKER, "cyd"] {
        let visitor = register(&store, name).await;
        let mut secret = conversation(1, 1);
        let mut messages: Vec<_> = (0..20).map(|number| message(number, 1)).collect();
        if name == MARKER {
            secret.content.as_mut().unwrap().title = Some(MARKER.to_owned());
            messages = (0..20).map(secret_message).collect();
        }
        let changes = change_set(0, [insert(secret, messages)]);
        store.commit(visitor, changes).await.unwrap();
    }
    // As the server does by itself now and then.
    database.execute("ANALYZE");
    assert_ne!(files_with(&database, MARKER), "");

    store.erase(visitor_id(MARKER), at(50)).await.unwrap();
    let started = Instant::now();
    let left = loop {
        database.execute(
            "VACUUM FULL visitors, conversations, messages, message_requests, message_responses, \
             message_outputs",
        );
        let left = files_with(&database, MARKER);
        // It keeps what an older transaction may still see, and connections that begin in any database have one.
        if left.is_empty() || started.elapsed() > Duration::from_secs(30) {
            break left;
        }
    };
    assert_eq!(left, "");
    assert_ne!(files_with(&database, "request_messages_content"), "");
}
