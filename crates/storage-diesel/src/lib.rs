//! The Diesel adapter of Convosync's storage ports, on [`sqlite`] and on [`postgres`].
//!
//! # How an adapter is laid out
//!
//! - `types`: the domain's values as column types, shared by all backends. A new backend adds the
//!   name of each SQL type and how the values are sent and read.
//! - `tables`: the columns of every table but the keys, each declared once, and the macros that make
//!   code of that, in reading order. `items` turns rows into the domain's items and back.
//! - A module for each backend, which holds whatever has a connection in it. Two backends share
//!   no queries: their keys differ, and so does the form in which each is fast.
//! - `statements`, `migrations`, `concurrency_limit`, `measures`: how statements are prepared once, stores brought
//!   to their schema, waiting calls bounded, and all of it measured.
//! - `checks`: what a store is looked through for.
//! - The migrations of a backend lie in `migrations/<backend>` and are compiled in.
//!
//! # One table by hand
//!
//! By hand and by Diesel alone, the table of outputs on SQLite would be this:
//!
//! ```no_run
//! use diesel::prelude::*;
//!
//! diesel::table! {
//!     message_outputs (id) {
//!         id -> BigInt,
//!         client_id -> Nullable<Text>,
//!         output_type -> Nullable<Text>,
//!         output_content_text -> Nullable<Text>,
//!         // … and so on, a column for each field of the domain's `MessageOutput`.
//!         extra -> Nullable<Text>,
//!     }
//! }
//!
//! #[derive(Insertable, Queryable, Selectable)]
//! #[diesel(treat_none_as_default_value = false)]
//! struct MessageOutput {
//!     id: i64,
//!     client_id: Option<String>,
//!     output_type: Option<String>,
//!     output_content_text: Option<String>,
//!     extra: Option<String>,
//! }
//!
//! fn read(connection: &mut SqliteConnection, message: i64) -> QueryResult<MessageOutput> {
//!     message_outputs::table
//!         .find(message)
//!         .select(MessageOutput::as_select())
//!         .get_result(connection)
//! }
//!
//! fn write(connection: &mut SqliteConnection, row: &MessageOutput) -> QueryResult<usize> {
//!     diesel::insert_into(message_outputs::table)
//!         .values(row)
//!         .execute(connection)
//! }
//! ```
//!
//! All of it is made of the entry `message_outputs as OutputRow` in `tables::for_every_table!`:
//!
//! - **The table** by `stored_table!` (`tables/sqlite.rs`), with the key that `sqlite::schema` adds, and with
//!   the SQL types of `types`, so that the domain's values are bound and read as they are.
//! - **The row** by `read_row!` (`tables/read_row.rs`): `OutputRow { id, output }`, where `output` is the
//!   domain's own `MessageOutput`, whose fields are the columns.
//! - **The read** is Diesel's, as above (`sqlite/items.rs`); `read_row!` reads the columns one by one, so
//!   that one which cannot be read is told by its table, name and key. A derived `Queryable` would tell none
//!   of these.
//! - **The write** is a `QueryFragment` with a static `QueryId` (`Insert` in `sqlite/statements.rs`), which
//!   Diesel prepares once and finds by its type. Its own insert builds the text anew each time: 2.5 µs
//!   for 28 columns where this takes 1.35.
//!
//! On PostgreSQL `table_to_write!` (`tables/postgres.rs`) makes the same row, with the keys that begin with
//! the visitor, and a struct with a list for each column: many rows are one
//! `INSERT … SELECT … FROM unnest(…)`, which `postgres/statements.rs` builds from the names of the columns.
//!
//! So a new column is a line in `for_every_table!` and one in each backend's migrations; a test of each
//! `schema` names a column that is on one side only.
//!
//! # What a new adapter must do
//!
//! Implement [`SyncStore`], [`MergeStore`], [`VisitorStore`], [`ConversationList`],
//! [`ConversationReader`], [`ChangeFeed`], [`StoreArchive`], [`StoreStatus`] and [`ApiKeyStore`], the
//! ports of the domain, and pass the suite of `convosync-storage-contract`.
//! The merge rule is none of its business: it is told what to write, whole, by
//! [`ChangeSet`]. What it owes is written at the ports: compare-and-swap on the visitor's counter,
//! all or nothing, durable when acknowledged, and reads that see one moment.
//!
//! [`SyncStore`]: convosync_domain::ports::SyncStore
//! [`MergeStore`]: convosync_domain::ports::MergeStore
//! [`VisitorStore`]: convosync_domain::ports::VisitorStore
//! [`ConversationList`]: convosync_domain::ports::ConversationList
//! [`ConversationReader`]: convosync_domain::ports::ConversationReader
//! [`ChangeFeed`]: convosync_domain::ports::ChangeFeed
//! [`StoreArchive`]: convosync_domain::ports::StoreArchive
//! [`StoreStatus`]: convosync_domain::ports::StoreStatus
//! [`ApiKeyStore`]: convosync_domain::ports::ApiKeyStore
//! [`ChangeSet`]: convosync_domain::change_set::ChangeSet

mod checks;
mod concurrency_limit;
mod items;
mod json_text;
mod measures;
mod migrations;
pub mod postgres;
pub mod sqlite;
mod statements;
mod tables;
mod types;

pub use checks::{CheckReport, Finding};
pub use measures::{PoolLoad, StoreLoad};
pub use migrations::SchemaState;
