//! How a backup is made.

use std::fs::{self, File};
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::{back_up, command, done, names_in, post, pulled, server};
use crate::crashes::{WRITERS, body, check, id};
use crate::support::api::Api;
use crate::support::{Finished, Server, report, run, scaled};

/// How often a backup is made under load: `CONVOSYNC_BACKUPS`, once unless set.
fn rounds() -> u32 {
    scaled("CONVOSYNC_BACKUPS", 1).try_into().unwrap()
}

fn visitor(writer: u128) -> String {
    format!("user_id=writer-{writer}")
}

#[test]
fn a_backup_under_load_has_every_post_that_was_acknowledged_before() {
    let mut second = server(&[]);
    for _ in 0..rounds() {
        back_up_under_load(&mut second);
    }
    report(
        "G12",
        &format!("{} backups under load, restored whole", rounds()),
    );
}

/// Restores a backup of a store that is being written into another server.
fn back_up_under_load(second: &mut Server) {
    let first = server(&[]);
    for writer in 0..WRITERS {
        Api::register(&first.url(), &visitor(writer));
    }
    let acknowledged: Vec<_> = (0..WRITERS).map(|_| Mutex::new(Vec::new())).collect();
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let _stopping = StopOnDrop(&stop);
        for (writer, acknowledged) in (0..WRITERS).zip(&acknowledged) {
            let api = Api::unregistered(&first.url(), &visitor(writer));
            let stop = &stop;
            scope.spawn(move || {
                for number in 0.. {
                    let conversation = id(0, writer, number);
                    assert_eq!(api.post(&body(&conversation)).status, 200);
                    acknowledged.lock().unwrap().push(conversation);
                    if stop.load(Ordering::Relaxed) {
                        break;
                    }
                }
            });
        }
        thread::sleep(Duration::from_millis(200));
        let before = acknowledged.iter().map(|all| all.lock().unwrap().clone());
        let before: Vec<_> = before.collect();
        assert!(before.iter().any(|before| !before.is_empty()));
        let backup = back_up(&first, "backup.db");
        stop.store(true, Ordering::Relaxed);
        let path = backup.to_str().unwrap();
        assert_eq!(done(second, &["check", path]), "ok\n");
        second.stop();
        let restored = done(second, &["restore", "--force", path]);
        let told = format!("restored data/convosync.db from {path}");
        assert!(restored.starts_with(&told), "{restored}");
        assert_eq!(done(second, &["check"]), "ok\n");
        second.restart();
        for (writer, before) in (0..WRITERS).zip(&before) {
            let api = Api::unregistered(&second.url(), &visitor(writer));
            check(before, &pulled(&api));
        }
    });
}

/// Threads end though the test fails.
struct StopOnDrop<'s>(&'s AtomicBool);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn a_backup_is_one_file_for_its_owner_alone() {
    let server = server(&[]);
    let ada = Api::register(&server.url(), "user_id=ada");
    post(&ada, 1, "hello");
    fs::create_dir(server.folder().join("backups")).unwrap();
    let backup = back_up(&server, "backups/one.db");
    assert_eq!(names_in(&server.folder().join("backups")), ["one.db"]);
    assert_eq!(fs::metadata(&backup).unwrap().mode() & 0o777, 0o600);
    // A relative path is of the working folder.
    let printed = done(&server, &["backup", "--to", "two.db"]);
    assert_eq!(printed, "two.db\n");
    assert!(server.folder().join("two.db").exists());
}

#[test]
fn what_is_there_is_not_overwritten() {
    let server = server(&[]);
    let path = |name: &str| server.folder().join(name);
    fs::write(path("file"), "mine").unwrap();
    symlink("nowhere", path("link")).unwrap();
    symlink("data/convosync.db", path("link-to-store")).unwrap();
    let before = names_in(server.folder());
    for name in ["file", "link", "link-to-store", "data/convosync.db", "data"] {
        let finished = command(&server, &["backup", "--to", name]);
        let expected = format!("{} is there already", path(name).display());
        assert_eq!(finished.complaint(1), expected);
    }
    for (target, complaint) in [
        ("missing/x.db", "cannot write "),
        ("file/x.db", "cannot write "),
    ] {
        let finished = command(&server, &["backup", "--to", target]);
        let line = finished.complaint(1);
        assert!(line.starts_with(complaint), "{target}: {line}");
        assert!(line.contains(target), "{line}");
    }
    assert_eq!(names_in(server.folder()), before);
    assert_eq!(fs::read_to_string(path("file")).unwrap(), "mine");
    for usage in [["backup"].as_slice(), &["backup", "--to", ""]] {
        assert_eq!(command(&server, usage).code, Some(2));
    }
}

#[test]
fn there_is_nothing_to_back_up_where_no_store_is() {
    let folder = tempfile::tempdir().unwrap();
    let finished = run(folder.path(), &["backup", "--to", "backup.db"]);
    let expected = format!(
        "there is no store at {}",
        folder.path().join("data/convosync.db").display()
    );
    assert_eq!(finished.complaint(1), expected);
    assert!(names_in(folder.path()).is_empty());
}

#[test]
fn where_a_backup_finds_no_room_nothing_stays() {
    let server = server(&[]);
    let ada = Api::register(&server.url(), "user_id=ada");
    post(&ada, 1, &"x".repeat(1 << 20));
    let before = names_in(server.folder());
    // No file of it gets longer than 64 blocks of 1,024 or 512 bytes.
    let limited = "trap '' XFSZ; ulimit -f 64; exec \"$0\" backup --to full.db";
    let program = server.command().get_program().to_owned();
    let mut shell = std::process::Command::new("sh");
    shell
        .args(["-c", limited])
        .arg(program)
        .current_dir(server.folder());
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("CONVOSYNC_") {
            shell.env_remove(name);
        }
    }
    let finished = Finished::of(&mut shell);
    let path = server.folder().join("full.db");
    let expected = format!("cannot write {}: ", path.display());
    assert!(finished.complaint(1).starts_with(&expected), "{finished:?}");
    assert_eq!(names_in(server.folder()), before);
}

/// A store that takes a moment to copy.
fn large_store() -> Server {
    let server = server(&[]);
    let ada = Api::register(&server.url(), "user_id=ada");
    for number in 1..=6 {
        post(&ada, number, &format!("{number}").repeat(4 << 20));
    }
    server
}

fn partial_in(server: &Server) -> Option<String> {
    let names = names_in(server.folder());
    names.into_iter().find(|name| name.ends_with(".partial"))
}

/// Begins a backup, and returns when its file has begun to grow, or it is done.
fn begin(server: &Server) -> std::process::Child {
    let mut command = server.command();
    let mut child = command
        .args(["backup", "--to", "large.db"])
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let started = Instant::now();
    while partial_in(server).is_none() && child.try_wait().unwrap().is_none() {
        assert!(
            started.elapsed() < Duration::from_secs(60),
            "no backup begins"
        );
        thread::yield_now();
    }
    child
}

#[test]
fn a_backup_that_is_stopped_leaves_nothing() {
    let server = large_store();
    for signal in ["TERM", "INT"] {
        let mut child = begin(&server);
        let kill = format!("kill -{signal} {}", child.id());
        drop(
            std::process::Command::new("sh")
                .args(["-c", &kill])
                .output(),
        );
        let status = child.wait().unwrap();
        let target = server.folder().join("large.db");
        // It may have been done already.
        assert_eq!(status.success(), target.exists(), "{status}");
        assert!(status.code().is_some(), "{status}");
        assert_eq!(partial_in(&server), None);
        drop(fs::remove_file(target));
    }
}

#[test]
fn what_a_killed_backup_leaves_goes_with_the_next() {
    let server = large_store();
    let mut child = begin(&server);
    child.kill().unwrap();
    child.wait().unwrap();
    drop(fs::remove_file(server.folder().join("large.db")));
    if let Some(left) = partial_in(&server) {
        let file = File::options()
            .write(true)
            .open(server.folder().join(left))
            .unwrap();
        let modified = file.metadata().unwrap().modified().unwrap();
        let hour_ago = modified - Duration::from_secs(3_600);
        file.set_modified(hour_ago).unwrap();
    }
    back_up(&server, "next.db");
    assert_eq!(names_in(server.folder()), ["data", "next.db"]);
}
