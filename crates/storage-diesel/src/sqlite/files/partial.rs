//! Files that are not whole yet: under a name of their own, beside the file that they become.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};

use tempfile::NamedTempFile;

use super::error::FileError;
use crate::sqlite::place::make_folder;

const PREFIX: &str = ".convosync-";
const SUFFIX: &str = ".partial";

/// What is younger may be about to be locked by whoever has made it.
const SETTLED: Duration = Duration::from_secs(60);

/// Makes an empty file that only its owner can read, and removes what others that were killed have left in the
/// folder. It is locked while it is written, and goes unless it is given its name.
pub(super) fn new_in(folder: &Path) -> io::Result<NamedTempFile> {
    let file = tempfile::Builder::new()
        .prefix(PREFIX)
        .suffix(SUFFIX)
        .tempfile_in(folder)?;
    file.as_file().lock()?;
    // By the clock that the ages of the others go by.
    let now = file.as_file().metadata()?.modified()?;
    remove_left_in(folder, now);
    Ok(file)
}

/// Makes a folder for backups that nobody else can look into, unless it is there, and makes sure that files can be
/// made in it.
///
/// # Errors
/// [`FileError::Unwritable`] when they cannot be.
pub fn prepare_folder(folder: &Path) -> Result<(), FileError> {
    let unwritable = |error: io::Error| FileError::unwritable(folder, error);
    let folder = std::path::absolute(folder).map_err(unwritable)?;
    make_folder(&folder)?;
    new_in(&folder).map(|_| ()).map_err(unwritable)
}

/// Removes what SQLite keeps beside such a file.
pub(super) fn remove_beside(path: &Path) {
    for suffix in ["-journal", "-wal", "-shm"] {
        // Most often there is none.
        let _ = fs::remove_file(super::beside(path, suffix));
    }
}

/// Makes sure that names in a folder stay.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Removes what nobody writes any more. What cannot be removed stays.
fn remove_left_in(folder: &Path, now: SystemTime) {
    let Ok(files) = fs::read_dir(folder) else {
        return;
    };
    let names = files.filter_map(|file| file.ok()?.file_name().into_string().ok());
    let partial: BTreeSet<_> = names
        .filter_map(|name| {
            let end = name.find(SUFFIX)? + SUFFIX.len();
            let name = name.get(..end)?;
            name.starts_with(PREFIX).then(|| name.to_owned())
        })
        .collect();
    for name in partial {
        let path = folder.join(name);
        if is_left(&path, now) {
            let _ = fs::remove_file(&path);
            remove_beside(&path);
        }
    }
}

fn is_left(path: &Path, now: SystemTime) -> bool {
    let file = match File::open(path) {
        Ok(file) => file,
        // What is left beside it may go, too.
        Err(error) => return error.kind() == io::ErrorKind::NotFound,
    };
    let modified = file.metadata().and_then(|metadata| metadata.modified());
    let age = modified.map(|modified| now.duration_since(modified));
    matches!(age, Ok(Ok(age)) if age > SETTLED) && file.try_lock().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_killed_process_has_left_goes_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let written = new_in(folder.path()).unwrap();
        let now = written.as_file().metadata().unwrap().modified().unwrap();
        let hour_ago = now - Duration::from_secs(3_600);
        written.as_file().set_modified(hour_ago).unwrap();
        let make = |name: &str, modified| {
            let file = File::create(folder.path().join(name)).unwrap();
            file.set_modified(modified).unwrap();
        };
        for name in [
            ".convosync-killed.partial",
            ".convosync-killed.partial-wal",
            ".convosync-gone.partial-journal",
            ".other.partial",
            "convosync.db",
        ] {
            make(name, hour_ago);
        }
        make(".convosync-new.partial", now);
        drop(new_in(folder.path()).unwrap());
        let mut left: Vec<_> = fs::read_dir(folder.path())
            .unwrap()
            .map(|file| file.unwrap().path())
            .collect();
        left.sort();
        let mut expected = vec![written.path().to_owned()];
        for name in [".convosync-new.partial", ".other.partial", "convosync.db"] {
            expected.push(folder.path().join(name));
        }
        expected.sort();
        assert_eq!(left, expected);
    }
}
