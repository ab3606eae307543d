//! Backups of a store in a file: made while it is used, put in its place, and looked through.

mod checking;
mod killed;
mod making;
mod on_postgres;
mod restoring;
mod scheduled;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::support::api::Api;
use crate::support::{Finished, Server};

/// A server whose store is a file, whatever the environment of the tests asks for.
fn server(settings: &[(&str, &str)]) -> Server {
    Server::start_on(None, settings)
}

fn store_of(server: &Server) -> PathBuf {
    server.folder().join("data/convosync.db")
}

/// Runs a command with the settings of a server.
fn command(server: &Server, arguments: &[&str]) -> Finished {
    Finished::of(server.command().args(arguments))
}

/// Runs a command that is to succeed, and returns what it printed.
fn done(server: &Server, arguments: &[&str]) -> String {
    let finished = command(server, arguments);
    assert_eq!(finished.code, Some(0), "{finished:?}");
    finished.stdout
}

/// Backs up the store of a server to a file of this name in its folder.
fn back_up(server: &Server, name: &str) -> PathBuf {
    let path = server.folder().join(name);
    let text = path.to_str().unwrap();
    assert_eq!(done(server, &["backup", "--to", text]), format!("{text}\n"));
    path
}

/// A post of one conversation with one message that says this.
fn post(api: &Api, number: u128, text: &str) {
    let message = json!({
        "message_id": uuid(number),
        "output": { "id": 1, "output_content_text": text },
    });
    let conversation = json!({ "id": uuid(number), "title": text, "messages": [message] });
    let answer = api.post(&json!({ "conversations": [conversation] }));
    assert_eq!(answer.status, 200, "{answer:?}");
}

fn uuid(number: u128) -> String {
    uuid::Uuid::from_u128(number).to_string()
}

/// What a visitor has, as a new device pulls it.
fn pulled(api: &Api) -> Vec<Value> {
    let mut pulled = Vec::new();
    api.drain(None, 1_000, |page| {
        pulled.extend(page["conversations"].as_array().unwrap().clone());
    });
    pulled
}

/// The names of what is in a folder.
fn names_in(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = names
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// How often a text stands in the files of a folder and the folders in it.
fn count_in(folder: &Path, text: &str) -> usize {
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap());
    files
        .map(|file| {
            let path = file.path();
            if path.is_dir() {
                return count_in(&path, text);
            }
            let bytes = fs::read(&path).unwrap();
            let windows = bytes.windows(text.len());
            windows.filter(|window| *window == text.as_bytes()).count()
        })
        .sum()
}
