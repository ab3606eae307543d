//! A store whose files may not grow, as with a full disk: what was acknowledged is stored, writes
//! are told that it is full, and reads go on.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a panic in a test is its result"
)]
#![cfg(unix)]

use std::env;
use std::path::Path;
use std::process::Command;

use convosync_domain::ports::{ConversationList, StoreError, StoreStatus, SyncStore, VisitorStore};
use convosync_storage_contract::fixtures;
use convosync_storage_diesel::sqlite::{SqliteOptions, SqliteStore};

const FOLDER: &str = "CONVOSYNC_TEST_FOLDER";
const NAME: &str = "visitor";

fn options(folder: &Path) -> SqliteOptions {
    SqliteOptions::at(folder.join("convosync.db"))
}

async fn post(store: &SqliteStore, number: u64) -> Result<u64, StoreError> {
    let message = fixtures::message(1, 10);
    let conversation = fixtures::conversation(u128::from(number), 10);
    let changes = fixtures::change_set(number, [fixtures::insert(conversation, [message])]);
    store.commit(fixtures::visitor_id(NAME), changes).await
}

#[tokio::test]
async fn a_full_store_refuses_writes_and_keeps_the_rest() {
    // The limit is a process's, so this test runs itself again under one.
    if let Some(folder) = env::var_os(FOLDER) {
        return post_until_the_limit(folder.as_ref()).await;
    }
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(options(folder.path())).unwrap();
    store.register(fixtures::registration(NAME)).await.unwrap();
    store.close();

    let limited = Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 3000; exec \"$@\"", "sh"])
        .arg(env::current_exe().unwrap())
        .args(["--exact", "a_full_store_refuses_writes_and_keeps_the_rest"])
        .env(FOLDER, folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&limited.stdout);
    assert!(limited.status.success(), "{said}");

    let acknowledged: u64 = std::fs::read_to_string(folder.path().join("acknowledged"))
        .unwrap()
        .parse()
        .unwrap();
    assert!(acknowledged > 10, "{acknowledged}");
    let store = SqliteStore::open(options(folder.path())).unwrap();
    let visitor = fixtures::visitor_id(NAME);
    let found = store.find(visitor).await.unwrap().unwrap();
    assert_eq!(found.change_counter, acknowledged);
    assert_eq!(post(&store, acknowledged).await.unwrap(), acknowledged + 1);
}

async fn post_until_the_limit(folder: &Path) {
    let store = SqliteStore::open(options(folder)).unwrap();
    store.register(fixtures::registration(NAME)).await.unwrap();
    let mut acknowledged = 0;
    // Closing a connection can empty the write-ahead log, and then there is room again.
    let unready = loop {
        match post(&store, acknowledged).await {
            Ok(counter) => acknowledged = counter,
            Err(StoreError::Full { .. }) => {
                if let Err(unready) = store.check().await {
                    break unready;
                }
            }
            Err(other) => panic!("{other:?}"),
        }
    };
    assert!(matches!(unready, StoreError::Full { .. }), "{unready:?}");
    let visitor = fixtures::visitor_id(NAME);
    let living = store.living_ids(visitor).await.unwrap().unwrap();
    assert_eq!(u64::try_from(living.ids.len()).unwrap(), acknowledged);
    let file = folder.join("acknowledged");
    std::fs::write(file, acknowledged.to_string()).unwrap();
}
