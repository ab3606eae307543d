use std::path::Path;

use super::*;
use crate::sqlite::group::tests::{count_visitors, insert_visitor};
use crate::sqlite::migrate;

fn writer_of(path: &Path) -> Writer {
    let database = Database::at(path, Duration::from_secs(5)).unwrap();
    writer_on(&Arc::new(database))
}

fn writer_on(database: &Arc<Database>) -> Writer {
    let mut connection = database.connect(Role::Writer).unwrap();
    migrate::migrate(database, &mut connection).unwrap();
    Writer::start(Arc::clone(database), connection).unwrap()
}

#[tokio::test]
async fn what_is_queued_is_written_before_the_file_is_closed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("convosync.db");
    let writer = Arc::new(writer_of(&path));
    let (open, concurrency_limit) = mpsc::channel::<()>();
    let mut answers = Vec::new();
    let mut concurrency_limit = Some(concurrency_limit);
    for key in 1..=300 {
        let writer = Arc::clone(&writer);
        let concurrency_limit = concurrency_limit.take();
        let work = move |group: &mut Group<'_>| {
            // The first waits until all are queued.
            concurrency_limit.map(|concurrency_limit| concurrency_limit.recv());
            insert_visitor(group, key)
        };
        answers.push(tokio::spawn(async move { writer.write(1, work).await }));
    }
    for _ in 0..1_000 {
        tokio::task::yield_now().await;
    }
    open.send(()).unwrap();
    let closing = Arc::clone(&writer);
    tokio::task::spawn_blocking(move || closing.close())
        .await
        .unwrap();
    for answer in answers {
        answer.await.unwrap().unwrap();
    }
    assert_eq!(count_visitors(&path), 300);
    assert!(!folder.path().join("convosync.db-wal").exists());

    let refused = writer.write(1, |group| insert_visitor(group, 999)).await;
    assert!(matches!(refused, Err(StoreError::Unavailable { .. })));
}

#[tokio::test]
async fn the_thread_goes_on_after_a_panic_and_after_an_io_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("convosync.db");
    let database = Arc::new(Database::at(&path, Duration::from_secs(5)).unwrap());
    let writer = writer_on(&database);
    let panicked: Result<(), _> = writer.write(1, |_| panic!("a defect")).await;
    assert!(matches!(panicked, Err(StoreError::Internal { .. })));

    // Nobody whose work was in the same transaction is told that it is stored, and no connection is used again.
    let generation = database.generation();
    let failed: Result<(), _> = writer.write(1, |_| Err(io_error())).await;
    assert!(matches!(failed, Err(StoreError::Unavailable { .. })));
    assert!(writer.is_failing());
    assert_ne!(database.generation(), generation);

    assert_eq!(
        writer
            .write(1, |group| insert_visitor(group, 1))
            .await
            .unwrap(),
        1
    );
    assert!(!writer.is_failing());
    assert_eq!(count_visitors(&path), 1);
}

/// A file system that is mounted again to be read only, and a page that is damaged.
#[tokio::test]
async fn what_sqlite_says_is_told_as_what_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let writer = writer_of(&folder.path().join("convosync.db"));
    let says = async |message: &'static str| {
        let failed: Result<(), _> = writer.write(1, move |_| Err(sqlite_says(message))).await;
        failed.unwrap_err()
    };
    let read_only = says("attempt to write a readonly database").await;
    assert!(matches!(read_only, StoreError::Unavailable { .. }));
    assert!(writer.is_failing());
    for message in ["database disk image is malformed", "file is not a database"] {
        let damaged = says(message).await;
        assert!(
            matches!(damaged, StoreError::Internal { .. }),
            "{damaged:?}"
        );
    }
    let written = writer.write(1, |group| insert_visitor(group, 1)).await;
    assert_eq!(written.unwrap(), 1);
}

fn io_error() -> SqliteError {
    sqlite_says("disk I/O error")
}

fn sqlite_says(message: &str) -> SqliteError {
    SqliteError::Database(diesel::result::Error::DatabaseError(
        diesel::result::DatabaseErrorKind::Unknown,
        Box::new(message.to_owned()),
    ))
}
