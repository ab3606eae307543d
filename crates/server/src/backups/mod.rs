//! The backups that a serving program makes by itself.

pub(crate) mod schedule;

use std::fs;
use std::future;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use convosync_domain::ports::Clock;
use convosync_storage_diesel::sqlite::SqliteOptions;
use convosync_storage_diesel::sqlite::files::{FileError, Stop, back_up, prepare_folder};
use tokio::time::sleep;

use crate::backend::Backend;
use crate::failure::Failure;
use crate::settings::Configuration;

/// How long is slept at most: the machine may sleep meanwhile, or have its clock set.
const LOOK_AGAIN: Duration = Duration::from_secs(60);

/// How long after a failure the next attempt is made.
const TRY_AGAIN: Duration = Duration::from_secs(3_600);

/// Backups as the settings want them. One that is being made stops when this is dropped.
pub(crate) struct Backups {
    store: SqliteOptions,
    folder: PathBuf,
    every: Duration,
    keep: usize,
    clock: Arc<dyn Clock>,
    stop: Stop,
}

impl Backups {
    /// `None` where the settings want none.
    ///
    /// # Errors
    /// A [`Failure`] of usage where they cannot be made.
    pub(crate) fn of(
        configuration: &Configuration,
        backend: &dyn Backend,
        clock: Arc<dyn Clock>,
    ) -> Result<Option<Self>, Failure> {
        let settings = &configuration.settings.backup;
        let Some(every) = settings.every() else {
            return Ok(None);
        };
        let Some(store) = backend.file() else {
            let problem =
                "is for stores in an SQLite file: PostgreSQL has tools of its own for backups";
            return Err(configuration.refuse("backup.every_hours", problem));
        };
        let folder = settings.folder(&store.path);
        prepare_folder(&folder)
            .map_err(|error| configuration.refuse("backup.folder", &error.to_string()))?;
        Ok(Some(Self {
            store: store.clone(),
            folder,
            every,
            keep: settings.keep,
            clock,
            stop: Stop::default(),
        }))
    }

    async fn run(&self) {
        loop {
            let newest = files_in(&self.folder);
            let newest = newest.iter().filter_map(|name| schedule::begun_at(name));
            let wait = schedule::until_due(newest.max(), self.every, self.clock.now());
            if !wait.is_zero() {
                sleep(wait.min(LOOK_AGAIN)).await;
            } else if !self.make_one().await {
                sleep(TRY_AGAIN).await;
            }
        }
    }

    /// Tells whether it was made.
    async fn make_one(&self) -> bool {
        let path = self.folder.join(schedule::file_name(self.clock.now()));
        let begun = Instant::now();
        let work = {
            let (path, store, stop) = (path.clone(), self.store.clone(), self.stop.clone());
            move || back_up(&store.path, &path, store.busy_timeout, &stop)
        };
        let done = tokio::task::spawn_blocking(work).await;
        let backup = path.display();
        match done {
            Ok(Ok(())) => {
                let bytes = fs::metadata(&path).map_or(0, |file| file.len());
                let seconds = begun.elapsed().as_secs_f64();
                tracing::info!(%backup, bytes, seconds, "backed up the store");
                self.remove_surplus();
                return true;
            }
            Ok(Err(FileError::Stopped)) => {}
            Ok(Err(error)) => {
                tracing::error!(%backup, %error, "the backup failed; it is tried again in an hour");
            }
            Err(error) => {
                tracing::error!(%backup, %error, "the backup failed; it is tried again in an hour");
            }
        }
        false
    }

    fn remove_surplus(&self) {
        for name in schedule::surplus(files_in(&self.folder), self.keep) {
            let path = self.folder.join(name);
            let backup = path.display();
            match fs::remove_file(&path) {
                Ok(()) => tracing::info!(%backup, "removed an old backup"),
                Err(error) => tracing::error!(%backup, %error, "an old backup stays"),
            }
        }
    }
}

impl Drop for Backups {
    fn drop(&mut self) {
        self.stop.now();
    }
}

/// Makes backups when they are due. It never ends.
pub(crate) async fn run(backups: Option<Backups>) {
    match backups {
        Some(backups) => backups.run().await,
        None => future::pending().await,
    }
}

/// The backups in a folder that servers have made by themselves.
pub(crate) fn backups_in(folder: &Path) -> Vec<PathBuf> {
    let names = files_in(folder).into_iter();
    let backups = names.filter(|name| schedule::begun_at(name).is_some());
    backups.map(|name| folder.join(name)).collect()
}

/// The names of files in a folder; none where it cannot be read.
fn files_in(folder: &Path) -> Vec<String> {
    let Ok(files) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let files = files.filter_map(Result::ok);
    let files = files.filter(|file| file.file_type().is_ok_and(|kind| kind.is_file()));
    files
        .filter_map(|file| file.file_name().into_string().ok())
        .collect()
}
