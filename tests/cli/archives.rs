//! Export and import as commands: the files, pipes and settings that they are given.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::{TempDir, tempdir};

use crate::support::api::Api;
use crate::support::{Finished, Server, convosync};

/// A stopped server with conversations of these numbers of messages, each with an image so long.
fn stopped_server(messages: &[usize], image: usize) -> Server {
    let mut server = Server::start();
    let ada = Api::register(&server.url(), "user_id=ada");
    for (conversation, messages) in (1..).zip(messages) {
        let messages: Vec<Value> = (1..=*messages)
            .map(|number| json!({ "message_id": uuid(number), "img": "x".repeat(image) }))
            .collect();
        let conversation = json!({ "id": uuid(conversation), "messages": messages });
        let answer = ada.post(&json!({ "conversations": [conversation] }));
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    server.stop();
    server
}

fn uuid(number: usize) -> String {
    format!("00000000-0000-4000-8000-{number:012}")
}

/// The archive of a server, in a folder that goes with the test.
fn archive_of(server: &Server) -> (TempDir, PathBuf) {
    let folder = tempdir().unwrap();
    let path = folder.path().join("archive");
    let mut export = server.command();
    let finished = Finished::of(export.args(["export", "--output"]).arg(&path));
    assert_eq!(finished.code, Some(0), "{finished:?}");
    (folder, path)
}

/// Imports into a store of this folder.
fn import(folder: &Path, archive: &Path, settings: &[(&str, &str)]) -> Finished {
    let mut command = convosync(folder);
    command.envs(settings.iter().copied());
    Finished::of(command.arg("import").arg(archive))
}

#[test]
fn a_store_that_lets_few_wait_is_imported_into() {
    let (folder, archive) = archive_of(&stopped_server(&[900, 700, 1_900], 1));
    let finished = import(
        folder.path(),
        &archive,
        &[("CONVOSYNC__LIMITS__QUEUE", "1")],
    );
    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert_eq!(finished.stderr, "imported 1 visitors\n");
}
