//! A PostgreSQL server, databases and a proxy for tests: one database a test, and nothing stays behind, even
//! of a test that dies.
//!
//! The server is the one that `CONVOSYNC_TEST_POSTGRES` names, as `make test` sees to, or else one
//! that this process starts with `scripts/with-postgres`. Where it is the coordinator of a Citus cluster, each database is
//! one of the cluster.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "this is for tests: without a server they fail, and this says why"
)]

mod cluster;
mod counts;
mod database;
mod proxy;
mod server;

pub use database::TestDatabase;
pub use proxy::Proxy;
pub use server::TestServer;
