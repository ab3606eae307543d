//! Each kind of damage to what is stored is found, on both backends.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a panic in a test is its result"
)]

use std::fs;
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::time::Duration;

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;

use convosync_domain::change_set::{ChangeSet, Erasure};
use convosync_domain::ports::{SyncStore, VisitorStore};
use convosync_storage_contract::fixtures::{
    at, change_set, conversation, dead_conversation, erase, insert, message, registration,
    visitor_id,
};
use convosync_storage_diesel::CheckReport;
use convosync_storage_diesel::postgres::{self, PostgresOptions, PostgresStore};
use convosync_storage_diesel::sqlite::files::{self, FileError};
use convosync_storage_diesel::sqlite::{SqliteOptions, SqliteStore};
use convosync_test_postgres::TestServer;

/// Two visitors with a living conversation and a dead one each, and one who is gone.
async fn fill(store: &(impl SyncStore + VisitorStore)) {
    for name in ["ada", "bob"] {
        let both = [
            insert(conversation(1, 10), [message(1, 10), message(2, 11)]),
            insert(conversation(2, 10), [message(3, 10)]),
        ];
        let first = ChangeSet {
            registers: Some(registration(name)),
            ..change_set(0, both)
        };
        let visitor = visitor_id(name);
        assert_eq!(store.commit(visitor, first).await.unwrap(), 1);
        let died = erase(dead_conversation(2, 20), Erasure::Everything);
        store.commit(visitor, change_set(1, [died])).await.unwrap();
    }
    store.register(registration("carl")).await.unwrap();
    store.erase(visitor_id("carl"), at(30)).await.unwrap();
}

/// What is done to a store by the same statement on both backends, and what is found then: the table, and what is said.
const DAMAGES: [(&str, &str, &str); 17] = [
    (
        "UPDATE visitors SET change_counter = 1",
        "visitors",
        "change_counter is 1, and a change has the number 2",
    ),
    (
        "UPDATE conversations SET latest_change = 9",
        "visitors",
        "change_counter is 2, and a change has the number 9",
    ),
    (
        "UPDATE messages SET change_number = 2 WHERE content_bytes > 0",
        "conversations",
        "latest_change is 1, and the highest change number of it and its messages 2",
    ),
    (
        "UPDATE visitors SET living_conversations = 2",
        "visitors",
        "living_conversations is 2, and 1 live",
    ),
    (
        "UPDATE visitors SET content_bytes = content_bytes + 1",
        "visitors",
        "and that of its rows together",
    ),
    (
        "UPDATE conversations SET title = 'x' WHERE content_bytes = 0",
        "conversations",
        "is a tombstone and has content",
    ),
    (
        "UPDATE messages SET img = 'x' WHERE content_bytes = 0",
        "messages",
        "is a tombstone and has content",
    ),
    (
        "UPDATE messages SET content_bytes = -1 WHERE content_bytes = 0",
        "messages",
        "content_bytes is -1",
    ),
    (
        "UPDATE messages SET doc = '[1,' WHERE content_bytes > 0",
        "messages",
        "doc is not JSON",
    ),
    (
        "UPDATE conversations SET extra = '[1]' WHERE content_bytes > 0",
        "conversations",
        "extra is not a JSON object",
    ),
    (
        "UPDATE message_requests SET client_id = ''",
        "message_requests",
        "client_id is not JSON",
    ),
    (
        "UPDATE message_responses SET tools = 'nothing'",
        "message_responses",
        "tools is not JSON",
    ),
    (
        "UPDATE message_outputs SET extra = '1'",
        "message_outputs",
        "extra is not a JSON object",
    ),
    (
        "UPDATE message_outputs SET output_content_annotations = '{\"a\":1'",
        "message_outputs",
        "output_content_annotations is not JSON",
    ),
    (
        "DELETE FROM visitors",
        "conversations",
        "its row in visitors is missing",
    ),
    (
        "DELETE FROM conversations",
        "messages",
        "its row in conversations is missing",
    ),
    (
        "DELETE FROM messages",
        "message_outputs",
        "its row in messages is missing",
    ),
];

fn assert_finds(report: &CheckReport, table: &str, what: &str, after: &str) {
    let mut findings = report.findings.iter();
    let found = findings.any(|finding| finding.table == table && finding.what.contains(what));
    assert!(found, "{what} after {after}: {report:?}");
    for finding in &report.findings {
        assert_ne!(finding.key, "", "{report:?}");
        assert!(!finding.to_string().contains('\n'));
    }
}

#[tokio::test]
async fn each_damage_to_a_file_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("convosync.db");
    let store = SqliteStore::open(SqliteOptions::at(&path)).unwrap();
    fill(&store).await;
    let check = |path: &Path| files::check(path, Duration::from_secs(5)).unwrap();
    // Beside whoever has it open.
    assert_eq!(check(&path), CheckReport::default());
    store.close();
    assert_eq!(check(&path), CheckReport::default());
    let gone = "INSERT INTO visitor_tombstones (id, key, gone_at) \
                SELECT 100 + id, key, 0 FROM visitors";
    let own = [(gone, "visitors", "is there, though a tombstone says")];
    for (damage, table, what) in DAMAGES.into_iter().chain(own) {
        let damaged = folder.path().join("damaged.db");
        fs::copy(&path, &damaged).unwrap();
        let mut connection = SqliteConnection::establish(damaged.to_str().unwrap()).unwrap();
        let damaging = format!("PRAGMA foreign_keys = OFF; {damage}");
        connection.batch_execute(&damaging).unwrap();
        drop(connection);
        assert_finds(&check(&damaged), table, what, damage);
    }
}

#[tokio::test]
async fn a_damaged_page_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("convosync.db");
    let store = SqliteStore::open(SqliteOptions::at(&path)).unwrap();
    fill(&store).await;
    store.close();
    let mut connection = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
    // Another order than the index says.
    connection
        .batch_execute(
            "PRAGMA writable_schema = ON;
             UPDATE sqlite_schema SET rootpage = (SELECT rootpage FROM sqlite_schema WHERE name = 'store')
                 WHERE name = 'sqlite_autoindex_messages_1'",
        )
        .unwrap();
    drop(connection);
    match files::check(&path, Duration::ZERO) {
        Ok(report) => assert!(
            report
                .findings
                .iter()
                .any(|finding| finding.table == "file"),
            "{report:?}"
        ),
        Err(error) => assert!(matches!(error, FileError::Damaged { .. }), "{error}"),
    }
    let mut file = fs::OpenOptions::new().write(true).open(&path).unwrap();
    file.seek(SeekFrom::Start(0)).unwrap();
    file.write_all(b"nothing of SQLite").unwrap();
    let refused = files::check(&path, Duration::ZERO).unwrap_err();
    assert!(
        matches!(refused, FileError::NotADatabase { .. }),
        "{refused}"
    );
}

#[tokio::test]
async fn each_damage_to_a_postgresql_database_is_found() {
    let database = TestServer::shared().new_database();
    let options = PostgresOptions::at(database.url());
    let store = PostgresStore::open(&options).unwrap();
    fill(&store).await;
    drop(store);
    let check = || postgres::check(&options).unwrap();
    assert_eq!(check().findings, []);
    assert!(check().notes[0].contains("pg_amcheck"));
    let gone = "INSERT INTO visitor_tombstones (visitor_id, gone_at) SELECT id, 0 FROM visitors";
    let own = [(gone, "visitors", "is there, though a tombstone says")];
    let tables = [
        "visitors",
        "visitor_tombstones",
        "conversations",
        "messages",
        "message_requests",
        "message_responses",
        "message_outputs",
    ];
    for table in tables {
        database.execute(&format!("CREATE TABLE sound_{table} AS TABLE {table}"));
    }
    // As it is when a database is restored without its triggers.
    let untriggered = "SET session_replication_role = replica";
    for (damage, table, what) in DAMAGES.into_iter().chain(own) {
        database.execute(&format!("{untriggered}; {damage}"));
        assert_finds(&check(), table, what, damage);
        for table in tables {
            database.execute(&format!(
                "{untriggered}; DELETE FROM {table}; INSERT INTO {table} SELECT * FROM sound_{table}"
            ));
        }
    }
    assert_eq!(check().findings, []);
}
