//! Commands, start and stop of the server.

mod commands;
mod refusals;
mod start;
mod stop;
