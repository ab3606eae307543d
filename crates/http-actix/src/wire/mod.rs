//! JSON bodies, both ways.
//!
//! - [`arrival`] takes a request's body off the network, under its limits; [`body`] is its text.
//! - [`submission`] reads a post once from start to end, each message only as far as its id and
//!   its digest; [`message`] reads the rest of a message when the use case asks for it.
//! - [`object`] walks the fields of any object and [`change`] puts them where they belong; [`value`]
//!   holds every rule for the value of a field, [`violation`] says what is wrong and where.
//! - [`json_writer`] and [`items`] write answers.
//! - [`archive`] writes and reads the lines by which a store is carried to another one.

pub mod archive;
mod arrival;
mod body;
mod change;
mod conversation;
mod items;
pub(crate) mod json_writer;
mod message;
mod object;
mod seen_keys;
mod submission;
#[cfg(test)]
mod tests;
mod value;
mod violation;
mod visitor;

pub(crate) use arrival::{Budget, BytesRead, read_body};
#[cfg(feature = "bench")]
pub(crate) use body::Body;
pub(crate) use items::{write_changes, write_ids, write_version};
pub(crate) use submission::read_submission;
pub(crate) use violation::Violation;
pub(crate) use visitor::{VisitorRequest, read_visitor_request, write_identity};
