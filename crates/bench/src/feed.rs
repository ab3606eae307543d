//! What a client makes of pages of changes: as little as will do, so that not its reading is measured.

use anyhow::{Context as _, Result};
use convosync_application::cursor::Cursor;
use convosync_domain::feed::FeedPosition;
use convosync_domain::identity::{VisitorId, VisitorIdentity};
use uuid::Uuid;

use crate::http::Client;
use crate::load::visitor;

/// What tells a client how to go on stands within so many bytes of the end of an answer.
const END: usize = 1_024;

/// The end of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageEnd<'a> {
    /// Where the next page begins.
    pub cursor: &'a str,
    /// Whether there is one already.
    pub has_more: bool,
}

impl<'a> PageEnd<'a> {
    /// The end of the page in this answer.
    pub fn of(answer: &'a [u8]) -> Result<Self> {
        let end = answer.get(answer.len().saturating_sub(END)..);
        let end = end.unwrap_or_default();
        let found = || {
            let cursor = after(end, b"\"cursor\":\"")?;
            let length = cursor.iter().position(|byte| *byte == b'"')?;
            Some(PageEnd {
                cursor: std::str::from_utf8(cursor.get(..length)?).ok()?,
                has_more: after(end, b"\"has_more\":")?.starts_with(b"true"),
            })
        };
        let shown = || String::from_utf8_lossy(end).into_owned();
        found().with_context(|| format!("the answer has no cursor or no has_more: {}", shown()))
    }
}

/// What follows on the last of these words.
fn after<'a>(text: &'a [u8], word: &[u8]) -> Option<&'a [u8]> {
    let at = text.windows(word.len()).rposition(|found| found == word)?;
    text.get(at + word.len()..)
}

/// A visitor's changes as far as they go.
#[derive(Clone, Debug)]
pub struct Feed {
    /// Whose they are, by number.
    pub number: u64,
    /// How the visitor is called inside.
    pub visitor: VisitorId,
    /// How many there are.
    pub changes: u64,
    epoch: Uuid,
}

impl Feed {
    /// Asks the server, which tells it in the cursor of a first page.
    pub fn ask(client: &mut Client, number: u64) -> Result<Self> {
        let user_id = visitor(number);
        let path = format!("{}&limit=1", path(&user_id));
        let visitor = VisitorId::from(&VisitorIdentity::registered(user_id)?);
        let answer = client.get(&path, "")?;
        let cursor = Cursor::decode(PageEnd::of(answer.body)?.cursor, visitor)?;
        let FeedPosition {
            since,
            dead_left_out_through,
            ..
        } = cursor.position;
        Ok(Self {
            number,
            visitor,
            changes: dead_left_out_through.unwrap_or(since),
            epoch: cursor.epoch,
        })
    }

    /// The cursor of a device that has seen so many of them.
    pub fn cursor(&self, since: u64) -> String {
        let position = FeedPosition {
            since,
            dead_left_out_through: None,
            last: None,
        };
        let epoch = self.epoch;
        Cursor { epoch, position }.encode(self.visitor)
    }
}

/// The path of the changes of a visitor.
pub fn path(user_id: &str) -> String {
    format!("/api/sync-conversations/changes/?user_id={user_id}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_page_is_found_wherever_its_fields_stand() {
        let long = "x".repeat(5_000);
        for (answer, has_more) in [
            (
                format!(r#"{{"conversations":["{long}"],"cursor":"C-_1","has_more":true}}"#),
                true,
            ),
            (
                r#"{"conversations":[],"has_more":false,"cursor":"C-_1","created":["a"]}"#
                    .to_owned(),
                false,
            ),
        ] {
            let end = PageEnd::of(answer.as_bytes()).unwrap();
            assert_eq!((end.cursor, end.has_more), ("C-_1", has_more));
        }
    }

    #[test]
    fn an_answer_without_a_cursor_is_told_apart() {
        let answer = r#"{"status":"success","message":"Conversations synced"}"#;
        for answer in ["", answer] {
            let error = PageEnd::of(answer.as_bytes()).unwrap_err().to_string();
            assert!(error.starts_with("the answer has no cursor"), "{error}");
            assert!(error.ends_with(answer), "{error}");
        }
    }
}
