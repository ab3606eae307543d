//! The endpoints, each with its query, its bodies and its tests in one place.

pub(crate) mod changes;
pub(crate) mod conversation_ids;
pub(crate) mod conversations;
pub(crate) mod docs;
pub(crate) mod events;
pub(crate) mod live;
pub(crate) mod metrics;
pub(crate) mod openapi;
mod pull_query;
pub(crate) mod ready;
pub(crate) mod root;
pub(crate) mod sync;
pub(crate) mod version;
pub(crate) mod visitors;

pub(crate) use pull_query::WAIT_MAX;
#[cfg(feature = "fuzzing")]
pub(crate) use pull_query::read_all as read_pull_query;
