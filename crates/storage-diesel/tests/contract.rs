//! The contract of a store, on SQLite and on PostgreSQL.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a panic in a test is its result"
)]
#![expect(
    clippy::expect_used,
    reason = "a failed expectation is the result of a test"
)]

mod sqlite {
    use convosync_storage_contract::storage_contract;
    use convosync_storage_diesel::sqlite::{SqliteOptions, SqliteStore};
    use tempfile::TempDir;

    async fn new_store() -> (SqliteStore, TempDir) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let options = SqliteOptions::at(folder.path().join("convosync.db"));
        (SqliteStore::open(options).expect("a new store"), folder)
    }

    storage_contract!(new_store);
}

mod postgres {
    use convosync_storage_contract::storage_contract;
    use convosync_storage_diesel::postgres::{PostgresOptions, PostgresStore};
    use convosync_test_postgres::{TestDatabase, TestServer};

    async fn new_store() -> (PostgresStore, TestDatabase) {
        let database = TestServer::shared().new_database();
        let options = PostgresOptions::at(database.url());
        (
            PostgresStore::open(&options).expect("a new store"),
            database,
        )
    }

    storage_contract!(new_store);
}
