//! What the binary refuses, with which exit code and line.

use std::fs;
use std::net::TcpListener;

use tempfile::tempdir;

use crate::support::{Finished, Server, convosync, run};

#[test]
fn an_unknown_command_or_option_is_refused() {
    let folder = tempdir().unwrap();
    for arguments in [&["sreve"][..], &["--prot", "1"], &["visitor"]] {
        let finished = run(folder.path(), arguments);
        assert_eq!(finished.code, Some(2), "{finished:?}");
    }
}

#[test]
fn an_unknown_key_is_refused_by_name_and_file() {
    let folder = tempdir().unwrap();
    fs::write(folder.path().join("my.toml"), "[server]\nprot = 1\n").unwrap();
    let finished = run(folder.path(), &["--config", "my.toml"]);
    assert_eq!(
        finished.complaint(2),
        "unknown key server.prot (from my.toml); \
         [server] has cors_origins, drain_seconds, host, hosts, port, shutdown_timeout_seconds, \
         static_folder, trusted_proxies, workers"
    );
}

#[test]
fn a_misspelt_variable_is_refused_with_the_right_spelling() {
    let folder = tempdir().unwrap();
    let mut command = convosync(folder.path());
    let finished = Finished::of(command.env("CONVOSYNC_SERVER_PORT", "8080"));
    assert_eq!(
        finished.complaint(2),
        "unknown environment variable CONVOSYNC_SERVER_PORT: it is CONVOSYNC__SERVER__PORT"
    );
}

#[test]
fn a_bad_value_is_refused_by_key_and_origin() {
    let folder = tempdir().unwrap();
    let mut command = convosync(folder.path());
    let finished = Finished::of(command.env("CONVOSYNC__SERVER__PORT", "many"));
    assert_eq!(
        finished.complaint(2),
        "server.port: expected an integer, not string \"many\" \
         (from the environment variable CONVOSYNC__SERVER__PORT)"
    );
    let finished = run(folder.path(), &["serve", "--log-level", "inof"]);
    let complaint = finished.complaint(2);
    assert!(complaint.starts_with("log.level: "), "{complaint}");
    assert!(complaint.ends_with("(from --log-level)"), "{complaint}");
}

#[test]
fn an_unreadable_configuration_file_is_refused_by_name() {
    let folder = tempdir().unwrap();
    let finished = run(folder.path(), &["--config", "missing.toml"]);
    let complaint = finished.complaint(2);
    assert!(complaint.contains("missing.toml"), "{complaint}");
}

#[test]
fn the_network_is_refused_in_open_mode_and_nothing_is_made() {
    let folder = tempdir().unwrap();
    let mut command = convosync(folder.path());
    command.env("CONVOSYNC__AUTH__MODE", "open");
    let finished = Finished::of(command.args(["--host", "0.0.0.0", "--port", "0"]));
    assert_eq!(
        finished.complaint(2),
        "server.host: 0.0.0.0 is not loopback, and in open mode whoever names a visitor is that \
         visitor; auth.mode = \"protected\" asks for proof (from --host)"
    );
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn the_network_is_served_when_that_is_allowed_and_a_warning_is_logged() {
    let server = Server::start_with(&[
        ("CONVOSYNC__SERVER__HOST", "0.0.0.0"),
        ("CONVOSYNC__AUTH__ALLOW_OPEN_ON_NETWORK", "true"),
    ]);
    let stderr = server.stderr();
    let warning = stderr.lines().find(|line| line.contains("WARN"));
    assert!(warning.unwrap().contains("open to the network"), "{stderr}");
}

#[test]
fn a_taken_port_is_refused_and_the_store_is_left_alone() {
    let folder = tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let finished = run(folder.path(), &["--port", &address.port().to_string()]);
    assert_eq!(
        finished.complaint(2),
        format!("server.port: {address} is taken (from --port)")
    );
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_store_that_cannot_be_one_is_refused_without_its_password() {
    let folder = tempdir().unwrap();
    for (url, complaint) in [
        (
            "mysql://ada:secret@db/chats",
            "database.url: must begin with sqlite:// or postgres:// (from --database-url)",
        ),
        (
            "postgres://ada:se%cret@db/chats",
            "database.url: invalid percent-encoded token",
        ),
        (
            "postgres://ada:secret@[::1/chats",
            "database.url: end of string reached when looking for matching",
        ),
        (
            "postgres://ada:secret@[]/chats",
            "database.url: IPv6 host address may not be empty in URI",
        ),
        (
            "postgres://ada@db/chats?password=se=cret",
            "database.url: extra key/value separator",
        ),
        (
            "postgres://ada:secret@db/chats?ssl=yes",
            "database.url: invalid URI query parameter",
        ),
        (
            "postgres://ada:secret@db/chats?sslmode=secret",
            "database.url: invalid sslmode value",
        ),
    ] {
        for command in ["serve", "migrate"] {
            let finished = run(folder.path(), &[command, "--database-url", url]);
            assert_eq!(finished.complaint(2), complaint);
        }
    }
}

#[test]
fn a_store_that_cannot_be_opened_is_named() {
    let folder = tempdir().unwrap();
    fs::write(
        folder.path().join("file"),
        "not a database, but as long as one",
    )
    .unwrap();
    for place in ["file/convosync.db", "file", "."] {
        for command in ["serve", "migrate"] {
            let url = format!("sqlite://{place}");
            let arguments = [command, "--port", "0", "--database-url", &url];
            let finished = run(folder.path(), &arguments);
            let complaint = finished.complaint(1);
            let path = folder.path().display().to_string();
            assert!(complaint.contains(&path), "{complaint}");
        }
    }
}

#[test]
fn a_store_of_a_newer_schema_is_refused_and_left_alone() {
    let folder = tempdir().unwrap();
    let migrated = run(folder.path(), &["migrate"]);
    let version = migrated.stdout.trim().rsplit(' ').next().unwrap();
    let path = folder.path().join("data/convosync.db");
    // The version stands in the file as text, in a table and in its index.
    let newer = format!("2099{}", &version[4..]);
    let mut bytes = fs::read(&path).unwrap();
    let places: Vec<_> = bytes
        .windows(version.len())
        .enumerate()
        .filter_map(|(place, text)| (text == version.as_bytes()).then_some(place))
        .collect();
    for place in places {
        bytes[place..place + newer.len()].copy_from_slice(newer.as_bytes());
    }
    fs::write(&path, &bytes).unwrap();
    for command in ["serve", "migrate"] {
        let finished = run(folder.path(), &[command, "--port", "0"]);
        let complaint = finished.complaint(1);
        assert!(
            complaint.contains(&path.display().to_string()),
            "{complaint}"
        );
        assert!(complaint.contains("newer"), "{complaint}");
    }
    assert_eq!(fs::read(&path).unwrap(), bytes);
}

#[test]
fn a_file_is_not_distributed() {
    let folder = tempdir().unwrap();
    let finished = run(folder.path(), &["migrate", "--distribute"]);
    assert_eq!(
        finished.complaint(2),
        "--distribute is for a store in PostgreSQL with Citus, and database.url names a file of SQLite"
    );
    assert!(!folder.path().join("data").exists());
}
