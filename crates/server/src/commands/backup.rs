//! `convosync backup`

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use convosync_storage_diesel::sqlite::files::{Stop, back_up};
use indicatif::ProgressBar;

use super::export::style;
use super::stopping::{blocking, until_signal};
use crate::backend::Backend;
use crate::failure::Failure;
use crate::output::print;

const TICK: Duration = Duration::from_millis(200);

#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// The file to make, which must not be there yet
    #[arg(long, value_name = "PATH")]
    to: PathBuf,
}

/// Copies the store while it may be in use, and prints where the copy is.
pub(super) async fn run(arguments: Arguments, backend: &dyn Backend) -> Result<(), Failure> {
    let Some(store) = backend.file() else {
        return Err(Failure::usage(
            "a store in PostgreSQL is backed up by PostgreSQL's own tools: pg_dump, or pg_basebackup with archived WAL",
        ));
    };
    let (path, busy_timeout) = (store.path.clone(), store.busy_timeout);
    let bar = ProgressBar::new_spinner().with_style(style("{spinner} backing up {elapsed}"));
    bar.enable_steady_tick(TICK);
    let stop = Stop::default();
    let told = stop.clone();
    let Arguments { to } = arguments;
    let target = to.clone();
    let work = blocking(move || back_up(&path, &target, busy_timeout, &told));
    let done = until_signal(&stop, work).await;
    bar.finish_and_clear();
    done?;
    print(&to.display().to_string())
}
