//! The domain of Convosync: what a visitor's conversations are, how two devices' versions of them
//! merge, and what a store must be able to do. No I/O, no framework, no async runtime.
//!
//! - [`identity`], [`timestamp`], [`json`], [`fields`]: the values.
//! - [`conversation`], [`message`]: what the items hold; a new field is one line there.
//! - [`posted`], [`stored`], [`change_set`]: what comes in, what is there, what is to be written.
//! - [`merge`]: the merge rule, a pure function from the first two to the third.
//! - [`feed`]: the order in which devices pull changes; [`reading`]: that in which somebody reads conversations.
//! - [`usage`]: how much a visitor has, and may have; [`tombstone`]: what stays of one who is gone.
//! - [`api_key`]: how a back end proves that it may act for visitors.
//! - [`ports`]: the traits that a store, a clock and a source of random ids implement; with the
//!   feature `mocks`, a mock of each.

pub mod api_key;
pub mod archive;
pub mod change_set;
pub mod conversation;
pub mod feed;
pub mod fields;
pub mod identity;
pub mod json;
pub mod merge;
pub mod message;
pub mod patch;
pub mod ports;
pub mod posted;
pub mod reading;
pub mod stored;
pub mod timestamp;
pub mod tombstone;
pub mod usage;
