//! A second, naive implementation of the rules of syncing, and what tests need around it.
//!
//! [`reference`] says what a server must answer, and [`turns`] what it tells a device of its own post;
//! [`histories`] generates what users do to it, [`devices`] what devices do that edit offline,
//! each of them a [`device`](mod@device);
//! [`replica`] is a device that applies what it is answered, and [`same`] names the first place where two
//! answers differ. Nothing here shares code with the server: written from the rules alone,
//! for reading and not for speed, it is worth having as long as it stays independent.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "every test binary that includes the model uses its own part of it"
)]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a failed expectation in a test is the result"
)]

pub mod device;
pub mod devices;
pub mod histories;
pub mod items;
pub mod naming;
pub mod reference;
pub mod replica;
#[cfg(test)]
mod rules;
pub mod same;
pub mod stand_ins;
pub mod turns;
pub mod values;
pub mod violations;
