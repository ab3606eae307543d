//! Copies of a store that is in use.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use rusqlite::ErrorCode;

use super::error::FileError;
use super::{Stop, StoreFile, partial};

/// Copies the store at this path, as it is at one moment, into a new file, while others go on reading and writing it.
/// What was acknowledged before the call is in it. When this returns the copy is whole, checked and on the disk; it is
/// one file, which has nothing beside it and can be read by its owner alone. Until then nothing is at `target`.
///
/// It holds a read transaction for as long as it takes, so meanwhile the write-ahead log of the store grows.
///
/// # Errors
/// [`FileError`] as its variants say; then nothing is at `target` that was not there.
pub fn back_up(
    store: &Path,
    target: &Path,
    busy_timeout: Duration,
    stop: &Stop,
) -> Result<(), FileError> {
    let target = std::path::absolute(target).map_err(|error| {
        let is_empty = target.as_os_str().is_empty();
        FileError::unwritable(
            target,
            if is_empty {
                "no name is given".into()
            } else {
                error.to_string()
            },
        )
    })?;
    if fs::symlink_metadata(&target).is_ok() {
        return Err(FileError::Exists { path: target });
    }
    let unwritable = |reason: &dyn std::fmt::Display| FileError::unwritable(&target, reason);
    let Some(folder) = target.parent().filter(|_| target.file_name().is_some()) else {
        return Err(unwritable(&"this is no name of a file"));
    };
    let source = StoreFile::open(store, busy_timeout, stop)?;
    source.verify_schema()?;
    let copy = partial::new_in(folder).map_err(|error| unwritable(&error))?;
    let copied = copy.path().to_str().ok_or("its name is not UTF-8");
    let copied = copied.map_err(|reason| unwritable(&reason))?;
    let done = source.connection.execute("VACUUM INTO ?1", [copied]);
    partial::remove_beside(copy.path());
    done.map_err(|error| match error.sqlite_error_code() {
        Some(
            ErrorCode::NotADatabase
            | ErrorCode::DatabaseCorrupt
            | ErrorCode::OperationInterrupted
            | ErrorCode::DatabaseBusy,
        ) => source.unread(error),
        _ => unwritable(&error),
    })?;
    drop(source);
    let verified = StoreFile::open(copy.path(), busy_timeout, stop).and_then(|copy| copy.verify());
    verified.map_err(|error| match error {
        FileError::Stopped => error,
        // The copy goes, and its name with it.
        error => unwritable(&error),
    })?;
    let synced = copy.as_file().sync_all();
    synced.map_err(|error| unwritable(&error))?;
    stop.check()?;
    copy.persist_noclobber(&target)
        .map_err(|error| match error.error.kind() {
            ErrorKind::AlreadyExists => FileError::Exists {
                path: target.clone(),
            },
            _ => unwritable(&error.error),
        })?;
    partial::sync_folder(folder).map_err(|error| unwritable(&error))
}
