//! A store that is moved to another one, by an archive: it answers as before, whatever the kinds of
//! the two.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use convosync_test_postgres::{TestDatabase, TestServer};
use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};
use tempfile::tempdir;

use crate::model::histories::{Operation, VISITORS, history};
use crate::support::api::Api;
use crate::support::{Finished, Server};

const REAL_CONVERSATIONS: &str = include_str!("data/real-conversations.json");

fn visitors() -> Vec<String> {
    let kinds = ["anon_id", "user_id"].into_iter().cycle();
    let generated = (0..VISITORS).zip(kinds);
    let generated = generated.map(|(number, kind)| format!("{kind}=visitor-{number}"));
    let others = ["user_id=real", "user_id=empty", "anon_id=empty"];
    generated.chain(others.map(str::to_owned)).collect()
}

/// Posts the same generated histories every time, each for the visitors of these numbers.
pub(crate) fn post_histories(apis: &[Api], histories: usize) {
    let mut runner = TestRunner::deterministic();
    for _ in 0..histories {
        for operation in history(30).new_tree(&mut runner).unwrap().current() {
            if let Operation::Post {
                visitor,
                body,
                lenient,
                ..
            } = operation
            {
                let taken = lenient.map_or(body, |lenient| lenient.taken);
                assert_eq!(apis[visitor].post(&taken).status, 200);
            }
        }
    }
}

/// Fills a server with generated histories, real conversations, which are returned, and visitors who
/// have nothing.
fn fill(server: &Server) -> Value {
    let apis: Vec<_> = visitors()
        .iter()
        .map(|visitor| Api::register(&server.url(), visitor))
        .collect();
    post_histories(&apis, 10);
    let real: Value = serde_json::from_str(REAL_CONVERSATIONS).unwrap();
    assert_eq!(apis[VISITORS].post(&real).status, 200);
    // JSON values are stored with the white space they were sent with.
    let loose = "{\"conversations\": [{\"id\": \"00000000-66f6-55dd-a51e-72802d37cafa\", \"x\": {\n\
         }, \"messages\": [{\"message_id\": \"6518856d-63ae-5696-b190-8593ef95598b\", \"metadata\": [\r\n\
         \"\\n\u{2028}\", 2.50 \n]}]}]}";
    assert_eq!(apis[VISITORS].try_post(loose).unwrap().status, 200);
    real
}

/// Every answer to a GET that a visitor can have, cursors left out: they are of one store.
fn answers(server: &Server) -> Vec<Value> {
    let mut answers = Vec::new();
    for visitor in visitors() {
        let api = Api::unregistered(&server.url(), &visitor);
        answers.push(json!(api.ids()));
        for limit in [1, 7, 500] {
            api.drain(None, limit, |page| {
                answers.push(json!([page["conversations"], page["has_more"]]));
            });
        }
    }
    answers
}

fn command(server: &Server, arguments: &[&str]) -> Finished {
    // A database for tests is warned of: it is not durable.
    let mut command = server.command();
    Finished::of(command.args(arguments).env("CONVOSYNC__LOG__LEVEL", "off"))
}

fn done(finished: &Finished) {
    assert_eq!(finished.code, Some(0), "{finished:?}");
}

/// A server that has not been started yet on a store that is not there yet.
fn new_server(database: Option<TestDatabase>) -> Server {
    let mut server = Server::start_on(database, &[]);
    server.kill();
    server
}

fn export(server: &mut Server, archive: &Path) {
    server.stop();
    done(&command(
        server,
        &["export", "--output", archive.to_str().unwrap()],
    ));
}

fn import(server: &mut Server, archive: &Path) {
    done(&command(server, &["import", archive.to_str().unwrap()]));
    server.restart();
}

#[test]
fn a_store_is_moved_to_postgresql_and_back() {
    let folder = tempdir().unwrap();
    let archive = |name: &str| folder.path().join(name);
    let mut first = Server::start_on(None, &[]);
    let real = fill(&first);
    let expected = answers(&first);
    let ada = Api::unregistered(&first.url(), "user_id=real");
    let cursor = ada.drain(None, 500, |_| ());
    export(&mut first, &archive("first"));

    let mut second = new_server(Some(TestServer::shared().new_database()));
    import(&mut second, &archive("first"));
    assert_eq!(answers(&second), expected);

    // What devices hold of the old store they cannot go on from, and what they post is known.
    let ada = Api::unregistered(&second.url(), "user_id=real");
    let old = format!("/api/sync-conversations/changes/?user_id=real&since={cursor}");
    assert_eq!(ada.send("GET", &old, None).status, 410);
    let before = ada.drain(None, 500, |_| ());
    let answer = ada.post(&real);
    assert_eq!(answer.status, 200, "{answer:?}");
    let counts = answer.json();
    let created = (&counts["created"], &counts["messages_created"]);
    assert_eq!(created, (&json!(0), &json!(0)));
    assert_eq!(ada.drain(None, 500, |_| ()), before);

    export(&mut second, &archive("second"));
    let mut third = new_server(None);
    import(&mut third, &archive("second"));
    assert_eq!(answers(&third), expected);
    export(&mut third, &archive("third"));
    let text = |name| fs::read_to_string(archive(name)).unwrap();
    assert!(text("first") == text("second") && text("second") == text("third"));
}

#[test]
fn importing_again_goes_on_where_it_broke_off() {
    let folder = tempdir().unwrap();
    let (whole, part) = (folder.path().join("whole"), folder.path().join("part"));
    let mut first = Server::start();
    fill(&first);
    let expected = answers(&first);
    export(&mut first, &whole);
    let bytes = fs::read(&whole).unwrap();
    let mut second = Server::start();
    second.stop();
    for length in [bytes.len() / 3, bytes.len() - 1, bytes.len() - 60] {
        fs::write(&part, &bytes[..length]).unwrap();
        let finished = command(&second, &["import", part.to_str().unwrap()]);
        assert_eq!(
            finished.complaint(1),
            "the archive ends early: import the whole of it to go on"
        );
    }
    for _ in 0..2 {
        import(&mut second, &whole);
        assert_eq!(answers(&second), expected);
        second.stop();
    }
}

/// Whoever was served by half of an archive pulls again: what came later has numbers that its cursor
/// has passed already.
#[test]
fn what_was_pulled_from_half_an_archive_is_pulled_again() {
    let folder = tempdir().unwrap();
    let (whole, part) = (folder.path().join("whole"), folder.path().join("part"));
    let mut first = Server::start();
    fill(&first);
    export(&mut first, &whole);
    let bytes = fs::read(&whole).unwrap();
    let mut second = Server::start();
    second.stop();
    fs::write(&part, &bytes[..bytes.len() - 60]).unwrap();
    let finished = command(&second, &["import", part.to_str().unwrap()]);
    assert_eq!(finished.code, Some(1));
    second.restart();
    let cursors: Vec<_> = visitors()
        .into_iter()
        .map(|visitor| (Api::unregistered(&second.url(), &visitor), visitor))
        .filter(|(api, visitor)| {
            let ids = format!("/api/sync-conversations/?{visitor}");
            api.send("GET", &ids, None).status == 200
        })
        .map(|(api, visitor)| (api.drain(None, 500, |_| ()), visitor))
        .collect();
    assert!(!cursors.is_empty());
    second.stop();
    import(&mut second, &whole);
    for (cursor, visitor) in cursors {
        let changes = format!("/api/sync-conversations/changes/?{visitor}&since={cursor}");
        let api = Api::unregistered(&second.url(), &visitor);
        assert_eq!(api.send("GET", &changes, None).status, 410);
    }
}

#[test]
fn an_export_goes_on_where_it_broke_off() {
    let folder = tempdir().unwrap();
    let (whole, part) = (folder.path().join("whole"), folder.path().join("part"));
    let mut server = Server::start();
    fill(&server);
    let expected = answers(&server);
    export(&mut server, &whole);
    let bytes = fs::read(&whole).unwrap();
    let again = ["export", "--resume", "--output", part.to_str().unwrap()];
    let lines = bytes.iter().filter(|byte| **byte == b'\n').count();
    assert!(lines > 5, "{lines}");
    let header = bytes.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    for length in [bytes.len() / 2, bytes.len() - 1, header + 10, header, 0] {
        fs::write(&part, &bytes[..length]).unwrap();
        done(&command(&server, &again));
        let mut other = new_server(None);
        import(&mut other, &part);
        assert_eq!(answers(&other), expected, "after {length} bytes");
    }
    let finished = command(&server, &again);
    assert!(
        finished.complaint(1).ends_with(": it is whole"),
        "{finished:?}"
    );
    let begun = "{\"convosync_archive\":2,\"digest_seed\":\"1\"}\n";
    fs::write(&part, begun).unwrap();
    let finished = command(&server, &again);
    assert_eq!(
        finished.complaint(1),
        "the file was begun from another store"
    );
    assert_eq!(fs::read_to_string(&part).unwrap(), begun);
    fs::write(&part, begun.replace('2', "1")).unwrap();
    let finished = command(&server, &again);
    assert!(
        finished
            .complaint(1)
            .ends_with(": an earlier version of this program has begun it"),
        "{finished:?}"
    );
    fs::write(&part, "other").unwrap();
    let finished = command(&server, &again);
    assert!(
        finished.complaint(1).contains("this is not an archive"),
        "{finished:?}"
    );
    assert_eq!(fs::read_to_string(&part).unwrap(), "other");
    let finished = command(&server, &["export", "--output", part.to_str().unwrap()]);
    assert!(
        finished.complaint(1).starts_with("cannot write "),
        "{finished:?}"
    );
}

#[test]
fn whoever_is_gone_stays_gone_in_the_new_store() {
    let folder = tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let mut first = Server::start();
    let register = |visitor| Api::register(&first.url(), visitor);
    let (ada, bob) = (register("user_id=ada"), register("user_id=bob"));
    register("anon_id=theirs");
    assert_eq!(ada.merge("theirs").status, 200);
    assert_eq!(bob.erase().status, 204);
    export(&mut first, &path("first"));
    let mut second = new_server(None);
    import(&mut second, &path("first"));
    second.restart();
    let visitor = |name| Api::unregistered(&second.url(), name);
    for (name, error) in [
        ("user_id=bob", "Visitor was erased"),
        ("anon_id=theirs", "Visitor was merged"),
    ] {
        let gone = visitor(name).changes();
        assert_eq!((gone.status, &gone.json()["error"]), (410, &json!(error)));
    }
    // It is still known whose everything is.
    assert_eq!(visitor("user_id=ada").merge("theirs").status, 200);
    export(&mut second, &path("second"));
    let text = |name| fs::read_to_string(path(name)).unwrap();
    assert_eq!(text("second"), text("first"));
}

#[test]
fn an_archive_goes_through_a_pipe() {
    let mut first = Server::start();
    fill(&first);
    let expected = answers(&first);
    first.stop();
    let mut second = Server::start();
    second.stop();
    let mut exporting = first.command();
    let exporting = exporting
        .arg("export")
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut exporting = exporting.spawn().unwrap();
    let mut importing = second.command();
    importing
        .arg("import")
        .stdin(exporting.stdout.take().unwrap());
    done(&Finished::of(&mut importing));
    assert!(exporting.wait().unwrap().success());
    second.restart();
    assert_eq!(answers(&second), expected);
}

#[test]
fn what_is_no_archive_is_refused_by_line() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("archive");
    let header = r#"{"convosync_archive":2,"digest_seed":"7"}"#;
    let end = r#"{"convosync_archive_end":true,"visitors":0,"tombstones":1}"#;
    let gone = r#"{"convosync_tombstone":{"id":"00000000-0000-0000-0000-000000000001","gone_at":"2025-01-01T00:00:00Z"}}"#;
    for (archive, complaint) in [
        (String::new(), "line 1: this is not an archive of Convosync"),
        ("{}\n".into(), "line 1: this is not an archive of Convosync"),
        (
            "{\"convosync_archive\":9,\"digest_seed\":\"7\"}\n".into(),
            "line 1: the archive has version 9, and this program reads versions 1 to 2",
        ),
        (
            format!("{header}\n{{\n"),
            "line 2: body: not JSON: EOF while parsing an object at line 1 column 1",
        ),
        (format!("{header}\n\n"), "line 2: body: empty"),
        (
            format!("{header}\n{{\"conversations\":[]}}\n"),
            "line 2: sync: is missing or not as it should be at column 20",
        ),
        (
            format!("{header}\n{gone}\n{end}\n{end}\n"),
            "line 4: comes after the end",
        ),
        (
            format!("{header}\n{gone}\n{}\n", end.replace('0', "4")),
            "the archive has 0 visitors where it should have 4",
        ),
        (
            format!("{header}\n{end}\n"),
            "the archive has 0 visitors who are gone where it should have 1",
        ),
        (
            format!("{header}\n{}\n", gone.replace("gone_at", "at")),
            "line 2: convosync_tombstone: is not as it should be at column 72",
        ),
    ] {
        fs::write(&path, archive).unwrap();
        let server = new_server(None);
        let finished = command(&server, &["import", path.to_str().unwrap()]);
        assert_eq!(finished.complaint(1), complaint);
    }
}

#[test]
fn a_store_with_visitors_of_its_own_is_not_imported_into() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("archive");
    let mut first = Server::start();
    fill(&first);
    export(&mut first, &path);
    let mut second = Server::start();
    let api = Api::register(&second.url(), "user_id=real");
    second.stop();
    let finished = command(&second, &["import", path.to_str().unwrap()]);
    assert_eq!(
        finished.complaint(1),
        "the store has visitors already who are not from this archive"
    );
    second.restart();
    let api_again = Api::unregistered(&second.url(), "user_id=real");
    drop(api);
    assert!(api_again.ids().is_empty());
}

#[test]
fn there_is_nothing_to_export_where_no_store_is() {
    let folder = tempdir().unwrap();
    let finished = crate::support::run(folder.path(), &["export"]);
    assert_eq!(
        finished.complaint(1),
        "there is no store at data/convosync.db"
    );
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    let missing = crate::support::run(folder.path(), &["import", "/nowhere/archive"]);
    assert!(
        missing
            .complaint(1)
            .starts_with("cannot read /nowhere/archive: ")
    );
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    let usage = crate::support::run(folder.path(), &["export", "--resume"]);
    assert_eq!(usage.code, Some(2));
}
