//! `convosync migrate`

use std::time::{Duration, Instant};

use clap::Args;
use convosync_storage_diesel::postgres::{CopyProgress, Distribution, DistributionStep};

use crate::backend::{Backend, not_distributed};
use crate::failure::Failure;
use crate::output::{print, say};
use crate::version::SCHEMA;

/// Between two lines about the same round.
const PAUSE: Duration = Duration::from_secs(2);

#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// Then distribute a store in PostgreSQL over the nodes of Citus, by visitor, while it is in use
    #[arg(long)]
    distribute: bool,
}

/// Runs the migrations that are missing and says which.
pub(super) fn run(arguments: &Arguments, backend: &dyn Backend) -> Result<(), Failure> {
    // Before anything is changed.
    if arguments.distribute && backend.file().is_some() {
        return Err(not_distributed());
    }
    let applied = backend.migrate()?;
    if !arguments.distribute && applied.is_empty() {
        return print(&format!("nothing to do: the schema is {SCHEMA}"));
    }
    let lines: Vec<_> = applied
        .iter()
        .map(|version| format!("applied {version}"))
        .collect();
    if !lines.is_empty() {
        print(&lines.join("\n"))?;
    }
    match arguments.distribute {
        true => distribute(backend),
        false => Ok(()),
    }
}

fn distribute(backend: &dyn Backend) -> Result<(), Failure> {
    let mut progress = Progress { said: None };
    match backend.distribute(&mut |step| progress.tell(step))? {
        Distribution::Already => print("nothing to do: the store is distributed by visitor"),
        Distribution::Done { visitors, locked } => print(&format!(
            "distributed {visitors} visitors; reads and writes waited for {} ms",
            locked.as_millis()
        )),
    }
}

/// What is said of the steps, on stderr.
struct Progress {
    /// When the last line about visitors was said.
    said: Option<Instant>,
}

impl Progress {
    fn tell(&mut self, step: DistributionStep) {
        match step {
            DistributionStep::Began { nodes, copied: 0 } => {
                say(&format!("copying to {nodes} nodes"));
            }
            DistributionStep::Began { nodes, copied } => say(&format!(
                "copying to {nodes} nodes, where {copied} visitors are from an earlier time"
            )),
            DistributionStep::Copied(progress) => self.tell_of_visitors(progress),
            DistributionStep::Locking => {
                say("locking the tables, to copy who is left and to switch");
            }
            DistributionStep::Waiting => {
                say("the tables are in use by others: trying again in a few seconds");
            }
        }
    }

    fn tell_of_visitors(&mut self, progress: CopyProgress) {
        let is_last = progress.visitors == progress.visitors_of;
        if !is_last && self.said.is_some_and(|said| said.elapsed() < PAUSE) {
            return;
        }
        self.said = Some(Instant::now());
        say(&format!(
            "round {}: copied {} of {} visitors, {} of {} MB",
            progress.round,
            progress.visitors,
            progress.visitors_of,
            progress.bytes / 1_000_000,
            progress.bytes_of / 1_000_000,
        ));
    }
}
