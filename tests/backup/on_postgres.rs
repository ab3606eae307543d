//! What the commands say and do where the store is in PostgreSQL.

use convosync_test_postgres::TestServer;
use serde_json::json;

use super::{command, done, post, pulled};
use crate::support::Server;
use crate::support::api::Api;
use crate::support::{Finished, convosync};

const URL: &str = "postgres://127.0.0.1:1/nowhere";

/// Nothing is connected to for it.
#[test]
fn backups_of_postgresql_are_left_to_its_own_tools() {
    let folder = tempfile::tempdir().unwrap();
    for (arguments, complaint) in [
        (
            ["backup", "--to", "backup.db"].as_slice(),
            "a store in PostgreSQL is backed up by PostgreSQL's own tools: pg_dump, or pg_basebackup with archived WAL",
        ),
        (
            &["restore", "backup.db"],
            "a store in PostgreSQL is restored by PostgreSQL's own tools; then stop the server and run \
             `convosync restore --already-restored`",
        ),
        (
            &["serve"],
            "backup.every_hours: is for stores in an SQLite file: PostgreSQL has tools of its own for backups \
             (from the environment variable CONVOSYNC__BACKUP__EVERY_HOURS)",
        ),
    ] {
        let mut command = convosync(folder.path());
        command.env("CONVOSYNC__DATABASE__URL", URL).args(arguments);
        command.env("CONVOSYNC__BACKUP__EVERY_HOURS", "24");
        assert_eq!(Finished::of(&mut command).complaint(2), complaint);
    }
}

#[test]
fn a_database_that_was_restored_begins_another_life() {
    let settings = [("CONVOSYNC__LOG__LEVEL", "off")];
    let database = TestServer::shared().new_database();
    let mut server = Server::start_on(Some(database), &settings);
    let ada = Api::register(&server.url(), "user_id=ada");
    let bob = Api::register(&server.url(), "user_id=bob");
    post(&ada, 1, "of ada");
    post(&bob, 2, "of bob");
    let cursor = bob.drain(None, 100, |_| ());
    assert_eq!(done(&server, &["check"]), "ok\n");
    server.stop();
    // Another store in which ada was erased, of which there is an archive.
    let mut other = Server::start_on(None, &[]);
    let erased = Api::register(&other.url(), "user_id=ada");
    assert_eq!(erased.erase().status, 204);
    other.stop();
    let archive = server.folder().join("archive");
    let archive = archive.to_str().unwrap();
    done(&other, &["export", "--output", archive]);

    let arguments = ["restore", "--already-restored", "--erasures", archive];
    let finished = command(&server, &arguments);
    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert_eq!(
        finished.stdout,
        "devices pull anew; 1 visitors erased again\n"
    );
    server.restart();
    let visitor = |name| Api::unregistered(&server.url(), name);
    assert_eq!(visitor("user_id=ada").changes().status, 410);
    let bob = visitor("user_id=bob");
    let changes = format!("/api/sync-conversations/changes/?user_id=bob&since={cursor}");
    assert_eq!(bob.send("GET", &changes, None).status, 410);
    assert_eq!(pulled(&bob)[0]["title"], json!("of bob"));
    assert_eq!(done(&server, &["check"]), "ok\n");
}
