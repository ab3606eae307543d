//! API keys of back ends, beside a running server.

use serde_json::{Value, json};
use tempfile::tempdir;

use crate::support::{Finished, Server, run};

/// (A database for tests is warned of.)
fn key(server: &Server, arguments: &[&str]) -> Finished {
    let mut command = server.command();
    command.env("CONVOSYNC__LOG__LEVEL", "off");
    Finished::of(command.arg("key").args(arguments))
}

/// Creates a key; returns its id and its token.
fn create(server: &Server, arguments: &[&str]) -> (String, String) {
    let finished = key(server, &[&["create"], arguments].concat());
    assert_eq!(finished.code, Some(0), "{finished:?}");
    let token = finished.stdout.strip_suffix('\n').unwrap().to_owned();
    let [prefix, id, secret] = *token.splitn(3, '_').collect::<Vec<_>>() else {
        panic!("a token has three parts");
    };
    assert_eq!((prefix, id.len(), secret.len()), ("csk", 16, 43));
    (id.to_owned(), token)
}

fn list(server: &Server) -> Vec<Value> {
    let finished = key(server, &["list", "--json"]);
    assert_eq!(finished.code, Some(0), "{finished:?}");
    serde_json::from_str(&finished.stdout).unwrap()
}

fn fields(listed: &Value, names: &[&str]) -> Value {
    names.iter().map(|name| listed[name].clone()).collect()
}

#[test]
fn a_key_is_created_listed_and_revoked_beside_a_running_server() {
    let server = Server::start();
    assert_eq!(list(&server), Vec::<Value>::new());
    let (first, _) = create(&server, &["--scope", "visitors:create,sync:any"]);
    let more = [
        "--scope",
        "admin",
        "--scope",
        "sync:any",
        "--name",
        "nächtlich",
    ];
    let (second, _) = create(&server, &[&more[..], &["--expires-in-days", "30"]].concat());
    let listed = list(&server);
    let shown = ["id", "name", "scopes", "state"];
    assert_eq!(
        listed
            .iter()
            .map(|it| fields(it, &shown))
            .collect::<Vec<_>>(),
        [
            json!([first, "", ["sync:any", "visitors:create"], "active"]),
            json!([second, "nächtlich", ["admin", "sync:any"], "active"]),
        ]
    );
    assert_eq!(
        fields(&listed[0], &["expires_at", "revoked_at"]),
        json!([null, null])
    );
    assert!(listed[1]["expires_at"].as_str() > listed[1]["created_at"].as_str());

    for expected in ["revoked\n", "revoked already\n"] {
        let finished = key(&server, &["revoke", &first]);
        assert_eq!(
            (finished.code, finished.stdout.as_str()),
            (Some(0), expected)
        );
    }
    let revoked = list(&server);
    assert_eq!(revoked[0]["state"], "revoked");
    assert!(revoked[0]["revoked_at"].is_string());
    assert_eq!(revoked[1], listed[1]);
    assert_eq!(server.get("/readyz").status, 200);
}

#[test]
fn what_is_secret_is_told_once() {
    let server = Server::start();
    let (id, token) = create(&server, &["--scope", "sync:any", "--name", "ours"]);
    let secret = &token[token.len() - 43..];
    for arguments in [&["list"][..], &["list", "--json"], &["revoke", &id]] {
        let finished = key(&server, arguments);
        assert_eq!(finished.code, Some(0), "{finished:?}");
        assert!(!format!("{finished:?}").contains(secret), "{arguments:?}");
    }
    let table = key(&server, &["list"]).stdout;
    let lines: Vec<Vec<_>> = table
        .lines()
        .map(|it| it.split_whitespace().collect())
        .collect();
    assert_eq!(
        lines[0],
        ["ID", "NAME", "SCOPES", "CREATED", "EXPIRES", "STATE"]
    );
    assert_eq!(lines[1][..3], [id.as_str(), "ours", "sync:any"]);
    assert_eq!(lines[1][4..], ["never", "revoked"]);
    assert_eq!(lines.len(), 2);
    let hidden = key(&server, &["revoke", &token]);
    assert!(!hidden.complaint(2).contains(secret), "{hidden:?}");
    assert!(!server.stderr().contains(secret));
    if server.database().is_none() {
        for entry in std::fs::read_dir(server.folder().join("data")).unwrap() {
            let bytes = std::fs::read(entry.unwrap().path()).unwrap();
            let holds = bytes
                .windows(secret.len())
                .any(|it| it == secret.as_bytes());
            assert!(!holds);
        }
    }
}

#[test]
fn an_unknown_key_is_not_revoked() {
    let server = Server::start();
    let unknown = key(&server, &["revoke", "00000000000000ab"]);
    assert_eq!(unknown.complaint(1), "there is no API key with this id");
    for id in ["", "ab", "00000000000000AB"] {
        assert_eq!(
            key(&server, &["revoke", id]).complaint(2),
            "an API key's id is 16 lower-case hexadecimal digits"
        );
    }
}

#[test]
fn what_no_key_can_be_is_refused() {
    let folder = tempdir().unwrap();
    let create = |arguments: &[&str]| {
        let finished = run(folder.path(), &[&["key", "create"], arguments].concat());
        assert_eq!(finished.code, Some(2), "{finished:?}");
        assert_eq!(finished.stdout, "");
        finished.stderr
    };
    assert!(create(&[]).contains("--scope"));
    for scope in ["", "sync", "Admin", "admin,", "admin,all"] {
        assert!(create(&["--scope", scope]).contains("sync:any"), "{scope}");
    }
    for days in ["0", "-1", "1.5", "4294967296"] {
        create(&["--scope", "admin", "--expires-in-days", days]);
    }
    for name in ["a\nb", &"x".repeat(101)] {
        assert_eq!(
            create(&["--scope", "admin", "--name", name]),
            "convosync: an API key's name is at most 100 characters with no control character\n"
        );
    }
    // Nor is a store made.
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn where_there_is_no_store_none_is_made_to_look_for_keys() {
    let folder = tempdir().unwrap();
    for arguments in [&["key", "list"][..], &["key", "revoke", "00000000000000ab"]] {
        let finished = run(folder.path(), arguments);
        assert_eq!(
            finished.complaint(1),
            "there is no store at data/convosync.db"
        );
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
