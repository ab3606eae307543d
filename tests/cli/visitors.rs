//! Visitors, by the command, beside a running server and without one.

use std::fs;
use std::io::Write as _;
use std::process::Stdio;

use serde_json::{Value, json};
use tempfile::tempdir;

use crate::support::api::Api;
use crate::support::{Finished, Server, run};

/// (A database for tests is warned of.)
fn visitor(server: &Server, arguments: &[&str]) -> Finished {
    let mut command = server.command();
    command.env("CONVOSYNC__LOG__LEVEL", "off");
    Finished::of(command.arg("visitor").args(arguments))
}

fn printed(finished: &Finished) -> &str {
    assert_eq!(finished.code, Some(0), "{finished:?}");
    finished.stdout.trim_end()
}

fn json_of(finished: &Finished) -> Value {
    serde_json::from_str(printed(finished)).unwrap()
}

fn body(ids: &[&str]) -> Value {
    let conversations: Vec<_> = ids
        .iter()
        .map(|id| json!({ "id": id, "title": "marker", "messages": [{ "message_id": "m" }] }))
        .collect();
    json!({ "conversations": conversations })
}

#[test]
fn visitors_are_listed_and_shown() {
    let server = Server::start();
    assert_eq!(printed(&visitor(&server, &["list"])).lines().count(), 1);
    assert_eq!(printed(&visitor(&server, &["list", "--json"])), "");
    let ada = Api::register(&server.url(), "user_id=ada");
    Api::register(&server.url(), "anon_id=secret");
    assert_eq!(ada.post(&body(&["a", "b"])).status, 200);

    let listed = visitor(&server, &["list", "--json"]);
    assert!(!listed.stdout.contains("secret"), "{listed:?}");
    let listed: Vec<Value> = printed(&listed)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(listed.len(), 2);
    let of = |kind: &str| listed.iter().find(|it| it["kind"] == kind).unwrap();
    let (registered, anonymous) = (of("registered"), of("anonymous"));
    assert_eq!(
        [
            &registered["user_id"],
            &registered["conversations"],
            &registered["messages"]
        ],
        [&json!("ada"), &json!(2), &json!(2)]
    );
    assert_eq!(
        [&anonymous["user_id"], &anonymous["last_changed_at"]],
        [&json!(null), &json!(null)]
    );
    let table = visitor(&server, &["list"]);
    let lines: Vec<_> = printed(&table).lines().collect();
    assert_eq!(lines.len(), 3, "{table:?}");
    assert!(lines[0].starts_with("ID "));
    assert!(lines[1..].iter().any(|line| line.ends_with("  ada")));

    let ids = [&registered["id"], &anonymous["id"]].map(|id| id.as_str().unwrap());
    for (named, expected) in [
        (["--user-id", "ada"], registered),
        (["--id", ids[0]], registered),
        (["--anon-id", "secret"], anonymous),
        (["--id", ids[1]], anonymous),
    ] {
        let shown = visitor(&server, &[&["show", "--json"], &named[..]].concat());
        assert_eq!(&json_of(&shown), expected);
        let shown = visitor(&server, &[&["show"], &named[..]].concat());
        assert!(printed(&shown).contains(expected["id"].as_str().unwrap()));
    }
}

#[test]
fn a_visitor_is_added_as_json() {
    let server = Server::start();
    for is_new in [true, false] {
        let added = visitor(&server, &["add", "--user-id", "ada", "--json"]);
        assert_eq!(
            json_of(&added),
            json!({ "user_id": "ada", "is_new": is_new })
        );
    }
    let added = json_of(&visitor(&server, &["add", "--json"]));
    assert_eq!(added["anon_id"].as_str().unwrap().len(), 43);
}

#[test]
fn an_export_is_posted_line_by_line() {
    let server = Server::start();
    let ada = Api::register(&server.url(), "user_id=ada");
    assert_eq!(ada.post(&body(&["a", "b"])).status, 200);
    let to_stdout = visitor(&server, &["export", "--user-id", "ada"]);
    let lines = printed(&to_stdout);
    let over_http = server.get("/api/visitors/export/?user_id=ada").text;
    assert_eq!(to_stdout.stdout, over_http);
    let bob = Api::register(&server.url(), "user_id=bob");
    for line in lines.lines() {
        assert_eq!(bob.try_post(line).unwrap().status, 200);
    }
    assert_eq!(bob.ids(), ["a", "b"]);

    let folder = tempdir().unwrap();
    let path = folder.path().join("export.ndjson");
    let to_file = ["export", "--user-id", "ada", "--to", path.to_str().unwrap()];
    let finished = visitor(&server, &[&to_file[..], &["--json"]].concat());
    assert_eq!(
        json_of(&finished),
        json!({ "lines": 1, "bytes": over_http.len() })
    );
    assert_eq!(fs::read_to_string(&path).unwrap(), over_http);
    // What is there is not overwritten, and for nobody there is no file.
    let again = visitor(&server, &to_file);
    assert!(again.complaint(1).starts_with("cannot write "), "{again:?}");
    assert_eq!(fs::read_to_string(&path).unwrap(), over_http);
    fs::remove_file(&path).unwrap();
    let nobody = [
        "export",
        "--user-id",
        "nobody",
        "--to",
        path.to_str().unwrap(),
    ];
    let nobody = visitor(&server, &nobody);
    assert_eq!(nobody.complaint(1), "there is no such visitor");
    assert!(!path.exists());
}

#[test]
fn an_anonymous_visitor_is_merged() {
    let server = Server::start();
    let ada = Api::register(&server.url(), "user_id=ada");
    let anonymous = Api::register(&server.url(), "anon_id=theirs");
    assert_eq!(ada.post(&body(&["a"])).status, 200);
    assert_eq!(anonymous.post(&body(&["a", "b"])).status, 200);
    let merge = ["merge", "--anon-id", "theirs", "--user-id", "ada"];
    let merged = visitor(&server, &merge);
    assert_eq!(
        printed(&merged),
        "1 conversations created, 1 updated. 1 messages created, 1 updated."
    );
    assert_eq!(ada.ids(), ["a", "b"]);
    let again = visitor(&server, &[&merge[..], &["--json"]].concat());
    let zeros = json!({ "created": 0, "updated": 0, "messages_created": 0, "messages_updated": 0 });
    assert_eq!(json_of(&again), zeros);
    for (anon_id, user_id, complaint) in [
        ("nobody", "ada", "one of the two is no visitor"),
        ("theirs", "nobody", "one of the two is no visitor"),
    ] {
        let refused = ["merge", "--anon-id", anon_id, "--user-id", user_id];
        assert_eq!(visitor(&server, &refused).complaint(1), complaint);
    }
    Api::register(&server.url(), "user_id=bob");
    let elsewhere = ["merge", "--anon-id", "theirs", "--user-id", "bob"];
    assert_eq!(
        visitor(&server, &elsewhere).complaint(1),
        "the visitor was merged into another user"
    );
}

#[test]
fn a_visitor_is_erased_when_somebody_says_so() {
    let server = Server::start();
    let ada = Api::register(&server.url(), "user_id=ada");
    assert_eq!(ada.post(&body(&["a"])).status, 200);
    let erase = |answer: &[u8]| {
        let mut command = server.command();
        command.env("CONVOSYNC__LOG__LEVEL", "off");
        command.args(["visitor", "erase", "--user-id", "ada"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(answer).unwrap();
        child.wait_with_output().unwrap()
    };
    for answer in ["", "\n", "n\n", "what?\n"] {
        let output = erase(answer.as_bytes());
        assert_eq!(output.status.code(), Some(1), "{answer:?}");
        assert_eq!(ada.ids(), ["a"]);
    }
    let output = erase(b"y\n");
    assert_eq!(output.status.code(), Some(0));
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert!(
        stdout.starts_with("erased the registered visitor "),
        "{stdout}"
    );
    assert!(stdout.contains("1 conversations, 1 messages"), "{stdout}");
    let names_vacuum = stdout.contains("VACUUM");
    assert_eq!(names_vacuum, server.database().is_some(), "{stdout}");
    assert_eq!(ada.changes().status, 410);
    let again = visitor(&server, &["erase", "--yes", "--user-id", "ada"]);
    assert_eq!(again.complaint(1), "the visitor was erased");
    let nobody = visitor(&server, &["erase", "--yes", "--user-id", "nobody"]);
    assert_eq!(nobody.complaint(1), "there is no such visitor");

    // By what the list shows, without a question.
    Api::register(&server.url(), "anon_id=secret");
    let listed = json_of(&visitor(&server, &["list", "--json"]));
    let id = listed["id"].as_str().unwrap();
    let erased = visitor(&server, &["erase", "--yes", "--json", "--id", id]);
    assert_eq!(json_of(&erased), listed);
    assert_eq!(printed(&visitor(&server, &["list"])).lines().count(), 1);
}

#[test]
fn what_names_nobody_is_a_mistake() {
    let folder = tempdir().unwrap();
    for arguments in [
        &["visitor", "show"][..],
        &["visitor", "show", "--user-id", "a", "--anon-id", "b"],
        &["visitor", "show", "--id", "ada"],
        &["visitor", "show", "--user-id", ""],
        &["visitor", "export", "--json", "--user-id", "a"],
        &["visitor", "merge", "--user-id", "a"],
        &["visitor", "merge", "--user-id", "a", "--anon-id", "b\n"],
        &["visitor", "erase", "--yes"],
        &["completions"],
        &["completions", "cmd"],
    ] {
        let finished = run(folder.path(), arguments);
        assert_eq!(finished.code, Some(2), "{finished:?}");
        assert_eq!(finished.stdout, "");
    }
    for arguments in [
        &["list"][..],
        &["show", "--user-id", "a"],
        &["export", "--user-id", "a"],
        &["merge", "--user-id", "a", "--anon-id", "b"],
        &["erase", "--yes", "--user-id", "a"],
    ] {
        let finished = run(folder.path(), &[&["visitor"], arguments].concat());
        assert_eq!(
            finished.complaint(1),
            "there is no store at data/convosync.db"
        );
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn every_shell_is_helped() {
    let folder = tempdir().unwrap();
    // It needs no settings, sound ones or others.
    fs::write(folder.path().join("convosync.toml"), "nonsense").unwrap();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let finished = run(
            folder.path(),
            &["--config", "convosync.toml", "completions", shell],
        );
        let script = printed(&finished);
        for word in ["convosync", "visitor", "erase", "database-url"] {
            assert!(script.contains(word), "{shell}: {word}");
        }
    }
}
