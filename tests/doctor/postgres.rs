//! Beside a database.

use convosync_test_postgres::TestServer;
use tempfile::tempdir;

use super::Findings;

fn look(url: &str, settings: &[(&str, &str)]) -> Findings {
    let folder = tempdir().unwrap();
    let database = [("CONVOSYNC__DATABASE__URL", url)];
    let settings = [&database, settings].concat();
    Findings::of(folder.path(), &settings, &["--port", "0"])
}

/// The server of the tests does not write through.
#[test]
fn what_a_database_does_is_told_and_nothing_is_made() {
    let database = TestServer::shared().new_database();
    let findings = look(&database.url(), &[]);
    findings.assert_told("durability", "failed: fsync is off", "fsync = on");
    match database.is_on_a_cluster() {
        false => assert_eq!(findings.failed(), ["durability"]),
        true => findings.assert_told("citus", "failed", "write through"),
    }
    findings.assert_told("schema", "ok", "no tables yet");
    findings.assert_told("sessions", "ok", "keep their session");
    findings.assert_told("database clock", "ok", "the same");
    let tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'";
    assert_eq!(database.value(tables), "0");

    let too_many = database.value("current_setting('max_connections')");
    let pool = ("CONVOSYNC__DATABASE__POOL_SIZE", too_many.as_str());
    look(&database.url(), &[pool]).assert_told("connections", "failed", "max_connections");
    database.execute(&format!(
        "ALTER DATABASE {} SET default_transaction_read_only = on",
        database.name()
    ));
    look(&database.url(), &[]).assert_told("writing", "failed", "default_transaction_read_only");
}

#[test]
fn a_database_that_is_not_there_is_told_without_its_password() {
    let findings = look("postgres://ada:m4rker@127.0.0.1:1/chats", &[]);
    findings.assert_told("database", "failed", "psql");
    assert!(!format!("{:?}", findings.finished).contains("m4rker"));
}
