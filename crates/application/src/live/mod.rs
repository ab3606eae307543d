//! How those who wait for a visitor's changes learn of them at once.
//!
//! A write tells the [`ChangeHub`], which wakes whoever watches that visitor in this process; the [`relay`] does so
//! for what other processes on the same store have written. Neither carries any data: whoever is woken reads
//! ([`FollowChanges`]). So a notice too many costs a read, and none is missed by watching first and reading then.

mod follow_changes;
mod hub;
mod relay;

pub use follow_changes::{FollowChanges, Follower};
pub use hub::{ChangeHub, ChangeWatch};
pub use relay::relay;
