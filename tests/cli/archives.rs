//! Export and import as commands: the files, pipes and settings that they are given.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
#[cfg(unix)]
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

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

#[cfg(unix)]
#[test]
fn an_archive_is_for_its_owner_alone() {
    let server = stopped_server(&[1], 1);
    let (_folder, archive) = archive_of(&server);
    let mode = || fs::metadata(&archive).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(), 0o600);
    // One that is gone on with becomes so.
    let text = fs::read_to_string(&archive).unwrap();
    fs::write(&archive, text.split_inclusive('\n').next().unwrap()).unwrap();
    fs::set_permissions(&archive, fs::Permissions::from_mode(0o644)).unwrap();
    let mut resume = server.command();
    let resume = resume
        .args(["export", "--resume", "--output"])
        .arg(&archive);
    assert_eq!(Finished::of(resume).code, Some(0));
    assert_eq!(mode(), 0o600);
    assert_eq!(fs::read_to_string(&archive).unwrap(), text);
}

/// However long the messages are that come after short ones.
#[test]
fn no_line_is_much_longer_than_its_last_messages() {
    let mut server = stopped_server(&[300], 1);
    server.restart();
    let ada = Api::unregistered(&server.url(), "user_id=ada");
    for number in 301..=330 {
        let message = json!({ "message_id": uuid(number), "img": "x".repeat(1 << 20) });
        let conversation = json!({ "id": uuid(1), "messages": [message] });
        assert_eq!(
            ada.post(&json!({ "conversations": [conversation] })).status,
            200
        );
    }
    server.stop();
    let (_folder, archive) = archive_of(&server);
    let lines = BufReader::new(File::open(archive).unwrap()).lines();
    let longest = lines.map(|line| line.unwrap().len()).max();
    assert!(longest < Some(13 << 20), "{longest:?}");
}

#[cfg(target_os = "linux")]
#[test]
fn an_export_that_nobody_takes_fails_in_one_line() {
    let server = stopped_server(&[2_000], 100);
    // A database for tests is warned of.
    let mut export = server.command();
    let export = export
        .arg("export")
        .env("CONVOSYNC__LOG__LEVEL", "off")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = export.spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert_eq!(
        stderr,
        "convosync: cannot write the archive: Broken pipe (os error 32)\n"
    );
    let mut export = server.command();
    let full = File::create("/dev/full").unwrap();
    let status = export
        .arg("export")
        .stdout(full)
        .stderr(Stdio::null())
        .status();
    assert_eq!(status.unwrap().code(), Some(1));
}

#[cfg(target_os = "linux")]
#[test]
fn what_has_no_end_of_line_is_no_archive() {
    let folder = tempdir().unwrap();
    let finished = import(folder.path(), Path::new("/dev/zero"), &[]);
    assert_eq!(
        finished.complaint(1),
        "line 1: this is not an archive of Convosync"
    );
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);

    let server = stopped_server(&[1], 1);
    let mut resume = server.command();
    let resume = resume.args(["export", "--resume", "--output", "/dev/zero"]);
    assert_eq!(
        Finished::of(resume).complaint(1),
        "cannot go on with /dev/zero: this is not an archive of Convosync"
    );
}
