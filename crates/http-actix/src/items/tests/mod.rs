//! Posts as texts, and what is read of them.

use std::sync::Arc;

use convosync_application::sync::{MessageText as _, Submission};
use convosync_domain::conversation::ConversationPatch;
use convosync_domain::fields::PartId;
use convosync_domain::json::JsonValue;
use convosync_domain::message::MessagePatch;
use convosync_domain::patch::Patch;
use convosync_domain::posted::PostedChange;
use convosync_domain::timestamp::Timestamp;

use super::*;
use crate::body::Body;
use crate::json::{Leniency, Refusal, Violation};
use crate::settings::{Limits, UnknownFields};

mod documents;
mod fields;
mod limits;
mod mended;
mod messages;
mod shapes;
mod unknown_fields;

const ID: &str = r#""id":"6518856d-63ae-5696-b190-8593ef95598b""#;
const MESSAGE_ID: &str = r#""message_id":"7518856d-63ae-5696-b190-8593ef95598b""#;

fn submission(body: &[u8], limits: Limits) -> Result<Submission<RawMessage>, Refusal> {
    Body::new(body.to_vec(), limits, 7)
        .and_then(|body| read_submission(&Arc::new(body), Leniency::FULL))
        .map(|post| post.submission)
}

fn read(body: &str) -> Submission<RawMessage> {
    submission(body.as_bytes(), Limits::default())
        .unwrap_or_else(|refusal| panic!("{body}: {refusal:?}"))
}

fn shown(violations: &[Violation]) -> Vec<String> {
    violations
        .iter()
        .map(|violation| format!("{}: {}", violation.path(), violation.message()))
        .collect()
}

/// What is wrong with a post, messages included.
fn violations(body: impl AsRef<[u8]>) -> Vec<String> {
    match submission(body.as_ref(), Limits::default()) {
        Ok(submission) => submission
            .conversations
            .iter()
            .flat_map(|conversation| &conversation.messages)
            .filter_map(|message| message.text.read().err())
            .flat_map(|violations| shown(&violations))
            .collect(),
        Err(Refusal::Invalid(violations)) => shown(&violations),
        Err(other) => panic!("{other:?}"),
    }
}

/// What is wrong with a post of which every message is read at once.
fn violations_at_once(body: &str, leniency: Leniency) -> Vec<String> {
    let body = Body::new(body.into(), Limits::default(), 7).unwrap();
    match read_submission(&Arc::new(body), leniency) {
        Ok(_) => Vec::new(),
        Err(Refusal::Invalid(violations)) => shown(&violations),
        Err(other) => panic!("{other:?}"),
    }
}

/// A post of one conversation with these further fields.
fn conversation(fields: &str) -> String {
    format!("{{\"conversations\":[{{{ID}{fields}}}]}}")
}

/// A post of one message with these further fields.
fn message(fields: &str) -> String {
    conversation(&format!(",\"messages\":[{{{MESSAGE_ID}{fields}}}]"))
}

fn conversation_patch(fields: &str) -> ConversationPatch {
    match read(&conversation(fields)).conversations.remove(0).change {
        PostedChange::Fields { patch, .. } => patch,
        PostedChange::Deletion { .. } => panic!("a deletion"),
    }
}

fn message_patch(fields: &str) -> MessagePatch {
    match message_change(fields) {
        PostedChange::Fields { patch, .. } => patch,
        PostedChange::Deletion { .. } => panic!("a deletion"),
    }
}

fn message_change(fields: &str) -> PostedChange<MessagePatch> {
    let post = read(&message(fields));
    post.conversations[0].messages[0]
        .text
        .read()
        .unwrap()
        .change
}

fn json(text: &str) -> JsonValue {
    JsonValue::parse(text).unwrap()
}

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}
