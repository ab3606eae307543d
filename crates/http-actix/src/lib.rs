//! The HTTP surface of Convosync on actix-web.
//!
//! - [`serve`] binds the use cases to a listener, `https` to one that speaks TLS; `routes` is the table of paths, methods and handlers.
//! - `endpoints`: each endpoint with its query, its bodies and its tests. A handler reads the request,
//!   asks one use case and writes the answer; to add one, write it and its description,
//!   and put both into the table.
//! - `access`: who may, for every handler; `audit`: who did. `request`: what the URL and the headers say. `body`: the body
//!   reader, from the network to a text.
//! - `json`: any JSON, both ways, with every leniency towards clients. `items`: conversations and
//!   messages in the shape that a post takes. [`archive`]: the lines by which a store is carried away.
//! - `origins`, `rate_limits`: whose pages may read answers in a browser, and how often somebody may ask.
//! - `streams`: how many may wait for changes at once. `turns`: how many posts may wait to be read.
//! - `static_files`: files of an app beside the API, for whatever no route answers.
//! - `operations`: what operators ask, on a listener of its own. `measures`: what is counted of requests.
//! - `etag`, `recent_ids`: how those who ask again are answered without reading.
//! - `error`: the one table of error codes; every error leaves as JSON.
//! - `openapi`: the document of all endpoints, made from the table of routes and what each says of itself.
//! - `middleware`: what is done to every request. `connection`: what guards a connection against slow clients.

mod access;
mod answer;
pub mod archive;
mod audit;
#[cfg(feature = "bench")]
pub mod bench;
mod body;
mod connection;
mod endpoints;
mod error;
mod etag;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod https;
mod items;
mod json;
mod measures;
mod middleware;
mod openapi;
mod operations;
mod origins;
mod rate_limits;
mod recent_ids;
mod request;
mod routes;
mod server;
mod settings;
mod state;
mod static_files;
mod streams;
#[cfg(test)]
mod testing;
mod turns;

pub use openapi::openapi;
pub use operations::{
    GuardedMetrics, Measured, MetricsToken, Operations, PoolHealth, StoreHealth, serve_operations,
};
pub use origins::{CorsOrigins, InvalidOrigin, Origin};
pub use request::{AddressRange, InvalidAddressRange};
pub use server::serve;
pub use settings::{HttpSettings, Limits, LoopbackOnly, RateLimitSettings, UnknownFields, Version};
pub use state::{Drain, Services};
pub use static_files::StaticFolder;
