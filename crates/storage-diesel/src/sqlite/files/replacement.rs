//! How a backup takes the place of a store.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
#[cfg(unix)]
use std::os::unix::fs::{MetadataExt as _, fchown};
use std::path::{Path, PathBuf};
use std::time::Duration;

use diesel::prelude::*;
use tempfile::NamedTempFile;

use super::error::FileError;
use super::{SoleStore, Stop, StoreFile, beside, partial};
use crate::sqlite::connection::{Database, Role};
use crate::sqlite::migrate;
use crate::sqlite::place::make_folder;

const BUFFER_BYTES: usize = 1 << 20;
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// A copy of a backup beside a store, which may take the store's place. Unless it does, it goes.
#[derive(Debug)]
pub struct Replacement {
    copy: NamedTempFile,
    store: PathBuf,
    folder: PathBuf,
}

impl Replacement {
    /// Copies a backup to the folder of the store at `store`, checks it, and brings it to the schema of this program.
    /// Missing folders are made. The backup stays as it is.
    ///
    /// # Errors
    /// [`FileError`] when the backup is not a whole store, or cannot be copied.
    pub fn copy(backup: &Path, store: &Path, stop: &Stop) -> Result<Self, FileError> {
        let unreadable = |error: io::Error| FileError::unreadable(backup, error);
        let mut source = File::open(backup).map_err(unreadable)?;
        let is_there = |path: &Path| fs::metadata(path).is_ok_and(|file| file.len() > 0);
        for suffix in ["-wal", "-journal"] {
            if is_there(&beside(backup, suffix)) {
                return Err(FileError::LogBeside {
                    path: backup.to_owned(),
                });
            }
        }
        let unwritable = |error: io::Error| FileError::unwritable(store, error);
        // What a symbolic link names is replaced, not the link.
        let store = match fs::canonicalize(store) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => std::path::absolute(store),
            store => store,
        };
        let store = store.map_err(unwritable)?;
        let folder = store.parent().unwrap_or(Path::new("/")).to_owned();
        make_folder(&folder)?;
        let copy = partial::new_in(&folder).map_err(unwritable)?;
        let mut target = copy.as_file();
        let mut buffer = vec![0; BUFFER_BYTES];
        loop {
            stop.check()?;
            let read = source.read(&mut buffer).map_err(unreadable)?;
            let Some(read) = buffer.get(..read).filter(|read| !read.is_empty()) else {
                break;
            };
            target.write_all(read).map_err(unwritable)?;
        }
        let replacement = Self {
            copy,
            store,
            folder,
        };
        replacement.keep_owner();
        replacement
            .verify(stop)
            .map_err(|error| of_backup(error, backup))?;
        replacement.migrate()?;
        Ok(replacement)
    }

    fn verify(&self, stop: &Stop) -> Result<(), FileError> {
        StoreFile::open(self.path(), BUSY_TIMEOUT, stop)?.verify()
    }

    fn migrate(&self) -> Result<(), FileError> {
        let database = Database::at(self.path(), BUSY_TIMEOUT)?;
        let mut connection: SqliteConnection = database.connect(Role::Writer)?;
        migrate::migrate(&database, &mut connection)?;
        Ok(())
    }

    /// The program that serves the store may be another user's than the one that restores it. Who may not give files
    /// away keeps them.
    fn keep_owner(&self) {
        #[cfg(unix)]
        if let Ok(owner) = fs::metadata(&self.store).or_else(|_| fs::metadata(&self.folder)) {
            let _ = fchown(self.copy.as_file(), Some(owner.uid()), Some(owner.gid()));
        }
    }

    /// Where the copy is, to be opened as a store and closed again.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.copy.path()
    }

    /// Puts the copy in the place of the store, in one step: whenever this is interrupted, the one is there or the other,
    /// and nothing beside it is of the other. `replaced` is the store that is there; without it, what is there cannot be
    /// read. With `keep` what is replaced stays under this name in the same folder. When this returns it is durable.
    ///
    /// # Errors
    /// [`FileError`] when a file cannot be written; the old store may have another name by then, too.
    pub fn take_place(
        self,
        replaced: Option<SoleStore>,
        keep: Option<&str>,
    ) -> Result<Option<PathBuf>, FileError> {
        self.make_single()?;
        let Self {
            copy,
            store,
            folder,
        } = self;
        let unwritable = |error: io::Error| FileError::unwritable(&store, error);
        copy.as_file().sync_all().map_err(unwritable)?;
        if let Some(replaced) = &replaced {
            replaced.empty_log()?;
        }
        let kept = keep.map(|name| folder.join(name));
        let kept = kept.filter(|_| store.exists());
        if let Some(kept) = &kept {
            fs::hard_link(&store, kept).map_err(|error| FileError::unwritable(kept, error))?;
        }
        for suffix in ["-wal", "-journal"] {
            let log = beside(&store, suffix);
            let gone = match &kept {
                // Nobody could move it into the store.
                Some(kept) if replaced.is_none() => fs::rename(&log, beside(kept, suffix)),
                _ => fs::remove_file(&log),
            };
            missing_is_fine(gone).map_err(unwritable)?;
        }
        missing_is_fine(fs::remove_file(beside(&store, "-shm"))).map_err(unwritable)?;
        // Before the new file has the name: it is never to be found with a log of the old one.
        partial::sync_folder(&folder).map_err(unwritable)?;
        copy.persist(&store)
            .map_err(|error| unwritable(error.error))?;
        partial::sync_folder(&folder).map_err(unwritable)?;
        // Until here whoever wants to open the old store waits.
        drop(replaced);
        Ok(kept)
    }

    /// Moves everything into the file itself.
    fn make_single(&self) -> Result<(), FileError> {
        let Some(sole) = SoleStore::take(self.path())? else {
            return Err(FileError::unreadable(self.path(), "it is gone"));
        };
        sole.leave_wal_mode()?;
        drop(sole);
        partial::remove_beside(self.path());
        Ok(())
    }
}

fn missing_is_fine(done: io::Result<()>) -> io::Result<()> {
    match done {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done,
    }
}

/// What is wrong with the copy is wrong with the backup.
fn of_backup(error: FileError, backup: &Path) -> FileError {
    let path = backup.to_owned();
    match error {
        FileError::NotADatabase { .. } => FileError::NotADatabase { path },
        FileError::NotAStore { .. } => FileError::NotAStore { path },
        FileError::NewerSchema { version, .. } => FileError::NewerSchema { path, version },
        FileError::Damaged { reason, .. } => FileError::Damaged { path, reason },
        FileError::Unreadable { reason, .. } => FileError::Unreadable { path, reason },
        error => error,
    }
}
