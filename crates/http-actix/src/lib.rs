//! The HTTP surface of Convosync on actix-web.
//!
//! - [`serve`] binds the use cases to a listener; everything else is private.
//! - `endpoints`: one file per endpoint. A handler reads the request, asks one use case and writes
//!   the answer; to add one, write the file and register it in `routes`.
//! - `wire`: what JSON bodies look like, both ways. Whatever is lenient towards clients is there
//!   and nowhere else.
//! - `query`, `identity`: what the URL says.
//! - `prefer`, `etag`: what the headers `Prefer` and `If-None-Match` ask for; `recent_ids` keeps the
//!   lists that most of those who ask again are told.
//! - `error`: the one table of error codes; every error leaves as JSON.
//! - `middleware`: what is done to every request.

#[cfg(feature = "bench")]
pub mod bench;
mod endpoints;
mod error;
mod etag;
mod identity;
mod idle;
mod middleware;
mod prefer;
mod query;
mod recent_ids;
mod request_id;
mod routes;
mod server;
mod settings;
mod state;
#[cfg(test)]
mod testing;
mod wire;

pub use server::serve;
pub use settings::{HttpSettings, Limits, UnknownFields, Version};
pub use state::{Drain, Services};
pub use wire::archive;
