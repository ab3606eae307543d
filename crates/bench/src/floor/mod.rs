//! What the same rows cost at the least.

pub mod postgres;
mod rows;
pub mod sqlite;
mod sqlite_c;
