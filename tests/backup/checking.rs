//! Whether a store is looked through as it should be. (What each kind of damage is called, the tests of the stores say.)

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;

use super::{command, done, post, store_of};
use crate::model::histories::VISITORS;
use crate::moving::post_histories;
use crate::support::api::Api;
use crate::support::{Server, run};

/// On the kind of store that the environment of the tests asks for.
#[test]
fn a_store_of_many_posts_is_sound() {
    let server = Server::start_with(&[("CONVOSYNC__LOG__LEVEL", "off")]);
    let apis: Vec<_> = (0..VISITORS)
        .map(|number| Api::register(&server.url(), &format!("user_id=visitor-{number}")))
        .collect();
    post_histories(&apis, 20);
    let other = Api::register(&server.url(), "user_id=other");
    Api::register(&server.url(), "anon_id=anonymous");
    post(&other, 1, "hello");
    assert_eq!(other.merge("anonymous").status, 200);
    assert_eq!(apis[0].erase().status, 204);
    // Beside the server that serves it.
    assert_eq!(done(&server, &["check"]), "ok\n");
}

#[test]
fn what_is_wrong_is_told_line_by_line_and_nothing_of_whom() {
    let mut server = super::server(&[]);
    let zoe = Api::register(&server.url(), "user_id=zoe");
    post(&zoe, 1, "something private");
    server.stop();
    let path = store_of(&server);
    let mut connection = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
    connection
        .batch_execute("UPDATE visitors SET content_bytes = 7; UPDATE messages SET metadata = '{'")
        .unwrap();
    drop(connection);
    let finished = command(&server, &["check"]);
    assert_eq!(finished.code, Some(1), "{finished:?}");
    let lines: Vec<_> = finished.stdout.lines().collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[0].starts_with("visitors "), "{lines:?}");
    assert_eq!(lines[1], "messages 1: metadata is not JSON");
    assert_eq!(
        finished.stderr,
        "convosync: the store has 2 of what cannot be so\n"
    );
    for secret in ["zoe", "private"] {
        assert!(!finished.stdout.contains(secret), "{lines:?}");
    }
}

#[test]
fn there_is_nothing_to_check_where_no_store_is() {
    let folder = tempfile::tempdir().unwrap();
    let finished = run(folder.path(), &["check"]);
    assert_eq!(
        finished.complaint(1),
        "there is no store at data/convosync.db"
    );
    let finished = run(folder.path(), &["check", "backup.db"]);
    assert!(finished.complaint(1).starts_with("there is no store at /"));
    assert!(super::names_in(folder.path()).is_empty());
}
