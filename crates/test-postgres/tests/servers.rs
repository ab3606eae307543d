//! Servers and databases come, and go.

#![allow(clippy::unwrap_used, reason = "a panic in a test is its result")]

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use convosync_test_postgres::TestServer;
use diesel::prelude::*;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scripts/with-postgres");

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
fn a_database_can_be_made_while_template1_is_in_use() {
    let server = TestServer::private();
    let template = server.url().replace(":///postgres?", ":///template1?");
    let _connection = PgConnection::establish(&template).unwrap();
    assert_eq!(server.new_database().value("1"), "1");
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
fn a_server_speaks_tls_and_proves_who_it_is() {
    let (server, other) = (
        TestServer::private_with_tls(),
        TestServer::private_with_tls(),
    );
    let connect = |host: &str, root: &TestServer| {
        let (port, root) = (server.port(), root.certificate());
        PgConnection::establish(&format!(
            "postgres://postgres@{host}:{port}/postgres?sslmode=verify-full&sslrootcert={root}"
        ))
        .map_err(|error| error.to_string())
    };
    assert!(connect("localhost", &server).is_ok());
    let refusal = connect("localhost", &other).err().unwrap();
    assert!(refusal.contains("certificate verify failed"), "{refusal}");
    let refusal = connect("127.0.0.1", &server).err().unwrap();
    assert!(refusal.contains("does not match"), "{refusal}");
}

/// Even of a script that could not clean up, or whose command goes on.
#[test]
fn nothing_stays_of_a_server_whose_script_is_ended() {
    for signal in ["KILL", "TERM"] {
        let mut script = Command::new(SCRIPT)
            .args([
                "sh",
                "-c",
                "echo $CONVOSYNC_TEST_POSTGRES_CTL; trap '' TERM; read -r _",
            ])
            .env("CONVOSYNC_TEST_POSTGRES_PRIVATE", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        // The command waits for it to close.
        let stdin = script.stdin.take();
        let mut ctl = String::new();
        let mut said = BufReader::new(script.stdout.take().unwrap());
        said.read_line(&mut ctl).unwrap();
        let folder = Path::new(ctl.trim()).parent().unwrap();
        let pid = fs::read_to_string(folder.join("data/postmaster.pid")).unwrap();
        let process = Path::new("/proc").join(pid.lines().next().unwrap());
        assert!(process.exists());

        let kill = format!("kill -{signal} {}", script.id());
        assert!(
            Command::new("sh")
                .args(["-c", &kill])
                .status()
                .unwrap()
                .success()
        );
        let started = Instant::now();
        while script.try_wait().unwrap().is_none() || process.exists() || folder.exists() {
            let waited = started.elapsed();
            assert!(waited < Duration::from_secs(30), "{signal}: {ctl}");
            thread::sleep(Duration::from_millis(50));
        }
        drop(stdin);
    }
}
