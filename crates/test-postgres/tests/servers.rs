//! Servers and databases come, and go.

#![allow(clippy::unwrap_used, reason = "a panic in a test is its result")]

use convosync_test_postgres::TestServer;
use diesel::prelude::*;

#[test]
fn a_database_goes_with_its_test() {
    let server = TestServer::shared();
    let database = server.new_database();
    database.execute("CREATE TABLE t (id integer); INSERT INTO t VALUES (7)");
    assert_eq!(database.value("SELECT id FROM t"), "7");
    assert!(!database.terminate_one_connection());
    let connection = database.connect();
    assert!(database.terminate_one_connection());
    drop(connection);
    let url = database.url();
    drop(database);
    assert!(PgConnection::establish(&url).is_err());
}

#[test]
fn a_private_server_can_be_stopped_and_started() {
    let server = TestServer::private();
    let database = server.new_database();
    server.stop_at_once();
    assert!(PgConnection::establish(&database.url()).is_err());
    server.start();
    assert_eq!(database.value("SELECT 1"), "1");
    let url = database.url();
    drop(server);
    assert!(PgConnection::establish(&url).is_err());
}

#[test]
fn a_server_speaks_tls_where_that_is_asked_for() {
    let server = TestServer::private_with_tls();
    let url = |root: &str| {
        let port = server.port();
        format!(
            "postgres://postgres@localhost:{port}/postgres?sslmode=verify-full&sslrootcert={root}"
        )
    };
    assert!(PgConnection::establish(&url(server.certificate())).is_ok());
    assert!(PgConnection::establish(&url("/nowhere")).is_err());
}
