//! A database that is there and will not: too slow, too busy, no longer the primary, too new.

use std::thread;
use std::time::{Duration, Instant};

use convosync_test_postgres::TestServer;
use diesel::connection::SimpleConnection as _;
use diesel::pg::PgConnection;
use serde_json::json;
use tempfile::tempdir;

use super::{assert_unavailable, server_on, timed};
use crate::crashes::{body, id};
use crate::support::api::Api;
use crate::support::{Finished, Server, convosync};

/// Somebody else's transaction that keeps the one visitor there is.
fn locking_the_visitor(server: &Server) -> PgConnection {
    let database = server.database().unwrap();
    let visitor = database.value("SELECT id FROM visitors");
    let mut other = database.connect();
    let lock = format!("BEGIN; SELECT 1 FROM visitors WHERE id = '{visitor}' FOR UPDATE");
    other.batch_execute(&lock).unwrap();
    other
}

#[test]
fn a_lock_that_lasts_ends_in_503_and_holds_up_nobody_else() {
    let (server, ada) = server_on(TestServer::shared().new_database(), &[]);
    let mut other = locking_the_visitor(&server);
    let bob = Api::register(&server.url(), "user_id=bob");
    thread::scope(|scope| {
        let held_up = scope.spawn(|| timed(&ada, &body(&id(0, 0, 0))));
        let (answer, took) = timed(&bob, &body(&id(0, 0, 0)));
        assert_eq!(answer.status, 200, "{answer:?}");
        assert!(took < Duration::from_secs(3), "{took:?}");
        let (answer, took) = held_up.join().unwrap();
        assert_unavailable(&answer);
        assert!(took < Duration::from_secs(20), "{took:?}");
    });
    // The lock is still there, and nobody waits for it any more: the connection is free for others.
    let waits = "SELECT count(*) FROM pg_stat_activity
        WHERE application_name = 'convosync' AND datname = current_database() AND wait_event_type = 'Lock'";
    assert_eq!(server.database().unwrap().value(waits), "0");
    assert_eq!(bob.post(&body(&id(0, 0, 1))).status, 200);
    other.batch_execute("ROLLBACK").unwrap();
    let answer = ada.post(&body(&id(0, 0, 0)));
    assert_eq!(answer.json()["created"], 1, "{answer:?}");
}

#[test]
fn calls_that_find_no_room_are_refused_in_time() {
    let settings = [
        ("CONVOSYNC__DATABASE__POOL_SIZE", "1"),
        ("CONVOSYNC__LIMITS__QUEUE", "1"),
    ];
    let (server, ada) = server_on(TestServer::shared().new_database(), &settings);
    let mut other = locking_the_visitor(&server);
    thread::scope(|scope| {
        // It has the one connection.
        let held_up = scope.spawn(|| ada.post(&body(&id(0, 0, 0))));
        thread::sleep(Duration::from_millis(300));
        let waits = scope.spawn(|| server.get("/api/sync-conversations/?user_id=ada"));
        thread::sleep(Duration::from_millis(300));
        let started = Instant::now();
        assert_unavailable(&server.get("/api/sync-conversations/?user_id=ada"));
        assert!(started.elapsed() < Duration::from_millis(500));
        assert_unavailable(&waits.join().unwrap());
        other.batch_execute("ROLLBACK").unwrap();
        assert_eq!(held_up.join().unwrap().status, 200);
    });
    assert_eq!(
        server.get("/api/sync-conversations/?user_id=ada").status,
        200
    );
}

#[test]
fn a_server_that_only_reads_is_left_until_it_writes_again() {
    let postgres = TestServer::private();
    let (server, ada) = server_on(postgres.new_database(), &[]);
    let reads_only = |yes: bool| {
        let value = if yes { "on" } else { "off" };
        let database = server.database().unwrap();
        let mut connection = database.connect();
        for statement in [
            "SET default_transaction_read_only = off",
            &format!("ALTER SYSTEM SET default_transaction_read_only = {value}"),
            "SELECT pg_reload_conf()",
        ] {
            connection.batch_execute(statement).unwrap();
        }
        thread::sleep(Duration::from_millis(200));
    };
    assert_eq!(ada.post(&body(&id(0, 0, 0))).status, 200);
    reads_only(true);
    let (answer, took) = timed(&ada, &body(&id(0, 0, 1)));
    assert_unavailable(&answer);
    assert!(took < Duration::from_secs(5), "{took:?}");
    assert_eq!(server.get("/readyz").status, 503);
    reads_only(false);
    let back = Instant::now();
    while ada.post(&body(&id(0, 0, 1))).status != 200 {
        assert!(back.elapsed() < Duration::from_secs(5));
    }
    assert_eq!(server.get("/readyz").status, 200);
    assert_eq!(ada.ids().len(), 2);
}

#[test]
fn a_database_that_cannot_be_reached_ends_a_start_by_name() {
    let folder = tempdir().unwrap();
    for arguments in [["serve", "--port=0"], ["visitor", "add"]] {
        let mut command = convosync(folder.path());
        command.args(arguments);
        command.env(
            "CONVOSYNC__DATABASE__URL",
            "postgres://ada:secret@/x?host=/nowhere",
        );
        command.env("CONVOSYNC__DATABASE__WAIT_AT_START_SECONDS", "1");
        command.env("CONVOSYNC__LOG__LEVEL", "off");
        let finished = Finished::of(&mut command);
        let complaint = finished.complaint(1);
        assert!(
            complaint.starts_with("cannot reach the database: "),
            "{complaint}"
        );
        assert!(complaint.contains("/nowhere"), "{complaint}");
        assert!(!complaint.contains("secret"), "{complaint}");
    }
}

#[test]
fn a_newer_schema_is_refused_and_left_alone() {
    let database = TestServer::shared().new_database();
    let folder = tempdir().unwrap();
    let migrate = || {
        let mut command = convosync(folder.path());
        command.arg("migrate");
        command.env("CONVOSYNC__DATABASE__URL", database.url());
        Finished::of(&mut command)
    };
    assert_eq!(migrate().code, Some(0));
    database.execute("INSERT INTO __diesel_schema_migrations VALUES ('99990101000000', now())");
    let finished = migrate();
    assert_eq!(
        finished.complaint(1),
        "cannot use the database: its schema version 99990101000000 is newer than this program"
    );
}

#[test]
fn a_server_needs_no_right_to_make_tables_once_they_are_there() {
    let database = TestServer::shared().new_database();
    let folder = tempdir().unwrap();
    let migrate = |url: &str| {
        let mut command = convosync(folder.path());
        command.arg("migrate");
        command.env("CONVOSYNC__DATABASE__URL", url);
        Finished::of(&mut command)
    };
    assert_eq!(migrate(&database.url()).code, Some(0));
    let role = database.name();
    database.execute(&format!(
        "REVOKE CREATE ON SCHEMA public FROM PUBLIC;
         CREATE ROLE {role} LOGIN;
         GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role};"
    ));
    let url = database
        .url()
        .replace("user=postgres", &format!("user={role}"));
    let finished = migrate(&url);
    assert_eq!(finished.code, Some(0), "{finished:?}");
    let server = Server::start_on(None, &[("CONVOSYNC__DATABASE__URL", &url)]);
    let ada = Api::register(&server.url(), "user_id=ada");
    assert_eq!(ada.post(&body(&id(0, 0, 0))).status, 200);
    database.execute(&format!("DROP OWNED BY {role}; DROP ROLE {role}"));
}

/// Its schema is brought up to date all the same.
#[test]
fn a_database_without_citus_is_not_distributed() {
    let database = TestServer::shared().new_database();
    let folder = tempdir().unwrap();
    let mut command = convosync(folder.path());
    command.args(["migrate", "--distribute"]);
    command.env("CONVOSYNC__DATABASE__URL", database.url());
    let finished = Finished::of(&mut command);
    assert_eq!(finished.code, Some(1), "{finished:?}");
    assert!(finished.stdout.starts_with("applied "), "{finished:?}");
    let last = finished.stderr.trim().lines().last().unwrap();
    assert_eq!(
        last,
        "convosync: the database does not have Citus: CREATE EXTENSION citus on every node, and \
         SELECT citus_add_node('HOST', PORT) for each worker"
    );
}

#[test]
fn a_database_that_cannot_hold_every_text_is_refused() {
    let database = TestServer::shared().new_database();
    let name = format!("{}_latin1", database.name());
    let mut connection = database.connect();
    let create = format!(
        "CREATE DATABASE {name} ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"
    );
    connection.batch_execute(&create).unwrap();
    let folder = tempdir().unwrap();
    let mut command = convosync(folder.path());
    command.arg("migrate");
    let url = database.url().replace(database.name(), &name);
    command.env("CONVOSYNC__DATABASE__URL", url);
    let finished = Finished::of(&mut command);
    let drop = format!("DROP DATABASE {name} WITH (FORCE)");
    connection.batch_execute(&drop).unwrap();
    assert_eq!(
        finished.complaint(1),
        "cannot use the database: its encoding is LATIN1 and must be UTF8"
    );
}

#[test]
fn of_many_that_migrate_at_once_one_does() {
    let database = TestServer::shared().new_database();
    let folder = tempdir().unwrap();
    let done: Vec<_> = thread::scope(|scope| {
        let migrate = || {
            let mut command = convosync(folder.path());
            command.arg("migrate");
            command.env("CONVOSYNC__DATABASE__URL", database.url());
            Finished::of(&mut command)
        };
        let all: Vec<_> = (0..4).map(|_| scope.spawn(migrate)).collect();
        all.into_iter().map(|one| one.join().unwrap()).collect()
    });
    assert!(done.iter().all(|one| one.code == Some(0)), "{done:?}");
    let applied = done.iter().filter(|one| one.stdout.contains("applied"));
    assert_eq!(applied.count(), 1, "{done:?}");
    assert_eq!(json!(database.value("SELECT count(*) FROM store")), "1");
}
