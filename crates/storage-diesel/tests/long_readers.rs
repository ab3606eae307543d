//! Another program that reads for long: the write-ahead log grows, nobody waits, and it is cut when the reader is gone.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a panic in a test is its result"
)]

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;

use convosync_domain::ports::{StoreStatus as _, SyncStore, VisitorStore as _};
use convosync_storage_contract::fixtures;
use convosync_storage_diesel::sqlite::{SqliteOptions, SqliteStore};

const NAME: &str = "visitor";
const MIB: usize = 1 << 20;
/// What the log is cut to.
const LOG_MAX: u64 = 64 << 20;

/// Posts a conversation with a message of so many bytes.
async fn post(store: &SqliteStore, number: u64, bytes: usize) {
    let mut message = fixtures::message(1, 10);
    message.content.as_mut().unwrap().fields.img = Some("x".repeat(bytes));
    let conversation = fixtures::conversation(u128::from(number), 10);
    let changes = fixtures::change_set(number, [fixtures::insert(conversation, [message])]);
    let visitor = fixtures::visitor_id(NAME);
    assert_eq!(store.commit(visitor, changes).await.unwrap(), number + 1);
}

#[tokio::test]
async fn the_log_grows_while_it_reads_and_is_cut_afterwards() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("convosync.db");
    let store = SqliteStore::open(SqliteOptions::at(&path)).unwrap();
    store.register(fixtures::registration(NAME)).await.unwrap();
    let mut reader = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
    reader
        .batch_execute("BEGIN; SELECT count(*) FROM visitors")
        .unwrap();
    for number in 0..10 {
        post(&store, number, 8 * MIB).await;
    }
    let grown = store.write_ahead_log_bytes();
    assert!(grown > LOG_MAX, "{grown}");
    store.check().await.unwrap();

    reader.batch_execute("COMMIT").unwrap();
    // The first moves everything into the file, the second begins the log anew.
    for number in 10..14 {
        post(&store, number, 1_000).await;
    }
    let cut = store.write_ahead_log_bytes();
    assert!(cut <= LOG_MAX, "{cut}");
    let visitor = fixtures::visitor_id(NAME);
    let found = store.find(visitor).await.unwrap().unwrap();
    assert_eq!(found.change_counter, 14);
}
