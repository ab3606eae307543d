//! Conversations and messages in the shape that a post takes and that every answer has.
//!
//! - [`submission`] reads a post once from start to end, each message only as far as its id and its
//!   digest: [`post`] is what has been read, [`conversation`] reads one of it.
//! - [`message`] reads the rest of a message when the use case asks for it.
//! - [`change`] puts the fields of either where they belong.
//! - [`write`] writes them.

mod change;
mod conversation;
mod message;
mod post;
mod submission;
#[cfg(test)]
mod tests;
mod write;

pub(crate) use message::RawMessage;
pub(crate) use post::Rejected;
pub(crate) use submission::{ReadPost, read_submission};
pub(crate) use write::{push_archived, push_conversation, push_message, push_own_fields};
