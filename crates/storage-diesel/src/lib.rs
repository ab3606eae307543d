//! The Diesel adapter of Convosync's storage ports, on [`sqlite`] and on [`postgres`].
//!
//! # How an adapter is laid out
//!
//! - `types`: the domain's values as column types, shared by all backends. A new backend adds the
//!   name of each SQL type and how the values are sent and read.
//! - `tables`: the columns of every table but the keys, each declared once; `rows` reads them.
//! - A module for each backend, which holds whatever has a connection in it. Two backends share
//!   no queries: their keys differ, and so does the form in which each is fast.
//! - `statements`, `migrations`, `concurrency_limit`: how statements are prepared once, stores brought to their
//!   schema, and waiting calls bounded.
//! - The migrations of a backend lie in `migrations/<backend>` and are compiled in.
//!
//! # What a new adapter must do
//!
//! Implement [`SyncStore`], [`VisitorStore`], [`ConversationList`], [`ChangeFeed`],
//! [`StoreArchive`] and [`StoreStatus`], the ports of the domain, and pass the suite of `convosync-storage-contract`.
//! The merge rule is none of its business: it is told what to write, whole, by
//! [`ChangeSet`]. What it owes is written at the ports: compare-and-swap on the visitor's counter,
//! all or nothing, durable when acknowledged, and reads that see one moment.
//!
//! [`SyncStore`]: convosync_domain::ports::SyncStore
//! [`VisitorStore`]: convosync_domain::ports::VisitorStore
//! [`ConversationList`]: convosync_domain::ports::ConversationList
//! [`ChangeFeed`]: convosync_domain::ports::ChangeFeed
//! [`StoreArchive`]: convosync_domain::ports::StoreArchive
//! [`StoreStatus`]: convosync_domain::ports::StoreStatus
//! [`ChangeSet`]: convosync_domain::change_set::ChangeSet

mod concurrency_limit;
mod items;
mod json_text;
mod migrations;
pub mod postgres;
mod rows;
pub mod sqlite;
mod statements;
mod tables;
mod types;
