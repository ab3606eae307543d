//! The use cases of Convosync, one file each, on the ports of the domain.
//!
//! A use case holds the ports it needs and nothing of a transport: it takes domain values and
//! answers with domain values or a typed error. All of them are tested on mocks.

pub mod access;
pub mod api_keys;
pub mod byte_budget;
pub mod cursor;
pub mod export_store;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
pub mod import_store;
pub mod list_conversations;
pub mod live;
mod page_memory;
pub mod pull_changes;
pub mod read_conversations;
pub mod reapply_departures;
pub mod register_visitor;
pub mod sync;
pub mod take_turn;
pub mod visitors;
