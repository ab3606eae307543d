//! The settings in `[backup]`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use super::values::between;

const HOUR_SECONDS: u64 = 3_600;

/// When the server backs up its store, and where to.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BackupSettings {
    #[serde(deserialize_with = "between::<0, 87600, _, _>")]
    every_hours: u64,
    #[serde(deserialize_with = "between::<1, 100000, _, _>")]
    pub(crate) keep: usize,
    folder: PathBuf,
}

impl BackupSettings {
    /// How long after one backup the next is due; `None` where there are none.
    pub(crate) fn every(&self) -> Option<Duration> {
        let seconds = self.every_hours * HOUR_SECONDS;
        (seconds > 0).then(|| Duration::from_secs(seconds))
    }

    /// The folder of the backups of the store in this file.
    pub(crate) fn folder(&self, store: &Path) -> PathBuf {
        match self.folder.as_os_str().is_empty() {
            true => store.with_file_name("backups"),
            false => self.folder.clone(),
        }
    }
}
