//! Stores made by an earlier schema, with data in them: what they hold is there afterwards, and goes on.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::process::Stdio;
use std::thread;
use std::time::Instant;

use convosync_test_postgres::TestServer;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Text;
use serde_json::{Value, json};

use crate::support::api::Api;
use crate::support::{Finished, Server, report, scaled};

/// A server of the released version has filled them, and written their archives.
pub(crate) const STORES: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../tests/data/stores/20261124000001"
);

fn data(name: &str) -> String {
    fs::read_to_string(Path::new(STORES).join(name)).unwrap()
}

/// A stopped server on a copy of the old store, and the archive of it.
fn old_store(settings: &[(&str, &str)]) -> (Server, String) {
    let on_postgres = std::env::var("CONVOSYNC_TEST_STORE").as_deref() == Ok("postgres");
    if on_postgres {
        let database = TestServer::shared().new_database();
        database.execute(&data("postgres.sql"));
        let mut server = Server::start_on(Some(database), settings);
        server.stop();
        return (server, data("postgres.ndjson"));
    }
    let mut server = Server::start_on(None, settings);
    server.stop();
    let store = server.folder().join("data/convosync.db");
    for beside in ["convosync.db-wal", "convosync.db-shm"] {
        // They are of the store that is replaced. The last connection that closes takes them with it, but a server
        // that is stopped as soon as it listens may be opening one.
        let removed = fs::remove_file(store.with_file_name(beside));
        assert!(removed.map_or_else(|error| error.kind() == ErrorKind::NotFound, |()| true));
    }
    fs::copy(Path::new(STORES).join("convosync.db"), store).unwrap();
    (server, data("sqlite.ndjson"))
}

#[test]
fn everything_is_there_afterwards() {
    let (server, archive) = old_store(&[]);
    let finished = Finished::of(server.command().arg("export"));
    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert_eq!(between(&finished.stdout), between(&archive));
}

/// The lines of an archive but the first and the last, which are others in one of version 1.
fn between(archive: &str) -> Vec<String> {
    let lines: Vec<_> = archive.lines().map(str::to_owned).collect();
    let [_, between @ .., _] = &*lines else {
        panic!("no archive: {archive}");
    };
    between.to_vec()
}

#[test]
fn an_archive_of_version_1_is_imported() {
    let (old, archive) = old_store(&[]);
    let mut new = Server::start();
    new.stop();
    let path = new.folder().join("archive");
    fs::write(&path, &archive).unwrap();
    let imported = Finished::of(new.command().arg("import").arg(&path));
    assert_eq!(imported.code, Some(0), "{imported:?}");
    let exported = |server: &Server| {
        let finished = Finished::of(server.command().arg("export"));
        assert_eq!(finished.code, Some(0), "{finished:?}");
        finished.stdout
    };
    assert_eq!(exported(&new), exported(&old));
}

#[test]
fn it_is_pulled_item_by_item_and_goes_on() {
    let (mut server, _) = old_store(&[("CONVOSYNC__LIMITS__PAGE_BYTES", "1")]);
    server.restart();
    let ada = Api::unregistered(&server.url(), "user_id=ada");
    let uuid = |number: u32| format!("{number:08x}-0000-4000-8000-000000000000");
    let mut living = 0;
    ada.drain(None, 1_000, |page| {
        let conversations = page["conversations"].as_array().unwrap();
        assert!(conversations.len() <= 1, "{page}");
        let messages = conversations
            .iter()
            .map(|it| it["messages"].as_array().unwrap().len());
        let messages: usize = messages.sum();
        assert!(messages <= 1, "{page}");
        living += messages;
    });
    // Two of everything, and of the four conversations 3, 2, none and 1; a dead one is left out of a first pull.
    assert_eq!(living, 7);
    let revived = json!({ "conversations": [{ "id": uuid(3), "updated_at": "2026-02-01T00:00:00Z",
        "messages": [{ "message_id": "chatcmpl-1", "img": "z" }, { "message_id": uuid(0x31) }] }] });
    let answer = ada.post(&revived);
    assert_eq!(answer.status, 200, "{answer:?}");
    let answer: Value = answer.json();
    assert_eq!(
        (&answer["updated"], &answer["messages_created"]),
        (&json!(1), &json!(1))
    );
    assert!(ada.ids().contains(&uuid(3)));
}

/// What an expression of SQL is, as text, in the store of a stopped server.
fn value(server: &Server, expression: &str) -> String {
    if let Some(database) = server.database() {
        return database.value(expression);
    }
    let path = server.folder().join("data/convosync.db");
    let mut connection = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
    let expression = format!("CAST(({expression}) AS TEXT)");
    let value = diesel::select(sql::<Text>(&expression));
    value.get_result(&mut connection).unwrap()
}

/// How many visitors have other counters than rows.
fn miscounted(server: &Server) -> String {
    let (conversations, messages) = match server.database() {
        Some(_) => (
            "conversations c WHERE c.visitor_id = v.id",
            "messages m WHERE m.visitor_id = v.id",
        ),
        None => (
            "conversations c WHERE c.visitor = v.id",
            "messages m JOIN conversations c ON c.id = m.conversation WHERE c.visitor = v.id",
        ),
    };
    let expression = format!(
        "SELECT count(*) FROM visitors v WHERE v.living_conversations <>
            (SELECT count(*) FROM {conversations} AND c.content_bytes > 0)
         OR v.content_bytes <> (SELECT coalesce(sum(c.content_bytes), 0) FROM {conversations})
            + (SELECT coalesce(sum(m.content_bytes), 0) FROM {messages})"
    );
    value(server, &expression)
}

/// The sizes in a store of an earlier schema were not measured by this program, so what an edit takes away has to
/// be what the store has counted.
#[test]
fn what_a_visitor_has_is_counted_from_then_on() {
    let (mut server, _) = old_store(&[]);
    let finished = Finished::of(server.command().arg("migrate"));
    assert_eq!(finished.code, Some(0), "{finished:?}");
    let living = "SELECT sum(living_conversations) FROM visitors";
    assert_eq!(value(&server, living), "5");
    assert_ne!(
        value(&server, "SELECT min(content_bytes) FROM visitors"),
        "0"
    );
    assert_eq!(miscounted(&server), "0");

    server.restart();
    let ada = Api::unregistered(&server.url(), "user_id=ada");
    let uuid = |number: u32| format!("{number:08x}-0000-4000-8000-000000000000");
    let now = "2026-02-01T00:00:00Z";
    let edited = json!({ "id": uuid(1), "title": "Edited", "updated_at": now,
        "messages": [{ "message_id": uuid(0x11), "img": "y" }, { "message_id": "new" }] });
    let deleted = json!({ "id": uuid(2), "deleted_at": now });
    let revived =
        json!({ "id": uuid(3), "updated_at": now, "messages": [{ "message_id": "new" }] });
    let answer = ada.post(&json!({ "conversations": [edited, deleted, revived] }));
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.json()["created"], json!(0));
    server.stop();
    assert_eq!(miscounted(&server), "0");
}

/// How often a migration is killed: `CONVOSYNC_KILLED_MIGRATIONS`, 3 unless set.
fn kills() -> u32 {
    scaled("CONVOSYNC_KILLED_MIGRATIONS", 3).try_into().unwrap()
}

/// Killed at any moment, a migration has happened or has not, and the next one does what is left.
#[test]
fn a_migration_that_is_killed_is_done_by_the_next_one() {
    let (server, _) = old_store(&[]);
    let migrate = |server: &Server| {
        let mut command = server.command();
        command.arg("migrate").stdin(Stdio::null());
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().unwrap()
    };
    let started = Instant::now();
    assert!(migrate(&server).wait().unwrap().success());
    let takes = started.elapsed();
    let mut killed = 0;
    for kill in 0..kills() {
        let (server, archive) = old_store(&[]);
        let mut migrating = migrate(&server);
        // Spread over the time that it takes, and a little beyond.
        thread::sleep(takes * (kill * 37 % 100 + 5) / 100);
        let _ = migrating.kill();
        killed += u32::from(!migrating.wait().unwrap().success());
        let finished = Finished::of(server.command().arg("migrate"));
        assert_eq!(finished.code, Some(0), "{finished:?}");
        let exported = Finished::of(server.command().arg("export"));
        assert_eq!(exported.code, Some(0), "{exported:?}");
        assert_eq!(between(&exported.stdout), between(&archive));
        assert_eq!(miscounted(&server), "0");
    }
    assert!(killed > 0, "none was still at work");
    report(
        "G23",
        &format!(
            "{killed} of {} migrations killed, all done by the next",
            kills()
        ),
    );
}
