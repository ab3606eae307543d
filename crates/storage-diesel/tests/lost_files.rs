//! A store whose files are moved, deleted or replaced under it: nothing is acknowledged that would be gone at the next
//! start, nothing is read, no file is made, and it goes on by itself when the same files are back.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a panic in a test is its result"
)]
#![cfg(unix)]

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use convosync_domain::ports::{
    ConversationList, StoreError, StoreStatus, SyncStore, VisitorStore as _,
};
use convosync_storage_contract::fixtures;
use convosync_storage_diesel::sqlite::{SqliteOptions, SqliteStore};

const NAME: &str = "visitor";

/// A store in a folder of its own, beside which there is room.
struct Place {
    outer: TempDir,
    store: SqliteStore,
}

impl Place {
    /// A store with so many conversations, of which the first half is in the file and the rest in the log.
    async fn with(conversations: u64) -> Self {
        let outer = tempfile::tempdir().unwrap();
        let path = outer.path().join("data/convosync.db");
        let store = open(&path);
        store.register(fixtures::registration(NAME)).await.unwrap();
        for number in 0..conversations / 2 {
            post(&store, number).await.unwrap();
        }
        store.close();
        let store = open(&path);
        for number in conversations / 2..conversations {
            post(&store, number).await.unwrap();
        }
        Self { outer, store }
    }

    fn path(&self) -> PathBuf {
        self.outer.path().join("data/convosync.db")
    }

    fn log(&self) -> PathBuf {
        self.outer.path().join("data/convosync.db-wal")
    }

    fn away(&self) -> PathBuf {
        self.outer.path().join("away")
    }

    /// Expects that nothing is written or read any more, from the very next call on.
    async fn expect_nothing(&self, number: u64) {
        let visitor = fixtures::visitor_id(NAME);
        let refused = post(&self.store, number).await.unwrap_err();
        assert!(
            matches!(refused, StoreError::Unavailable { .. }),
            "{refused:?}"
        );
        for refused in [
            self.store.check().await.unwrap_err(),
            self.store.find(visitor).await.map(|_| ()).unwrap_err(),
            self.store
                .living_ids(visitor)
                .await
                .map(|_| ())
                .unwrap_err(),
            post(&self.store, number).await.unwrap_err(),
        ] {
            assert!(
                matches!(refused, StoreError::Unavailable { .. }),
                "{refused:?}"
            );
        }
    }
}

fn open(path: &Path) -> SqliteStore {
    SqliteStore::open(SqliteOptions::at(path)).unwrap()
}

async fn post(store: &SqliteStore, number: u64) -> Result<u64, StoreError> {
    let message = fixtures::message(1, 10);
    let conversation = fixtures::conversation(u128::from(number), 10);
    let changes = fixtures::change_set(number, [fixtures::insert(conversation, [message])]);
    store.commit(fixtures::visitor_id(NAME), changes).await
}

async fn count(store: &SqliteStore) -> usize {
    let living = store.living_ids(fixtures::visitor_id(NAME)).await.unwrap();
    living.unwrap().ids.len()
}

/// The change counter: what was refused may be stored all the same.
async fn counter(store: &SqliteStore) -> u64 {
    let found = store.find(fixtures::visitor_id(NAME)).await.unwrap();
    found.unwrap().change_counter
}

#[tokio::test]
async fn a_file_that_is_moved_and_put_back() {
    let place = Place::with(20).await;
    fs::rename(place.path(), place.away()).unwrap();
    place.expect_nothing(20).await;
    assert!(!place.path().exists());

    fs::rename(place.away(), place.path()).unwrap();
    place.store.check().await.unwrap();
    let stored = counter(&place.store).await;
    assert!((20..=21).contains(&stored), "{stored}");
    post(&place.store, stored).await.unwrap();
    let path = place.path();
    place.store.close();
    assert_eq!(
        count(&open(&path)).await,
        usize::try_from(stored).unwrap() + 1
    );
}

#[tokio::test]
async fn a_folder_that_is_renamed_and_back() {
    let place = Place::with(20).await;
    let folder = place.outer.path().join("data");
    fs::rename(&folder, place.away()).unwrap();
    place.expect_nothing(20).await;
    assert!(!folder.exists());
    // A folder with another store in its place is no better.
    fs::create_dir(&folder).unwrap();
    fs::copy(place.away().join("convosync.db"), place.path()).unwrap();
    place.expect_nothing(21).await;

    fs::remove_dir_all(&folder).unwrap();
    fs::rename(place.away(), &folder).unwrap();
    place.store.check().await.unwrap();
    let stored = counter(&place.store).await;
    assert!(stored >= 20, "{stored}");
    post(&place.store, stored).await.unwrap();
}

#[tokio::test]
async fn a_file_that_is_deleted() {
    let place = Place::with(20).await;
    fs::remove_file(place.path()).unwrap();
    place.expect_nothing(20).await;
    let path = place.path();
    place.store.close();
    assert!(!path.exists(), "no empty file in its place");
}

#[tokio::test]
async fn an_older_copy_that_is_renamed_into_its_place() {
    let place = Place::with(20).await;
    fs::copy(place.path(), place.away()).unwrap();
    fs::rename(place.away(), place.path()).unwrap();
    let before = fs::read(place.path()).unwrap();
    place.expect_nothing(20).await;
    let path = place.path();
    place.store.close();
    assert!(fs::read(&path).unwrap() == before, "the copy is as it was");
    // What was in the file when the copy was made.
    assert_eq!(count(&open(&path)).await, 10);
}

#[tokio::test]
async fn an_older_copy_that_is_written_over_it() {
    let place = Place::with(20).await;
    let path = place.path();
    place.store.close();
    fs::copy(&path, place.outer.path().join("older")).unwrap();
    // Until the file is longer than the copy.
    let store = open(&path);
    for number in 20..200 {
        post(&store, number).await.unwrap();
    }
    store.close();
    let place = Place {
        store: open(&path),
        ..place
    };
    post(&place.store, 200).await.unwrap();
    assert_eq!(count(&place.store).await, 201);
    fs::copy(place.outer.path().join("older"), &path).unwrap();
    // Reads know of it once it was looked at.
    let refused = post(&place.store, 201).await.unwrap_err();
    assert!(
        matches!(
            refused,
            StoreError::Unavailable { .. } | StoreError::Internal { .. }
        ),
        "{refused:?}"
    );
    let started = Instant::now();
    while place.store.check().await.is_ok() {
        assert!(started.elapsed() < Duration::from_secs(10));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    place.expect_nothing(201).await;
}

#[tokio::test]
async fn a_log_that_is_deleted_is_in_the_file_after_a_stop() {
    let place = Place::with(20).await;
    fs::remove_file(place.log()).unwrap();
    place.expect_nothing(20).await;
    assert!(!place.log().exists());
    let path = place.path();
    place.store.close();
    let stored = count(&open(&path)).await;
    assert!((20..=21).contains(&stored), "{stored}");
}

#[tokio::test]
async fn reads_are_refused_within_a_second_though_nobody_writes() {
    let place = Place::with(4).await;
    fs::rename(place.path(), place.away()).unwrap();
    let started = Instant::now();
    let visitor = fixtures::visitor_id(NAME);
    while place.store.find(visitor).await.is_ok() {
        // A second, and what a busy machine takes.
        assert!(started.elapsed() < Duration::from_secs(10));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    fs::rename(place.away(), place.path()).unwrap();
    let started = Instant::now();
    while place.store.find(visitor).await.is_err() {
        assert!(started.elapsed() < Duration::from_secs(10));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_vacuum_by_another_program_is_no_loss() {
    use diesel::connection::SimpleConnection as _;
    use diesel::prelude::*;

    let place = Place::with(200).await;
    let length = || fs::metadata(place.path()).unwrap().len();
    let mut other = SqliteConnection::establish(place.path().to_str().unwrap()).unwrap();
    other
        .batch_execute("CREATE TABLE filler (id INTEGER); PRAGMA wal_checkpoint(TRUNCATE)")
        .unwrap();
    let fill = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)
        INSERT INTO filler SELECT i FROM n; PRAGMA wal_checkpoint(TRUNCATE)";
    other.batch_execute(fill).unwrap();
    post(&place.store, 200).await.unwrap();
    let before = length();
    other
        .batch_execute("DROP TABLE filler; VACUUM; PRAGMA wal_checkpoint(TRUNCATE)")
        .unwrap();
    assert!(length() < before, "{} of {before}", length());
    for number in 201..204 {
        post(&place.store, number).await.unwrap();
    }
    place.store.check().await.unwrap();
}
