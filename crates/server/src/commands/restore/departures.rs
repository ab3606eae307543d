//! Where it is known who has gone.

use std::fs::File;
use std::io::{BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use convosync_application::export_store::ArchiveLine;
use convosync_application::reapply_departures::Departures;
use convosync_storage_diesel::sqlite::files;

use crate::backups::backups_in;
use crate::commands::import::Lines;
use crate::failure::Failure;
use crate::output::say;

/// How every database of SQLite begins.
const SQLITE: &[u8] = b"SQLite format 3\0";

const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// What a store knows.
pub(super) fn add(departures: &mut Departures, known: files::Departures) {
    for tombstone in known.visitors {
        departures.add_visitor(tombstone);
    }
    for (id, at) in known.revoked_keys {
        departures.add_revoked_key(id, at);
    }
}

/// What the backups in a folder know: some may be newer than the one that is restored.
pub(super) fn add_backups(departures: &mut Departures, folder: &Path, busy_timeout: Duration) {
    for path in backups_in(folder) {
        match files::departures(&path, busy_timeout) {
            Ok(known) => add(departures, known),
            Err(error) => say(&format!(
                "who was erased until this backup is not known: {error}"
            )),
        }
    }
}

/// What these files know, each an archive or a store.
pub(super) fn add_files(departures: &mut Departures, paths: &[PathBuf]) -> Result<(), Failure> {
    for path in paths {
        add_file(departures, path)?;
    }
    Ok(())
}

fn add_file(departures: &mut Departures, path: &Path) -> Result<(), Failure> {
    let about = |error: &dyn std::fmt::Display| {
        Failure::failed(format!("cannot read {}: {error}", path.display()))
    };
    let open = || File::open(path).map_err(|error| about(&error));
    let mut begin = Vec::new();
    let length = u64::try_from(SQLITE.len()).unwrap_or(u64::MAX);
    let read = open()?.take(length).read_to_end(&mut begin);
    read.map_err(|error| about(&error))?;
    if begin == SQLITE {
        let known = files::departures(path, BUSY_TIMEOUT);
        add(
            departures,
            known.map_err(|error| Failure::caused_by(&error))?,
        );
        return Ok(());
    }
    let mut lines = Lines::new(BufReader::new(open()?));
    lines.header().map_err(|error| about(&error))?;
    for line in lines.by_ref() {
        if let ArchiveLine::Tombstone(tombstone) = line.map_err(|error| about(&error))? {
            departures.add_visitor(tombstone);
        }
    }
    // Who has gone stands at its end.
    match lines.is_whole() {
        true => Ok(()),
        false => Err(about(&"the archive ends early")),
    }
}
