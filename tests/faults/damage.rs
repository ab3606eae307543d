//! A file that somebody has written into.

use std::fs::{self, OpenOptions};
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::Path;

use serde_json::Value;

use super::{post, server, until};
use crate::crashes::id;
use crate::support::api::Api;
use crate::support::{Finished, Server};

const PAGE: u64 = 4_096;

/// Overwrites the file from this byte to this one, as a disk that fails might.
fn overwrite(file: &Path, from: u64, to: u64) {
    let mut file = OpenOptions::new().write(true).open(file).unwrap();
    file.seek(SeekFrom::Start(from)).unwrap();
    file.write_all(&vec![0xff; usize::try_from(to - from).unwrap()])
        .unwrap();
}

/// A stopped server with some conversations in its file.
fn filled() -> (Server, std::path::PathBuf, u64) {
    let (mut server, ada) = server(&[]);
    for number in 0..60 {
        post(&ada, &id(0, 0, number));
    }
    assert!(server.stop().success());
    let file = server.folder().join("data/convosync.db");
    let length = fs::metadata(&file).unwrap().len();
    (server, file, length)
}

#[test]
fn a_damaged_page_is_an_internal_error_of_whoever_meets_it() {
    let (mut server, file, length) = filled();
    // The last pages hold messages; the visitor is on one of the first.
    overwrite(&file, length - 20 * PAGE, length);
    server.restart();
    let ada = Api::unregistered(&server.url(), "user_id=ada");
    let answer = ada.changes();
    assert_eq!(answer.status, 500, "{answer:?}");
    let body: Value = answer.json();
    assert_eq!(body["error"], "Internal error", "{body}");
    let request = body["request_id"].as_str().unwrap();
    until("the log does not tell", || {
        let said = server.stderr();
        let mut lines = said.lines();
        lines
            .any(|line| line.contains(request) && line.contains("database disk image is malformed"))
    });
    assert!(!server.stderr().contains("panicked"));
    // Of the others nobody notices.
    assert_eq!(server.get("/readyz").status, 200);
    let bob = Api::register(&server.url(), "user_id=bob");
    assert_eq!(bob.ids().len(), 0);
    assert!(server.stop().success());
    assert!(fs::metadata(&file).unwrap().len() >= length);
}

#[test]
fn a_damaged_page_ends_a_start_that_looks_for_it() {
    let (server, file, length) = filled();
    overwrite(&file, length - 20 * PAGE, length);
    let before = fs::read(&file).unwrap();
    let mut command = server.command();
    command.env("CONVOSYNC__DATABASE__CHECK_AT_START", "true");
    command.env("CONVOSYNC__SERVER__PORT", "0");
    let finished = Finished::of(&mut command);
    let complaint = finished.complaint(1);
    assert!(
        complaint.contains("data/convosync.db is damaged: "),
        "{complaint}"
    );
    assert!(fs::read(&file).unwrap() == before);
}

#[test]
fn a_file_that_is_no_database_any_more_ends_a_start_and_is_left_alone() {
    let (server, file, _) = filled();
    overwrite(&file, 0, PAGE);
    let before = fs::read(&file).unwrap();
    let mut command = server.command();
    let finished = Finished::of(command.env("CONVOSYNC__SERVER__PORT", "0"));
    let complaint = finished.complaint(1);
    assert!(complaint.starts_with("cannot open "), "{complaint}");
    assert!(
        complaint.ends_with("data/convosync.db: file is not a database"),
        "{complaint}"
    );
    assert!(fs::read(&file).unwrap() == before);
}
