//! The archive of a store, line by line. Each line of a visitor is a body that a post takes, with `sync` beside the
//! conversations: what a post has no word for, and what it therefore ignores. Then come those who are gone.

mod item_reader;
mod sync_object;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use convosync_application::export_store::{ArchiveCounts, ArchiveLine, VisitorItems};
use convosync_domain::archive::ArchivedVisitor;
use convosync_domain::feed::ChangedConversation;
use convosync_domain::identity::{VisitorId, VisitorIdentity};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::body::Body;
use crate::items::{push_archived, push_conversation, read_submission};
use crate::json::{Leniency, ObjectWriter, Refusal, Violation, end_line, push, push_array};
use crate::settings::Limits;
use item_reader::ItemReader;
use sync_object::{SyncObject, SyncTombstone, SyncVisitor};

/// The version of the format that is written.
const VERSION: u32 = 2;
/// The first version is read, too. It does not tell of those who are gone, nor when visitors last changed.
const VERSION_MIN: u32 = 1;

/// How the line of a visitor who is gone begins.
const TOMBSTONE: &[u8] = b"{\"convosync_tombstone\"";

/// No first line is longer, in bytes: what is no archive may have no ends of lines.
pub const HEADER_BYTES_MAX: u64 = 1 << 10;

/// What the first line of an archive tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArchiveHeader {
    /// The version of the format.
    pub version: u32,
    /// The seed of the digests.
    pub digest_seed: u64,
}

impl ArchiveHeader {
    /// Whether the archive is of the version that this program writes.
    #[must_use]
    pub fn is_current(self) -> bool {
        self.version == VERSION
    }
}

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
    #[serde(default)]
    tombstones: u64,
}

/// The line of a visitor who is gone.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct TombstoneLine {
    convosync_tombstone: SyncTombstone,
}

/// A line of an archive but the first.
#[derive(Clone, Debug, PartialEq)]
pub enum Line {
    /// Of whom it tells.
    Archived(ArchiveLine),
    /// The end of the archive, and of how many it tells.
    End(ArchiveCounts),
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

impl From<Violation> for LineError {
    fn from(violation: Violation) -> Self {
        Self(format!("{}: {}", violation.path(), violation.message()))
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

/// The first line of an archive.
///
/// # Errors
/// [`LineError`] when the line is not one that this program or an earlier version of it can have written.
pub fn read_header(line: &[u8]) -> Result<ArchiveHeader, LineError> {
    let not_an_archive = |_| LineError::new("this is not an archive of Convosync");
    let header: Header = serde_json::from_slice(line).map_err(not_an_archive)?;
    let version = header.convosync_archive;
    if !(VERSION_MIN..=VERSION).contains(&version) {
        return Err(LineError(format!(
            "the archive has version {version}, and this program reads versions {VERSION_MIN} to {VERSION}"
        )));
    }
    let seed = header.digest_seed.parse();
    let digest_seed =
        seed.map_err(|_not_shown| LineError::new("digest_seed: must be a number of 64 bits"))?;
    Ok(ArchiveHeader {
        version,
        digest_seed,
    })
}

/// The last line of an archive of so many visitors.
#[must_use]
pub fn write_end(counts: ArchiveCounts) -> Vec<u8> {
    let ArchiveCounts {
        visitors,
        tombstones,
    } = counts;
    let mut out = Vec::new();
    let end = End {
        convosync_archive_end: true,
        visitors,
        tombstones,
    };
    push(&mut out, &end);
    out.push(b'\n');
    out
}

/// A line of its own, in no archive: a body that a post takes, of conversations as a pull shows them.
#[must_use]
pub fn write_posted(conversations: &[ChangedConversation]) -> Vec<u8> {
    let mut out = Vec::with_capacity(4 << 10);
    let mut document = ObjectWriter::new(&mut out);
    push_array(
        document.key("conversations"),
        conversations,
        push_conversation,
    );
    document.end();
    end_line(&mut out);
    out
}

/// A line between the first and the last.
#[must_use]
pub fn write_line(line: &ArchiveLine) -> Vec<u8> {
    match line {
        ArchiveLine::Items(items) => write_items(items),
        ArchiveLine::Tombstone(tombstone) => {
            let mut out = Vec::new();
            let convosync_tombstone = tombstone.into();
            let line = TombstoneLine {
                convosync_tombstone,
            };
            push(&mut out, &line);
            end_line(&mut out);
            out
        }
    }
}

fn write_items(line: &VisitorItems) -> Vec<u8> {
    let mut out = Vec::with_capacity(4 << 10);
    let mut document = ObjectWriter::new(&mut out);
    push_array(
        document.key("conversations"),
        &line.conversations,
        push_archived,
    );
    push(document.key("sync"), &SyncObject::of(line));
    document.end();
    end_line(&mut out);
    out
}

/// A line that [`write_line`] or [`write_end`] wrote, or another program in their way.
///
/// # Errors
/// [`LineError`], which names the first bad place.
pub fn read_line(line: Vec<u8>) -> Result<Line, LineError> {
    if line.starts_with(TOMBSTONE) {
        let read = serde_json::from_slice::<TombstoneLine>(&line);
        let TombstoneLine {
            convosync_tombstone,
        } = read.map_err(|error| {
            // What the parser says may quote what is there.
            LineError(format!(
                "convosync_tombstone: is not as it should be at column {}",
                error.column()
            ))
        })?;
        let tombstone = ArchiveLine::Tombstone(convosync_tombstone.into());
        return Ok(Line::Archived(tombstone));
    }
    match serde_json::from_slice(&line) {
        Ok(End {
            convosync_archive_end: true,
            visitors,
            tombstones,
        }) => Ok(Line::End(ArchiveCounts {
            visitors,
            tombstones,
        })),
        _ => read_items(line).map(|items| Line::Archived(ArchiveLine::Items(items))),
    }
}

fn read_items(line: Vec<u8>) -> Result<VisitorItems, LineError> {
    // What was stored kept the limits of the server it was posted to.
    let limits = Limits::none();
    let body = Body::new(line, limits, 0).map_err(first_violation)?;
    let body = Arc::new(body);
    let posted = read_submission(&body, Leniency::FULL)
        .map_err(first_violation)?
        .submission;
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
            path: format!("conversations[{index}]"),
            change_counter: visitor.change_counter,
        };
        reader.conversation(posted, sync)
    });
    Ok(VisitorItems {
        conversations: archived.collect::<Result<_, _>>()?,
        visitor,
    })
}

#[derive(Deserialize)]
struct Document {
    sync: SyncObject,
}

fn first_violation(refusal: Refusal) -> LineError {
    match refusal {
        Refusal::Invalid(violations) => first_of(violations),
        Refusal::TooMany(most, what) => LineError(format!("more than {most} {what}")),
    }
}

fn first_of(violations: Vec<Violation>) -> LineError {
    let first = violations.into_iter().next();
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
        last_changed_at: visitor.last_changed_at.map(Into::into),
    })
}
