//! Backups that the server makes by itself.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use super::{done, names_in, post, server};
use crate::support::api::Api;
use crate::support::{Finished, convosync};

const OLD: &str = "convosync-20200101T000000Z.db";
const OLDER: &str = "convosync-20190101T000000Z.db";

/// The backups in a folder once there is one beside these that is whole.
fn backup_beside(folder: &Path, known: &[&str]) -> String {
    let started = Instant::now();
    loop {
        let names = names_in(folder);
        let is_new =
            |name: &&String| name.starts_with("convosync-2") && !known.contains(&name.as_str());
        if let Some(new) = names.iter().find(is_new) {
            return new.clone();
        }
        assert!(started.elapsed() < Duration::from_secs(60), "{names:?}");
        thread::sleep(Duration::from_millis(20));
    }
}

fn until(is_so: impl Fn() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < Duration::from_secs(60), "it never is");
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_server_makes_backups_when_they_are_due_and_keeps_some() {
    let mut server = server(&[]);
    let ada = Api::register(&server.url(), "user_id=ada");
    post(&ada, 1, "hello");
    let folder = server.folder().join("data/backups");
    assert!(!folder.exists(), "none are made unless they are asked for");
    fs::create_dir(&folder).unwrap();
    for name in [OLD, OLDER, "convosync-mine.db", "notes.txt"] {
        fs::write(folder.join(name), name).unwrap();
    }
    let settings = [
        ("CONVOSYNC__BACKUP__EVERY_HOURS", "1"),
        ("CONVOSYNC__BACKUP__KEEP", "2"),
    ];
    server.restart_with(&settings);
    let backup = backup_beside(&folder, &[OLD, OLDER]);
    until(|| !folder.join(OLDER).exists());
    let names = [backup.as_str(), OLD, "convosync-mine.db", "notes.txt"];
    let mut names = names.map(str::to_owned);
    names.sort();
    assert_eq!(names_in(&folder), names);
    let path = folder.join(&backup);
    assert_eq!(done(&server, &["check", path.to_str().unwrap()]), "ok\n");
    until(|| server.stderr().contains("backed up the store"));
    // The next one is due an hour after this one, whether or not the server is started anew.
    server.restart();
    post(&Api::unregistered(&server.url(), "user_id=ada"), 2, "on");
    assert_eq!(names_in(&folder), names);
    assert!(server.stop().success());
}

#[test]
fn a_folder_that_cannot_be_used_is_refused_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), "").unwrap();
    let mut command = convosync(folder.path());
    command.env("CONVOSYNC__BACKUP__EVERY_HOURS", "24");
    command.env("CONVOSYNC__BACKUP__FOLDER", "file");
    command.env("CONVOSYNC__SERVER__PORT", "0");
    let finished = Finished::of(&mut command);
    let line = finished.complaint(2);
    assert!(
        line.starts_with("backup.folder: cannot make the folder "),
        "{line}"
    );
    assert!(line.ends_with("(from the environment variable CONVOSYNC__BACKUP__FOLDER)"));
    for (name, value) in [
        ("EVERY_HOURS", "-1"),
        ("KEEP", "0"),
        ("EVERY_HOURS", "daily"),
    ] {
        let mut command = convosync(folder.path());
        command.env(format!("CONVOSYNC__BACKUP__{name}"), value);
        let finished = Finished::of(&mut command);
        let line = finished.complaint(2);
        let key = format!("backup.{}: ", name.to_lowercase());
        assert!(line.starts_with(&key), "{line}");
    }
}
