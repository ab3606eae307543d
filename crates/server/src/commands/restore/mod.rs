//! `convosync restore`

mod departures;

use std::fs;
use std::iter;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use convosync_application::reapply_departures::{Departures, Reapplied};
use convosync_domain::ports::Clock;
use convosync_storage_diesel::sqlite::files::{FileError, REPLACED, Replacement, SoleStore, Stop};
use convosync_storage_diesel::sqlite::{SqliteOptions, SqliteStore};
use indicatif::ProgressBar;

use super::export::style;
use super::stopping::{blocking, until_signal};
use crate::backend::{Backend, Store, require_store};
use crate::backups::schedule::moment;
use crate::failure::Failure;
use crate::output::{print, say};
use crate::settings::Settings;
use crate::use_cases::{clock, reapply_departures};

const TICK: Duration = Duration::from_millis(200);

#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// The backup
    #[arg(
        value_name = "PATH",
        required_unless_present = "already_restored",
        conflicts_with = "already_restored"
    )]
    path: Option<PathBuf>,
    /// Replace a store with data in it, which is kept beside the new one
    #[arg(long, conflicts_with = "already_restored")]
    force: bool,
    /// An archive by `convosync export`, or another store's file: who was erased there is erased from the restored
    /// store, too; may be repeated
    #[arg(long, value_name = "FILE")]
    erasures: Vec<PathBuf>,
    /// Another program has restored the store, such as PostgreSQL's tools or Litestream: only have devices pull anew
    /// and erase whom --erasures tells of
    #[arg(long)]
    already_restored: bool,
}

/// Puts a backup in the place of the store, and tells it who has gone since.
pub(super) async fn run(
    arguments: &Arguments,
    settings: &Settings,
    backend: &dyn Backend,
) -> Result<(), Failure> {
    let bar = ProgressBar::new_spinner().with_style(style("{spinner} restoring {elapsed}"));
    bar.enable_steady_tick(TICK);
    let stop = Stop::default();
    let done = until_signal(&stop, async {
        match (&arguments.path, backend.file()) {
            (None, _) => already_restored(arguments, settings, backend).await,
            (Some(_), None) => Err(Failure::usage(
                "a store in PostgreSQL is restored by PostgreSQL's own tools; then stop the server and run \
                 `convosync restore --already-restored`",
            )),
            (Some(path), Some(store)) => replace(path, arguments, settings, store, &stop).await,
        }
    });
    let done = done.await;
    bar.finish_and_clear();
    print(&done?)
}

/// Tells a store that another program has restored who has gone since.
async fn already_restored(
    arguments: &Arguments,
    settings: &Settings,
    backend: &dyn Backend,
) -> Result<String, Failure> {
    require_store(backend)?;
    let mut departures = Departures::default();
    if let Some(store) = backend.file() {
        // A server would go on with what it knows of the store.
        SoleStore::take(&store.path).map_err(|error| Failure::caused_by(&error))?;
        let folder = settings.backup.folder(&store.path);
        departures::add_backups(&mut departures, &folder, store.busy_timeout);
    }
    departures::add_files(&mut departures, &arguments.erasures)?;
    let store = backend.open()?;
    let done = reapply(&store, settings, &departures).await;
    store.close();
    Ok(format!("devices pull anew{}", told(done?)))
}

async fn replace(
    backup: &Path,
    arguments: &Arguments,
    settings: &Settings,
    store: &SqliteOptions,
    stop: &Stop,
) -> Result<String, Failure> {
    let place = &store.path;
    let is_store = fs::canonicalize(backup)
        .ok()
        .zip(fs::canonicalize(place).ok());
    if is_store.is_some_and(|(backup, place)| backup == place) {
        let path = backup.display();
        return Err(Failure::failed(format!("{path} is the store itself")));
    }
    let mut departures = Departures::default();
    let (replaced, has_data) = match SoleStore::take(place) {
        Ok(None) => (None, false),
        Ok(Some(replaced)) => {
            let has_data = replaced
                .has_data()
                .map_err(|error| Failure::caused_by(&error))?;
            match replaced.departures() {
                Ok(known) => departures::add(&mut departures, known),
                Err(error) if has_data => warn_of_unknown(&error),
                Err(_) => {}
            }
            (Some(replaced), has_data)
        }
        Err(error) => {
            if !arguments.force || matches!(error, FileError::InUse { .. }) {
                return Err(Failure::caused_by(&error));
            }
            warn_of_unknown(&error);
            (None, true)
        }
    };
    if has_data && !arguments.force {
        return Err(Failure::failed(format!(
            "{} has data in it: --force replaces it and keeps it beside the new one",
            place.display()
        )));
    }
    let folder = settings.backup.folder(place);
    departures::add_backups(&mut departures, &folder, store.busy_timeout);
    departures::add_files(&mut departures, &arguments.erasures)?;

    let (from, to, told_to_stop) = (backup.to_owned(), place.clone(), stop.clone());
    let copied = blocking(move || Replacement::copy(&from, &to, &told_to_stop));
    let replacement = copied.await?;
    let reapplied = {
        let options = SqliteOptions {
            path: replacement.path().to_owned(),
            readers: 1,
            ..store.clone()
        };
        let opened = SqliteStore::open(options).map_err(|error| Failure::caused_by(&error))?;
        let opened: Arc<dyn Store> = Arc::new(opened);
        let done = reapply(&opened, settings, &departures).await;
        opened.close();
        done?
    };
    if stop.is_told() {
        return Err(Failure::failed(
            "stopped before it was done; nothing has changed",
        ));
    }
    let kept = has_data.then(|| kept_name(place, &*clock()?)).transpose()?;
    let taken = blocking(move || replacement.take_place(replaced, kept.as_deref()));
    let kept = taken.await?.map_or_else(String::new, |kept| {
        format!("\nwhat was there is kept as {}", kept.display())
    });
    Ok(format!(
        "restored {} from {}{}{kept}",
        place.display(),
        backup.display(),
        told(reapplied)
    ))
}

fn warn_of_unknown(error: &dyn std::fmt::Display) {
    say(&format!(
        "who was erased from the store that is replaced is not known: {error}"
    ));
}

/// What a store is called that is replaced now: a name that nothing has yet in its folder.
fn kept_name(store: &Path, clock: &dyn Clock) -> Result<String, Failure> {
    // Where the settings name a link, what it names is replaced.
    let store = fs::canonicalize(store).map_err(|error| Failure::caused_by(&error))?;
    let name = store.file_name().unwrap_or_default().to_string_lossy();
    let name = format!("{name}{REPLACED}{}", moment(clock.now()));
    let is_free = |name: &String| fs::symlink_metadata(store.with_file_name(name)).is_err();
    let others = (2..).map(|number: u32| format!("{name}-{number}"));
    let mut names = iter::once(name.clone()).chain(others);
    Ok(names.find(is_free).unwrap_or(name))
}

async fn reapply(
    store: &Arc<dyn Store>,
    settings: &Settings,
    departures: &Departures,
) -> Result<Reapplied, Failure> {
    let done = reapply_departures(store, settings)?.run(departures).await;
    done.map_err(|error| Failure::caused_by(&error))
}

fn told(reapplied: Reapplied) -> String {
    let Reapplied {
        erased,
        merged,
        revoked_keys,
    } = reapplied;
    let told = [
        (erased, "visitors erased again"),
        (merged, "visitors merged again"),
        (revoked_keys, "API keys revoked again"),
    ];
    let told = told.iter().filter(|(count, _)| *count > 0);
    told.map(|(count, what)| format!("; {count} {what}"))
        .collect()
}
