//! Opening, migrating and closing a store in a file, alone and beside others.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a panic in a test is its result"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use tempfile::TempDir;

use convosync_domain::change_set::{ChangeSet, VisitorRegistration};
use convosync_domain::feed::PageRead;
use convosync_domain::identity::VisitorId;
use convosync_domain::ports::{
    ChangeFeed, ConversationList, NamedConversation, Registration, StoreError, StoreStatus,
    SyncStore, VisitorStore,
};
use convosync_storage_contract::fixtures;
use convosync_storage_diesel::sqlite::{OpenError, SqliteOptions, SqliteStore};

const NAME: &str = "visitor";

fn new_file() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data/convosync.db");
    (folder, path)
}

fn open(path: &Path) -> SqliteStore {
    SqliteStore::open(SqliteOptions::at(path)).unwrap()
}

fn refusal(path: &Path) -> OpenError {
    SqliteStore::open(SqliteOptions::at(path))
        .map(|_| ())
        .unwrap_err()
}

fn tamper(path: &Path, sql: &str) {
    let mut connection = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
    connection.batch_execute(sql).unwrap();
}

/// The first post of a visitor: a conversation of one message.
fn first_post() -> ChangeSet {
    let first = fixtures::insert(fixtures::conversation(1, 10), [fixtures::message(1, 10)]);
    ChangeSet {
        registers: Some(fixtures::registration(NAME)),
        ..fixtures::change_set(0, [first])
    }
}

fn registration(name: &str) -> VisitorRegistration {
    fixtures::registration(name)
}

async fn pull(store: &SqliteStore, visitor: VisitorId) -> Result<Option<PageRead>, StoreError> {
    let request = fixtures::page_request(None, 10);
    store.changes(visitor, request, fixtures::admit_all()).await
}

#[tokio::test]
async fn a_store_that_is_opened_again_is_the_same() {
    let (_folder, path) = new_file();
    let visitor = fixtures::visitor_id(NAME);
    let store = open(&path);
    let identity = store.identity();
    assert_eq!(store.commit(visitor, first_post()).await.unwrap(), 1);
    let page = pull(&store, visitor).await.unwrap();
    store.close();

    let store = open(&path);
    assert_eq!(store.identity(), identity);
    assert_eq!(pull(&store, visitor).await.unwrap(), page);
    store.check().await.unwrap();

    let (_other_folder, other) = new_file();
    assert_ne!(open(&other).identity(), identity);
}

#[test]
fn migrations_run_once() {
    let (_folder, path) = new_file();
    let applied = SqliteStore::migrate(&path).unwrap();
    assert_eq!(applied.first().map(String::as_str), Some("20261124000001"));
    assert!(applied.is_sorted());
    assert!(SqliteStore::migrate(&path).unwrap().is_empty());
    open(&path);
}

#[test]
fn of_many_that_migrate_at_once_one_does() {
    for _ in 0..10 {
        let (_folder, path) = new_file();
        let migrating: Vec<_> = (0..4)
            .map(|_| {
                let path = path.clone();
                thread::spawn(move || SqliteStore::migrate(&path).unwrap().len())
            })
            .collect();
        let applied = migrating.into_iter().map(|thread| thread.join().unwrap());
        let mut applied: Vec<_> = applied.collect();
        applied.sort_unstable();
        assert_eq!(applied[..3], [0, 0, 0]);
        assert_ne!(applied[3], 0);
    }
}

#[test]
fn of_many_that_make_a_store_at_once_all_have_the_same() {
    let (_folder, path) = new_file();
    let opening: Vec<_> = (0..4)
        .map(|_| {
            let path = path.clone();
            thread::spawn(move || open(&path).identity())
        })
        .collect();
    let mut identities = opening.into_iter().map(|thread| thread.join().unwrap());
    let first = identities.next().unwrap();
    assert!(identities.all(|identity| identity == first));
}

#[test]
fn a_newer_schema_is_refused_and_left_alone() {
    let (_folder, path) = new_file();
    open(&path).close();
    tamper(
        &path,
        "INSERT INTO __diesel_schema_migrations (version) VALUES ('20991231000001')",
    );
    let before = fs::read(&path).unwrap();
    for refused in [refusal(&path), SqliteStore::migrate(&path).unwrap_err()] {
        assert_eq!(
            refused.to_string(),
            format!(
                "cannot use {}: its schema version 20991231000001 is newer than this program",
                path.display()
            )
        );
    }
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
#[cfg(target_os = "linux")]
fn a_folder_that_cannot_be_written_in_is_named() {
    // Nobody may write there, not even root.
    let refused = refusal(Path::new("/proc/self/convosync.db")).to_string();
    assert!(
        refused.starts_with("cannot open /proc/self/convosync.db: "),
        "{refused}"
    );
}

#[test]
fn what_cannot_be_opened_is_named_with_its_path() {
    let (folder, _) = new_file();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let refused = refusal(&file.join("folder/convosync.db")).to_string();
    let expected = format!("cannot make the folder {}", file.join("folder").display());
    assert!(refused.starts_with(&expected), "{refused}");

    let text = folder.path().join("text.db");
    fs::write(&text, "something else than a database ".repeat(100)).unwrap();
    let refused = refusal(&text).to_string();
    let expected = format!("cannot open {}: file is not a database", text.display());
    assert_eq!(refused, expected);
    assert!(!refused.contains('\n'));
}

/// Somebody else's file is refused, and nothing of it has changed.
#[test]
fn what_is_not_a_store_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("short"), "hello").unwrap();
    fs::write(at("zeros"), vec![0; 8_192]).unwrap();
    fs::write(at("header"), b"SQLite format 3\0 and no more").unwrap();
    for name in ["plain", "wal"] {
        let path = at(name);
        let mut other = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
        let schema = format!("PRAGMA journal_mode = {name}; CREATE TABLE visitors (id INTEGER)");
        let schema = schema.replace("plain", "DELETE");
        other.batch_execute(&schema).unwrap();
    }
    let names = |folder: &Path| fs::read_dir(folder).unwrap().count();
    let before = names(folder.path());
    for (name, reason) in [
        ("short", "file is not a database"),
        ("zeros", "file is not a database"),
        ("header", "file is not a database"),
        ("plain", "it is a database of another program"),
        ("wal", "it is a database of another program"),
    ] {
        let path = at(name);
        let bytes = fs::read(&path).unwrap();
        for refused in [refusal(&path), SqliteStore::migrate(&path).unwrap_err()] {
            let refused = refused.to_string();
            assert!(refused.contains(path.to_str().unwrap()), "{refused}");
            assert!(refused.ends_with(reason), "{name}: {refused}");
            assert!(!refused.contains('\n'));
        }
        assert!(fs::read(&path).unwrap() == bytes, "{name} has changed");
    }
    assert_eq!(names(folder.path()), before);
}

#[tokio::test]
async fn two_names_of_one_store_lead_to_one_log() {
    let (folder, path) = new_file();
    let link = folder.path().join("link");
    let one = open(&path);
    std::os::unix::fs::symlink(&path, &link).unwrap();
    let other = open(&link);
    let visitor = fixtures::visitor_id(NAME);
    assert_eq!(one.commit(visitor, first_post()).await.unwrap(), 1);
    assert_eq!(
        pull(&other, visitor).await.unwrap(),
        pull(&one, visitor).await.unwrap()
    );
    assert_eq!(other.write_ahead_log_bytes(), one.write_ahead_log_bytes());
    let mut beside = fs::read_dir(folder.path()).unwrap();
    assert!(beside.all(|entry| !entry.unwrap().path().ends_with("link-wal")));
}

#[test]
fn a_name_with_the_signs_of_urls_is_a_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a %41 b?mode=memory#c.db");
    open(&path).close();
    assert!(fs::metadata(&path).unwrap().len() > 0);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_damaged_file_is_refused_when_it_is_looked_through() {
    let (_folder, path) = new_file();
    open(&path).close();
    let looked_through = || {
        let options = SqliteOptions {
            check_file: true,
            ..SqliteOptions::at(&path)
        };
        SqliteStore::open(options)
    };
    looked_through().unwrap().close();
    let mut bytes = fs::read(&path).unwrap();
    let last_page = bytes.len() - 4_096;
    bytes[last_page..].fill(0xff);
    fs::write(&path, bytes).unwrap();
    let refused = looked_through().map(|_| ()).unwrap_err().to_string();
    let expected = format!("{} is damaged: ", path.display());
    assert!(refused.starts_with(&expected), "{refused}");
    assert!(!refused.contains('\n'), "{refused}");
}

#[tokio::test]
async fn a_corrupt_row_is_named() {
    let (_folder, path) = new_file();
    let visitor = fixtures::visitor_id(NAME);
    open(&path).commit(visitor, first_post()).await.unwrap();
    tamper(&path, "UPDATE messages SET metadata = '{' WHERE id = 1");

    let store = open(&path);
    let named = NamedConversation {
        key: fixtures::conversation_id(1).key(),
        messages: vec![fixtures::message_id(1).key()],
    };
    for error in [
        store.load(visitor, vec![named]).await.unwrap_err(),
        pull(&store, visitor).await.unwrap_err(),
    ] {
        assert_eq!(error.to_string(), "messages holds an invalid metadata at 1");
        assert!(matches!(error, StoreError::Corrupt { .. }), "{error:?}");
    }

    tamper(&path, "UPDATE conversations SET uuid = x'00'");
    let error = store.living_ids(visitor).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "conversations holds an invalid uuid at 1"
    );
}

#[tokio::test]
async fn a_lock_of_another_process_is_waited_for_and_then_reported() {
    let (_folder, path) = new_file();
    let visitor = fixtures::visitor_id(NAME);
    let options = SqliteOptions {
        busy_timeout: Duration::from_millis(200),
        ..SqliteOptions::at(&path)
    };
    let store = SqliteStore::open(options).unwrap();
    let mut other = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
    other.batch_execute("BEGIN IMMEDIATE").unwrap();

    let started = Instant::now();
    let refused = store.commit(visitor, first_post()).await.unwrap_err();
    assert!(started.elapsed() >= Duration::from_millis(200));
    let retry_after = match refused {
        StoreError::Unavailable { retry_after, .. } => retry_after,
        other => panic!("{other:?}"),
    };
    assert_eq!(retry_after, Duration::from_secs(1));
    assert_eq!(store.find(visitor).await.unwrap(), None);
    store.check().await.unwrap();

    other.batch_execute("COMMIT").unwrap();
    assert_eq!(store.commit(visitor, first_post()).await.unwrap(), 1);
}

#[tokio::test]
async fn two_processes_share_a_file() {
    let (_folder, path) = new_file();
    let (one, other) = (open(&path), open(&path));
    for round in 0..10 {
        for (store, beside) in [(&one, &other), (&other, &one)] {
            let name = format!("visitor {round} of {}", std::ptr::from_ref(store).addr());
            let registered = store.register(registration(&name)).await.unwrap();
            assert_eq!(registered, Registration::Created);
            let again = beside.register(registration(&name)).await.unwrap();
            assert_eq!(again, Registration::AlreadyKnown);
        }
    }
    let visitor = fixtures::visitor_id(NAME);
    one.commit(visitor, first_post()).await.unwrap();
    let lost = other.commit(visitor, first_post()).await.unwrap_err();
    assert!(matches!(lost, StoreError::Conflict), "{lost:?}");
}

#[tokio::test]
async fn a_store_whose_last_handle_goes_is_closed() {
    let (folder, path) = new_file();
    let visitor = fixtures::visitor_id(NAME);
    let store = open(&path);
    let handle = store.clone();
    store.commit(visitor, first_post()).await.unwrap();
    drop(store);
    assert!(handle.find(visitor).await.unwrap().is_some());
    drop(handle);
    let left = fs::read_dir(folder.path().join("data")).unwrap().count();
    assert_eq!(left, 1, "the write-ahead log is in the file");
}

#[cfg(unix)]
#[test]
fn what_is_made_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let made = folder.path().join("made");
    let path = made.join("convosync.db");
    let store = open(&path);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&made), 0o700);
    assert_eq!(mode(&path), 0o600);
    assert_eq!(mode(&made.join("convosync.db-wal")), 0o600);
    store.close();
}
