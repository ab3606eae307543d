//! `convosync check`

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use convosync_storage_diesel::sqlite::files;

use crate::backend::{Backend, require_store};
use crate::failure::Failure;
use crate::output::{print, say};

/// How long to wait for whoever locks a file that no settings speak of.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// A store in an SQLite file, such as a backup; without it, the store of the settings
    #[arg(value_name = "PATH")]
    path: Option<PathBuf>,
}

/// Looks through a store, and prints what is wrong with it, a line each.
pub(super) fn run(arguments: &Arguments, backend: &dyn Backend) -> Result<(), Failure> {
    let report = match &arguments.path {
        Some(path) => {
            files::check(path, BUSY_TIMEOUT).map_err(|error| Failure::caused_by(&error))?
        }
        None => {
            require_store(backend)?;
            backend.check()?
        }
    };
    for note in &report.notes {
        say(note);
    }
    if report.findings.is_empty() {
        return print("ok");
    }
    let lines: Vec<_> = report.findings.iter().map(ToString::to_string).collect();
    print(&lines.join("\n"))?;
    Err(Failure::failed(format!(
        "the store has {} of what cannot be so",
        lines.len()
    )))
}
