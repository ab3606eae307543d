//! The archive of a store, line by line. Each line but the first is a body that a post takes, with
//! `sync` beside the conversations: what a post has no word for, and what it therefore ignores.

use std::fmt;
use std::sync::Arc;

use convosync_application::export_store::ArchiveLine;
use convosync_application::sync::{MessageText as _, SubmittedConversation, SubmittedMessage};
use convosync_domain::archive::{ArchivedConversation, ArchivedMessage, ArchivedVisitor};
use convosync_domain::conversation::Conversation;
use convosync_domain::identity::{VisitorId, VisitorIdentity};
use convosync_domain::message::Message;
use convosync_domain::posted::PostedChange;
use convosync_domain::stored::{
    ConversationHistory, MessageHistory, StoredConversation, StoredMessage,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::body::Body;
use super::fault::{Fault, Refusal};
use super::items::push_archived;
use super::json_writer::{ObjectWriter, push, push_array};
use super::message::RawMessage;
use super::submission::read_submission;
use super::sync_object::{
    DigestText, Moment, Number, SyncConversation, SyncMessage, SyncObject, SyncVisitor,
};
use crate::settings::{Limits, UnknownFields};

/// The version of the format that is written, and the only one that is read.
const VERSION: u32 = 1;

/// The first line.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Header {
    convosync_archive: u32,
    /// In decimal digits, as a text: not every reader of JSON has 64 bits for a number.
    digest_seed: String,
}

/// The last line, without which an archive is not whole.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct End {
    convosync_archive_end: bool,
    visitors: u64,
}

/// A line of an archive but the first.
#[derive(Clone, Debug, PartialEq)]
pub enum Line {
    /// Items of a visitor.
    Items(ArchiveLine),
    /// The end of the archive.
    End {
        /// How many visitors it has.
        visitors: u64,
    },
}

/// What is wrong with a line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct LineError(String);

impl LineError {
    fn new(problem: impl fmt::Display) -> Self {
        Self(problem.to_string())
    }
}

impl From<Fault> for LineError {
    fn from(fault: Fault) -> Self {
        Self(format!("{}: {}", fault.path(), fault.message()))
    }
}

/// The first line of an archive whose digests have this seed.
#[must_use]
pub fn write_header(digest_seed: u64) -> Vec<u8> {
    let mut out = Vec::new();
    push(
        &mut out,
        &Header {
            convosync_archive: VERSION,
            digest_seed: digest_seed.to_string(),
        },
    );
    out.push(b'\n');
    out
}

/// The seed of the digests that the first line of an archive tells.
///
/// # Errors
/// [`LineError`] when the line is not one that this program can have written.
pub fn read_header(line: &[u8]) -> Result<u64, LineError> {
    let not_an_archive = |_| LineError::new("this is not an archive of Convosync");
    let header: Header = serde_json::from_slice(line).map_err(not_an_archive)?;
    if header.convosync_archive != VERSION {
        return Err(LineError(format!(
            "the archive has version {}, and this program reads version {VERSION}",
            header.convosync_archive
        )));
    }
    let seed = header.digest_seed.parse();
    seed.map_err(|_not_shown| LineError::new("digest_seed: must be a number of 64 bits"))
}

/// The last line of an archive of so many visitors.
#[must_use]
pub fn write_end(visitors: u64) -> Vec<u8> {
    let mut out = Vec::new();
    let end = End {
        convosync_archive_end: true,
        visitors,
    };
    push(&mut out, &end);
    out.push(b'\n');
    out
}

/// A line of items.
#[must_use]
pub fn write_line(line: &ArchiveLine) -> Vec<u8> {
    let mut out = Vec::with_capacity(4 << 10);
    let mut document = ObjectWriter::new(&mut out);
    push_array(
        document.key("conversations"),
        &line.conversations,
        push_archived,
    );
    push(document.key("sync"), &SyncObject::of(line));
    document.end();
    // JSON values are kept as they were sent. Outside of strings, where they are escaped, ends of
    // lines are white space.
    for byte in out.iter_mut().filter(|byte| matches!(byte, b'\n' | b'\r')) {
        *byte = b' ';
    }
    out.push(b'\n');
    out
}

/// A line that [`write_line`] or [`write_end`] wrote, or another program in their way.
///
/// # Errors
/// [`LineError`], which names the first bad place.
pub fn read_line(line: Vec<u8>) -> Result<Line, LineError> {
    match serde_json::from_slice(&line) {
        Ok(End {
            convosync_archive_end: true,
            visitors,
        }) => Ok(Line::End { visitors }),
        _ => read_items(line).map(Line::Items),
    }
}

fn read_items(line: Vec<u8>) -> Result<ArchiveLine, LineError> {
    // What was stored kept the limits of the server it was posted to.
    let limits = Limits::none();
    let body = Body::new(line, limits, 0).map_err(first_fault)?;
    let body = Arc::new(body);
    let posted = read_submission(&body, UnknownFields::Keep).map_err(first_fault)?;
    let document: Document = serde_json::from_str(body.text()).map_err(|error| {
        // What the parser says may quote what is there.
        LineError(format!(
            "sync: is missing or not as it should be at column {}",
            error.column()
        ))
    })?;
    let SyncObject {
        visitor,
        conversations,
    } = document.sync;
    let visitor = visitor_of(visitor)?;
    if conversations.len() != posted.conversations.len() {
        return Err(LineError::new(
            "sync.conversations: must be as many as conversations",
        ));
    }
    let archived = posted.conversations.into_iter().zip(conversations);
    let archived = archived.enumerate().map(|(index, (posted, sync))| {
        let reader = ItemReader {
            place: format!("conversations[{index}]"),
            change_counter: visitor.change_counter,
        };
        reader.conversation(posted, sync)
    });
    Ok(ArchiveLine {
        conversations: archived.collect::<Result<_, _>>()?,
        visitor,
    })
}

#[derive(Deserialize)]
struct Document {
    sync: SyncObject,
}

fn first_fault(refusal: Refusal) -> LineError {
    match refusal {
        Refusal::Invalid(faults) => first_of(faults),
        Refusal::TooMany(most, what) => LineError(format!("more than {most} {what}")),
    }
}

fn first_of(faults: Vec<Fault>) -> LineError {
    let first = faults.into_iter().next();
    first.map_or_else(|| LineError::new("invalid"), LineError::from)
}

fn visitor_of(visitor: SyncVisitor) -> Result<ArchivedVisitor, LineError> {
    if visitor.is_registered() != visitor.user_id.is_some() {
        return Err(LineError::new(
            "sync.visitor.user_id: registered visitors have one, and no others",
        ));
    }
    let id = VisitorId::from_uuid(Uuid::from(visitor.id));
    if let Some(user_id) = &visitor.user_id {
        let identity = VisitorIdentity::registered(user_id.as_str());
        let identity =
            identity.map_err(|error| LineError(format!("sync.visitor.user_id: {error}")))?;
        if VisitorId::from(&identity) != id {
            return Err(LineError::new(
                "sync.visitor.id: is not that of its user_id",
            ));
        }
    }
    Ok(ArchivedVisitor {
        id,
        user_id: visitor.user_id,
        registered_at: visitor.registered_at.into(),
        change_counter: visitor.change_counter.into(),
    })
}

/// Puts the two halves of an item together: what was in the shape of a post, and what beside it.
struct ItemReader {
    /// Where the item's conversation is.
    place: String,
    /// No item of the visitor has a higher number.
    change_counter: u64,
}

impl ItemReader {
    fn conversation(
        &self,
        posted: SubmittedConversation<RawMessage>,
        sync: SyncConversation,
    ) -> Result<ArchivedConversation, LineError> {
        let place = &self.place;
        if posted.messages.len() != sync.messages.len() {
            return Err(LineError(format!(
                "{place}.messages: must be as many as in sync"
            )));
        }
        let history = ConversationHistory {
            stamp: sync.stamp.map(Moment::into),
            future_stamp: sync.future_stamp.map(Moment::into),
            erased_through: sync.erased_through.map(Moment::into),
        };
        let patch = self.content(place, posted.change, history.is_dead())?;
        let messages = posted.messages.into_iter().zip(sync.messages);
        let messages = messages.enumerate().map(|(index, (posted, sync))| {
            self.message(
                &format!("{place}.messages[{index}]"),
                &posted,
                &sync,
                history,
            )
        });
        Ok(ArchivedConversation {
            messages: messages.collect::<Result<_, _>>()?,
            conversation: StoredConversation {
                id: posted.id,
                history,
                content: patch.map(Conversation::created_from),
            },
            change_number: self.change_number(place, sync.change_number)?,
        })
    }

    fn message(
        &self,
        place: &str,
        posted: &SubmittedMessage<RawMessage>,
        sync: &SyncMessage,
        conversation: ConversationHistory,
    ) -> Result<ArchivedMessage, LineError> {
        let history = MessageHistory {
            stamp: sync.stamp.map(Moment::into),
            own_stamp: sync.own_stamp.map(Moment::into),
            future_stamp: sync.future_stamp.map(Moment::into),
            deleted_at: sync.deleted_at.map(Moment::into),
        };
        let change = posted.text.read().map_err(first_of)?;
        let patch = self.content(place, change, history.is_dead_in(&conversation))?;
        Ok(ArchivedMessage {
            message: StoredMessage {
                id: posted.id,
                history,
                content: patch.map(|patch| Box::new(Message::created_from(patch))),
                digest: sync.digest.map(DigestText::into),
            },
            change_number: self.change_number(place, sync.change_number)?,
        })
    }

    /// The fields of an item; none of a dead one.
    fn content<P>(
        &self,
        place: &str,
        change: PostedChange<P>,
        is_dead: bool,
    ) -> Result<Option<P>, LineError> {
        match (change, is_dead) {
            (PostedChange::Fields { patch, .. }, false) => Ok(Some(patch)),
            (PostedChange::Deletion { .. }, true) => Ok(None),
            _ => Err(LineError(format!(
                "{place}.deleted_at: must be there where sync makes the item dead, and only there"
            ))),
        }
    }

    fn change_number(&self, place: &str, number: Number) -> Result<u64, LineError> {
        let number = number.into();
        if (1..=self.change_counter).contains(&number) {
            return Ok(number);
        }
        Err(LineError(format!(
            "{place}: change_number must be 1 to the visitor's change_counter"
        )))
    }
}

#[cfg(test)]
mod tests;
