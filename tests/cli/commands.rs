//! Commands that end by themselves.

use std::process::Stdio;
use std::thread;

use serde_json::json;
use tempfile::tempdir;

use crate::support::{Finished, Server, convosync, run};

#[test]
fn the_version_is_told() {
    let folder = tempdir().unwrap();
    let finished = run(folder.path(), &["--version"]);
    assert_eq!(finished.code, Some(0));
    let expected = concat!("convosync ", env!("CARGO_PKG_VERSION"), " (commit ");
    assert!(finished.stdout.starts_with(expected), "{finished:?}");
}

#[test]
fn migrating_twice_does_nothing_the_second_time() {
    let folder = tempdir().unwrap();
    let first = run(folder.path(), &["migrate"]);
    assert_eq!(first.code, Some(0), "{first:?}");
    assert!(first.stdout.starts_with("applied "), "{first:?}");
    assert!(folder.path().join("data/convosync.db").is_file());
    let second = run(folder.path(), &["migrate"]);
    assert_eq!(second.code, Some(0), "{second:?}");
    assert!(second.stdout.starts_with("nothing to do"), "{second:?}");
    let latest = first.stdout.trim().rsplit(' ').next().unwrap();
    assert!(second.stdout.contains(latest), "{second:?}");
}

#[test]
fn of_two_that_migrate_at_once_one_does() {
    let folder = tempdir().unwrap();
    let path = folder.path();
    let both = thread::scope(|scope| {
        [(); 2]
            .map(|()| scope.spawn(|| run(path, &["migrate"])))
            .map(|migration| migration.join().unwrap())
    });
    assert!(
        both.iter().all(|finished| finished.code == Some(0)),
        "{both:?}"
    );
    let did = |finished: &&Finished| finished.stdout.starts_with("applied ");
    assert_eq!(both.iter().filter(did).count(), 1, "{both:?}");
}

#[test]
fn a_visitor_is_added_once() {
    let folder = tempdir().unwrap();
    for option in ["--user-id", "--anon-id"] {
        for expected in ["registered\n", "known already\n"] {
            let finished = run(folder.path(), &["visitor", "add", option, "ada"]);
            assert_eq!(
                (finished.code, finished.stdout.as_str()),
                (Some(0), expected)
            );
        }
    }
}

#[test]
fn a_visitor_without_an_id_gets_one_that_opens_their_data() {
    let server = Server::start();
    let finished = Finished::of(server.command().args(["visitor", "add"]));
    assert_eq!(finished.code, Some(0), "{finished:?}");
    let anon_id = finished.stdout.trim();
    assert_eq!(anon_id.len(), 43);
    let answer = server.get(&format!("/api/sync-conversations/?anon_id={anon_id}"));
    assert_eq!(
        (answer.status, answer.json()),
        (200, json!({"conversations": []}))
    );
}

#[test]
fn an_id_that_cannot_be_one_is_refused() {
    let folder = tempdir().unwrap();
    let long = "x".repeat(256);
    for id in ["", "a\nb", &long] {
        let finished = run(folder.path(), &["visitor", "add", "--user-id", id]);
        assert_eq!(
            finished.complaint(2),
            "an identity is 1 to 255 characters with no control character"
        );
    }
    let both = ["visitor", "add", "--user-id", "a", "--anon-id", "b"];
    assert_eq!(run(folder.path(), &both).code, Some(2));
}

#[test]
fn the_default_settings_are_a_settings_file() {
    let folder = tempdir().unwrap();
    let defaults = run(folder.path(), &["config", "default"]);
    assert_eq!(defaults.code, Some(0), "{defaults:?}");
    let listing = defaults.stdout.replace(
        "trusted_proxies = []",
        "trusted_proxies = [\"10.0.0.0/8\", \"::1\"]",
    );
    std::fs::write(folder.path().join("c.toml"), listing).unwrap();
    let arguments = ["config", "print", "--config", "c.toml", "--port", "1"];
    let printed = run(folder.path(), &arguments);
    assert_eq!(printed.code, Some(0), "{printed:?}");
    for line in [
        "[server]",
        "host = \"127.0.0.1\" # from c.toml",
        "trusted_proxies = [\"10.0.0.0/8\", \"::1\"] # from c.toml",
        "port = \"1\" # from --port",
        "url = \"sqlite://data/convosync.db\" # from c.toml",
    ] {
        assert!(
            printed.stdout.lines().any(|printed| printed == line),
            "{line}: {printed:?}"
        );
    }
    std::fs::write(folder.path().join("d.toml"), &printed.stdout).unwrap();
    let again = run(folder.path(), &["config", "print", "--config", "d.toml"]);
    assert_eq!(again.code, Some(0), "{again:?}");
}

#[test]
fn a_password_is_not_printed() {
    let folder = tempdir().unwrap();
    let url = "postgres://ada:secret@db/chats";
    let printed = run(folder.path(), &["config", "print", "--database-url", url]);
    assert!(
        printed.stdout.contains("url = \"postgres://***@db/chats\""),
        "{printed:?}"
    );
    assert!(!printed.stdout.contains("ada:secret"));
}

#[test]
fn health_is_that_of_the_server_that_the_settings_name() {
    let mut server = Server::start();
    let port = server.address().rsplit(':').next().unwrap().to_owned();
    let folder = tempdir().unwrap();
    let healthy = run(folder.path(), &["health", "--port", &port]);
    assert_eq!(
        (healthy.code, healthy.stdout.as_str()),
        (Some(0), "ready\n")
    );
    server.kill();
    let gone = run(folder.path(), &["health", "--port", &port]);
    let complaint = gone.complaint(1);
    assert!(
        complaint.starts_with(&format!("127.0.0.1:{port} does not answer")),
        "{complaint}"
    );
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let folder = tempdir().unwrap();
    let mut command = convosync(folder.path());
    command
        .args(["config", "default"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}
