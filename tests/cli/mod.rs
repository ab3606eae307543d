//! Commands, start and stop of the server.

mod archives;
mod commands;
mod keys;
mod refusals;
mod start;
mod stop;
mod visitors;
