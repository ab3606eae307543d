//! How a backup takes the place of a store.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;

use super::{back_up, command, count_in, done, names_in, post, pulled, server, store_of, uuid};
use crate::support::Server;
use crate::support::api::Api;

const MARKER: &str = "what nobody is to find any more";

fn sqlite(path: &Path, statements: &str) {
    let mut connection = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
    connection.batch_execute(statements).unwrap();
}

fn changes_since(api: &Api, visitor: &str, cursor: &str) -> u16 {
    let path = format!("/api/sync-conversations/changes/?{visitor}&since={cursor}");
    api.send("GET", &path, None).status
}

/// A server with something of a visitor in its store, and a backup of it.
fn backed_up() -> (Server, Api) {
    let server = server(&[]);
    let ada = Api::register(&server.url(), "user_id=ada");
    post(&ada, 1, "kept");
    back_up(&server, "backup.db");
    (server, ada)
}

#[test]
fn a_restored_store_is_what_was_backed_up_and_takes_the_rest_again() {
    let (mut server, ada) = backed_up();
    post(&ada, 2, "later");
    let cursor = ada.drain(None, 100, |_| ());
    server.stop();
    let printed = done(&server, &["restore", "backup.db", "--force"]);
    let lines: Vec<_> = printed.lines().collect();
    assert_eq!(lines[0], "restored data/convosync.db from backup.db");
    let kept = lines[1].strip_prefix("what was there is kept as ").unwrap();
    assert!(kept.contains("convosync.db.replaced-"), "{kept}");
    assert_eq!(done(&server, &["check", kept]), "ok\n");
    assert_eq!(done(&server, &["check"]), "ok\n");
    server.restart();
    let ada = Api::unregistered(&server.url(), "user_id=ada");
    assert_eq!(ada.ids(), [uuid(1)]);
    // A device does not go on from what is not there any more, but pulls anew and posts what it has.
    assert_eq!(changes_since(&ada, "user_id=ada", &cursor), 410);
    assert_eq!(pulled(&ada).len(), 1);
    post(&ada, 2, "later");
    assert_eq!(ada.ids().len(), 2);
}

#[test]
fn whoever_has_gone_since_is_gone_from_what_is_restored() {
    let mut server = server(&[]);
    let register = |name| Api::register(&server.url(), name);
    let (ada, bob) = (register("user_id=ada"), register("user_id=bob"));
    let (merged, orphan) = (register("anon_id=merged"), register("anon_id=orphan"));
    post(&ada, 1, MARKER);
    post(&merged, 2, "of bob in the end");
    post(&orphan, 3, MARKER);
    let key = done(&server, &["key", "create", "--scope", "admin"]);
    let keys = done(&server, &["key", "list", "--json"]);
    let keys: serde_json::Value = serde_json::from_str(&keys).unwrap();
    let key_id = keys[0]["id"].as_str().unwrap().to_owned();
    assert!(key.contains(&key_id));
    back_up(&server, "backup.db");

    assert_eq!(ada.erase().status, 204);
    assert_eq!(bob.merge("merged").status, 200);
    // Of a visitor whom the backup does not know, and who is gone, too.
    let carl = Api::register(&server.url(), "user_id=carl");
    assert_eq!(carl.merge("orphan").status, 200);
    assert_eq!(carl.erase().status, 204);
    done(&server, &["key", "revoke", &key_id]);
    server.stop();
    let printed = done(&server, &["restore", "backup.db", "--force"]);
    assert!(
        printed.starts_with(
            "restored data/convosync.db from backup.db; 2 visitors erased again; \
             1 visitors merged again; 1 API keys revoked again\n"
        ),
        "{printed}"
    );
    fs::remove_file(server.folder().join("backup.db")).unwrap();
    assert_eq!(count_in(server.folder(), MARKER), 0);
    assert_eq!(done(&server, &["check"]), "ok\n");
    let keys = done(&server, &["key", "list", "--json"]);
    let keys: serde_json::Value = serde_json::from_str(&keys).unwrap();
    assert_eq!(keys[0]["state"], "revoked", "{keys}");
    server.restart();
    let visitor = |name| Api::unregistered(&server.url(), name);
    for gone in [
        "user_id=ada",
        "user_id=carl",
        "anon_id=merged",
        "anon_id=orphan",
    ] {
        assert_eq!(visitor(gone).changes().status, 410, "{gone}");
    }
    assert_eq!(visitor("user_id=bob").ids(), [uuid(2)]);
}

#[test]
fn where_the_store_is_lost_others_tell_who_has_gone() {
    for source in ["archive", "other.db", "backups"] {
        let (mut server, ada) = backed_up();
        assert_eq!(ada.erase().status, 204);
        let mut arguments = vec!["restore", "backup.db"];
        match source {
            "backups" => {
                fs::create_dir(server.folder().join("data/backups")).unwrap();
                back_up(&server, "data/backups/convosync-20261128T170000Z.db");
            }
            "other.db" => {
                back_up(&server, source);
                arguments.extend(["--erasures", source]);
            }
            _ => {
                server.stop();
                done(&server, &["export", "--output", source]);
                arguments.extend(["--erasures", source]);
            }
        }
        server.kill();
        for name in names_in(&server.folder().join("data")) {
            drop(fs::remove_file(server.folder().join("data").join(name)));
        }
        let printed = done(&server, &arguments);
        assert_eq!(
            printed,
            "restored data/convosync.db from backup.db; 1 visitors erased again\n"
        );
        server.restart();
        let ada = Api::unregistered(&server.url(), "user_id=ada");
        assert_eq!(ada.changes().status, 410, "{source}");
    }
}

#[test]
fn what_cannot_tell_who_has_gone_is_refused() {
    let (mut server, _) = backed_up();
    server.stop();
    done(&server, &["export", "--output", "archive"]);
    let archive = fs::read_to_string(server.folder().join("archive")).unwrap();
    let cut = &archive[..archive.len() - 40];
    fs::write(server.folder().join("cut"), cut).unwrap();
    fs::write(server.folder().join("text"), "hello\n").unwrap();
    sqlite(
        &server.folder().join("foreign.db"),
        "CREATE TABLE t (x INTEGER)",
    );
    let before = fs::read(store_of(&server)).unwrap();
    for (erasures, complaint) in [
        ("cut", "cannot read cut: the archive ends early"),
        (
            "text",
            "cannot read text: line 1: this is not an archive of Convosync",
        ),
        ("foreign.db", "is a database, but not a store of Convosync"),
        ("missing", "cannot read missing: "),
    ] {
        let arguments = ["restore", "backup.db", "--force", "--erasures", erasures];
        let finished = command(&server, &arguments);
        let line = finished.complaint(1);
        assert!(line.contains(complaint), "{line}");
    }
    assert_eq!(fs::read(store_of(&server)).unwrap(), before);
    assert_eq!(names_in(&server.folder().join("data")), ["convosync.db"]);
}

#[test]
fn what_is_no_whole_backup_is_refused() {
    let (mut server, _) = backed_up();
    server.stop();
    let path = |name: &str| server.folder().join(name);
    let whole = fs::read(path("backup.db")).unwrap();
    let mut damaged = whole.clone();
    // Pages in the middle.
    let length = damaged.len();
    damaged[length / 3..length / 2].fill(0xa5);
    fs::write(path("damaged.db"), damaged).unwrap();
    fs::write(path("cut.db"), &whole[..whole.len() / 2]).unwrap();
    fs::write(path("text.db"), "hello\n".repeat(1_000)).unwrap();
    fs::write(path("empty.db"), "").unwrap();
    sqlite(&path("foreign.db"), "CREATE TABLE t (x INTEGER)");
    fs::write(path("newer.db"), &whole).unwrap();
    sqlite(
        &path("newer.db"),
        "INSERT INTO __diesel_schema_migrations (version) VALUES ('99991231000000')",
    );
    fs::write(path("half.db"), &whole).unwrap();
    fs::write(path("half.db-wal"), "something").unwrap();
    let before = fs::read(store_of(&server)).unwrap();
    for (name, complaint) in [
        ("damaged.db", "damaged.db is damaged: "),
        ("cut.db", "cut.db is damaged: "),
        ("text.db", "text.db is not a database"),
        (
            "empty.db",
            "empty.db is a database, but not a store of Convosync",
        ),
        (
            "foreign.db",
            "foreign.db is a database, but not a store of Convosync",
        ),
        (
            "newer.db",
            "cannot use newer.db: its schema version 99991231000000 is newer than this program",
        ),
        ("half.db", "half.db has a write-ahead log beside it"),
        ("missing.db", "cannot read missing.db: "),
        ("data", "cannot read data: "),
        ("data/convosync.db", "data/convosync.db is the store itself"),
    ] {
        let finished = command(&server, &["restore", name, "--force"]);
        let line = finished.complaint(1);
        assert!(line.starts_with(complaint), "{name}: {line}");
    }
    assert_eq!(fs::read(store_of(&server)).unwrap(), before);
    assert_eq!(names_in(&server.folder().join("data")), ["convosync.db"]);
}

#[test]
fn a_store_is_not_replaced_under_a_server_or_unasked() {
    let (mut server, ada) = backed_up();
    post(&ada, 2, "later");
    for arguments in [
        ["restore", "backup.db", "--force"].as_slice(),
        &["restore", "backup.db"],
        &["restore", "--already-restored"],
    ] {
        let finished = command(&server, arguments);
        let line = finished.complaint(1);
        assert!(
            line.ends_with("data/convosync.db is in use: stop the server first"),
            "{line}"
        );
    }
    // The server goes on.
    post(&ada, 3, "later still");
    assert_eq!(ada.ids().len(), 3);
    server.stop();
    let finished = command(&server, &["restore", "backup.db"]);
    assert_eq!(
        finished.complaint(1),
        "data/convosync.db has data in it: --force replaces it and keeps it beside the new one"
    );
    server.restart();
    let ada = Api::unregistered(&server.url(), "user_id=ada");
    assert_eq!(ada.ids().len(), 3);
    for usage in [
        ["restore"].as_slice(),
        &["restore", "backup.db", "--already-restored"],
        &["restore", "--force", "--already-restored"],
    ] {
        assert_eq!(command(&server, usage).code, Some(2), "{usage:?}");
    }
}

#[test]
fn what_a_link_names_is_replaced_and_not_the_link() {
    let (mut server, ada) = backed_up();
    post(&ada, 2, "later");
    server.kill();
    let link = server.folder().join("link.db");
    symlink("data/convosync.db", &link).unwrap();
    let arguments = [
        "restore",
        "backup.db",
        "--force",
        "--database-url",
        "sqlite://link.db",
    ];
    done(&server, &arguments);
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    let names = names_in(&server.folder().join("data"));
    assert_eq!(names.len(), 2, "{names:?}");
    assert_eq!(done(&server, &["check"]), "ok\n");
    server.restart();
    let ada = Api::unregistered(&server.url(), "user_id=ada");
    assert_eq!(ada.ids(), [uuid(1)]);
}

#[test]
fn a_store_that_cannot_be_read_is_replaced_where_that_is_asked_for() {
    let (mut server, _) = backed_up();
    server.stop();
    fs::write(store_of(&server), "hello\n".repeat(1_000)).unwrap();
    let finished = command(&server, &["restore", "backup.db"]);
    let line = finished.complaint(1);
    assert!(
        line.ends_with("data/convosync.db is not a database"),
        "{line}"
    );
    let finished = command(&server, &["restore", "backup.db", "--force"]);
    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert!(
        finished.stderr.starts_with("who was erased from the store"),
        "{finished:?}"
    );
    let names = names_in(&server.folder().join("data"));
    assert_eq!(names.len(), 2, "{names:?}");
    assert!(names[1].starts_with("convosync.db.replaced-"), "{names:?}");
    server.restart();
    let ada = Api::unregistered(&server.url(), "user_id=ada");
    assert_eq!(ada.ids(), [uuid(1)]);
}

#[test]
fn a_backup_of_an_earlier_schema_is_brought_to_this_one() {
    let mut server = server(&[]);
    server.stop();
    let old = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../tests/data/stores/20261124000001/convosync.db"
    );
    let before = fs::read(old).unwrap();
    let checked = command(&server, &["check", old]);
    assert_eq!((checked.code, checked.stdout.as_str()), (Some(0), "ok\n"));
    assert!(checked.stderr.contains("were not compared"), "{checked:?}");
    // A new store has no data in it.
    let printed = done(&server, &["restore", old]);
    assert_eq!(printed, format!("restored data/convosync.db from {old}\n"));
    assert_eq!(done(&server, &["check"]), "ok\n");
    server.restart();
    let visitors = done(&server, &["visitor", "list", "--json"]);
    assert_ne!(visitors, "");
    assert_eq!(fs::read(old).unwrap(), before);
    assert_eq!(names_in(&server.folder().join("data"))[0], "convosync.db");
}

#[test]
fn a_store_that_another_program_has_restored_begins_another_life() {
    let (mut server, ada) = backed_up();
    let cursor = ada.drain(None, 100, |_| ());
    server.stop();
    fs::copy(server.folder().join("backup.db"), store_of(&server)).unwrap();
    let printed = done(&server, &["restore", "--already-restored"]);
    assert_eq!(printed, "devices pull anew\n");
    server.restart();
    let ada = Api::unregistered(&server.url(), "user_id=ada");
    assert_eq!(changes_since(&ada, "user_id=ada", &cursor), 410);
    assert_eq!(pulled(&ada).len(), 1);
    let folder = tempfile::tempdir().unwrap();
    let nowhere = crate::support::run(folder.path(), &["restore", "--already-restored"]);
    assert_eq!(
        nowhere.complaint(1),
        "there is no store at data/convosync.db"
    );
}
