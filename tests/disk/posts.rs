//! What is posted on disks that fail, and whether it is there afterwards.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Text;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Answer, Finished, Server};

const MESSAGES: u128 = 5;

/// A conversation that tells by its title whether it is whole; `size` says how long its texts are.
pub(super) fn body(id: &str, size: usize) -> Value {
    let messages: Vec<_> = (0..MESSAGES)
        .map(|number| {
            json!({
                "message_id": Uuid::from_u128(number).to_string(),
                "request": { "id": 1, "request_messages_content": "Hi" },
                "output": { "id": 1, "output_content_text": text(size) },
            })
        })
        .collect();
    let title = format!("{id} {size}");
    json!({ "conversations": [{ "id": id, "title": title, "messages": messages }] })
}

fn text(size: usize) -> String {
    "0123456789".repeat(size / 10)
}

/// The ids of the conversations in the store of a server that does not run, each of which is whole.
///
/// # Errors
/// What is wrong with it.
pub(super) fn stored(server: &Server) -> Result<BTreeSet<String>, String> {
    let exported = Finished::of(server.command().arg("export"));
    if exported.code != Some(0) {
        return Err(format!("no export: {exported:?}"));
    }
    let mut stored: BTreeMap<String, u128> = BTreeMap::new();
    for line in exported.stdout.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        let conversations = line["conversations"].as_array();
        for conversation in conversations.map_or(&[][..], Vec::as_slice) {
            let id = conversation["id"].as_str().unwrap();
            let messages = conversation["messages"].as_array();
            let messages = messages.map_or(&[][..], Vec::as_slice);
            let title = conversation["title"].as_str().unwrap_or_default();
            let size = title.strip_prefix(id).map(|size| size.trim().parse());
            let Some(Ok(size)) = size else {
                return Err(format!("{id} is stored by half: {conversation}"));
            };
            for message in messages {
                let is_whole = message["request"].is_object()
                    && message["output"]["output_content_text"] == text(size);
                if !is_whole {
                    return Err(format!("{id} is stored by half: {message}"));
                }
            }
            *stored.entry(id.to_owned()).or_default() += u128::try_from(messages.len()).unwrap();
        }
    }
    match stored.iter().find(|(_, messages)| **messages != MESSAGES) {
        Some((id, messages)) => Err(format!("{id} is stored by half: {messages} messages")),
        None => Ok(stored.into_keys().collect()),
    }
}

/// What SQLite finds wrong with the file of a store that nobody uses.
///
/// # Errors
/// That.
pub(super) fn integrity(path: &Path) -> Result<(), String> {
    let mut connection = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
    let found = sql::<Text>("(SELECT group_concat(integrity_check) FROM pragma_integrity_check)");
    let found: String = diesel::select(found)
        .get_result(&mut connection)
        .map_err(|error| error.to_string())?;
    match &*found {
        "ok" => Ok(()),
        found => Err(found.to_owned()),
    }
}

/// Whether a write was taken; where it was not, it was refused as it has to be.
pub(super) fn is_taken(answer: &Answer) -> bool {
    is_taken_or(answer, None)
}

/// The same, where one more code is right.
pub(super) fn is_taken_or(answer: &Answer, code: Option<&str>) -> bool {
    if matches!(answer.status, 200 | 201 | 204) {
        return true;
    }
    let told = answer.json();
    let told = told["code"].as_str().expect("a code");
    let expected = match answer.status {
        503 => Some("storage_unavailable"),
        507 => Some("storage_full"),
        _ => code,
    };
    assert_eq!(Some(told), expected, "{answer:?}");
    false
}
