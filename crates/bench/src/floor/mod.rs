//! What the same rows cost at the least.

mod json;
mod layout;
mod libpq;
pub mod pages;
pub mod postgres;
pub mod postgres_pages;
mod rows;
pub mod sqlite;
mod sqlite_c;
pub mod sqlite_pages;
