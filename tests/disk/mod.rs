//! Disks that fail, fill up and lose power, by a library that stands between the server and its files.
//!
//! These are about SQLite; PostgreSQL has a process and files of its own.

mod failing_calls;
mod failing_starts;
mod faulty_disk;
mod full;
mod journal;
mod posts;
mod power_cuts;
mod sync_before_answer;
