//! Bodies that a machine thought of: the server takes them or refuses them, and never fails.

mod bombs;
mod grammar;
mod json_texts;
mod mutations;
