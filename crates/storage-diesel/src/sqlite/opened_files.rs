//! Whether a store's files are still those that were opened.
//!
//! SQLite goes on with files that were moved, deleted or replaced for as long as it has them open, and whatever it
//! writes then is gone at the next start. So the paths are looked at before anybody is answered. They are not opened
//! for it: to close a file ends the locks that SQLite has on it in this process.

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

/// A longer write-ahead log is warned of.
pub(super) const LOG_BYTES_WARNED: u64 = 64 << 20;
/// How often at most.
const WARN_EVERY: Duration = Duration::from_secs(60);

/// What has become of the files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum FileLoss {
    #[error("the file is gone")]
    Gone,
    #[error("another file is in its place")]
    Replaced,
    #[error("the file was overwritten by something else")]
    Overwritten,
    #[error("its write-ahead log is gone")]
    LogGone,
    #[error("another write-ahead log is in the place of its own")]
    LogReplaced,
}

/// Tells one file from all others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct FileIdentity {
    device: u64,
    inode: u64,
    /// The number of a file that is gone may be given to a new one. (Not every file system tells it.)
    created: Option<SystemTime>,
}

impl FileIdentity {
    fn of(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            created: metadata.created().ok(),
        }
    }
}

/// The files of a store, and which ones they were when they were opened.
#[derive(Debug)]
pub(super) struct StoreFiles {
    /// The file as it was named, absolute.
    named: PathBuf,
    /// The same without symbolic links, as SQLite opens it: the files beside it are beside this one.
    path: PathBuf,
    log: PathBuf,
    /// The index of the log, which the processes on one store share.
    index: PathBuf,
    known: Mutex<Known>,
    is_lost: AtomicBool,
}

/// What was seen of the files; `None` before they are open.
#[derive(Debug, Default)]
struct Known {
    main: Option<FileIdentity>,
    log: Option<FileIdentity>,
    index: Option<FileIdentity>,
    /// The longest that the file has been.
    length: u64,
    /// Its length, where that is less.
    shorter: Option<u64>,
    overwritten: bool,
    loss: Option<FileLoss>,
    warned: Option<Instant>,
}

impl StoreFiles {
    /// The files of the store at this absolute path, which is `path` when symbolic links are followed.
    pub(super) fn at(named: PathBuf, path: PathBuf) -> Self {
        Self {
            named,
            log: beside(&path, "-wal"),
            index: beside(&path, "-shm"),
            path,
            known: Mutex::default(),
            is_lost: AtomicBool::new(false),
        }
    }

    /// The file as it was named, as people know it.
    pub(super) fn named(&self) -> &Path {
        &self.named
    }

    /// The file, without symbolic links.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// How long the write-ahead log is, in bytes; 0 where there is none.
    pub(super) fn log_bytes(&self) -> u64 {
        length(&self.log)
    }

    /// Whether they were not the store's own when they were last looked at.
    pub(super) fn is_lost(&self) -> bool {
        self.is_lost.load(Ordering::Acquire)
    }

    /// What had become of the files when they were last looked at.
    pub(super) fn loss(&self) -> Result<(), FileLoss> {
        match self.is_lost() {
            true => self.known().loss.map_or(Ok(()), Err),
            false => Ok(()),
        }
    }

    /// Looks at the files; tells of a change in the log.
    pub(super) fn look(&self) -> Result<(), FileLoss> {
        let mut known = self.known();
        let mut loss = self.compare(&mut known).err();
        if known.overwritten {
            loss = loss.or(Some(FileLoss::Overwritten));
        }
        if loss != known.loss {
            let path = self.named.display();
            match loss {
                Some(loss) => tracing::error!(%path, %loss, "nothing is read or written any more"),
                None => tracing::warn!(%path, "the files of the store are back"),
            }
            known.loss = loss;
            self.is_lost.store(loss.is_some(), Ordering::Release);
        }
        loss.map_or(Ok(()), Err)
    }

    fn compare(&self, known: &mut Known) -> Result<(), FileLoss> {
        let main = fs::metadata(&self.named).map_err(|_error| FileLoss::Gone)?;
        let Some(expected) = known.main else {
            return Ok(());
        };
        if FileIdentity::of(&main) != expected {
            return Err(FileLoss::Replaced);
        }
        if self.named != self.path {
            let resolved = fs::metadata(&self.path).map_err(|_error| FileLoss::Gone)?;
            if FileIdentity::of(&resolved) != expected {
                return Err(FileLoss::Replaced);
            }
        }
        known.shorter = (main.len() < known.length).then_some(main.len());
        known.length = known.length.max(main.len());
        for (path, expected) in [(&self.log, known.log), (&self.index, known.index)] {
            let Some(expected) = expected else {
                continue;
            };
            let found = fs::metadata(path).map_err(|_error| FileLoss::LogGone)?;
            if FileIdentity::of(&found) != expected {
                return Err(FileLoss::LogReplaced);
            }
            if *path == self.log {
                self.warn_of_length(known, found.len());
            }
        }
        Ok(())
    }

    fn warn_of_length(&self, known: &mut Known, log_bytes: u64) {
        let is_due = |last: Instant| last.elapsed() >= WARN_EVERY;
        if log_bytes > LOG_BYTES_WARNED && known.warned.is_none_or(is_due) {
            known.warned = Some(Instant::now());
            let path = self.log.display();
            tracing::warn!(%path, bytes = log_bytes, "the write-ahead log is long: somebody else reads for long");
        }
    }

    /// Takes the file that is there for the store's own, once it is open for writing; on some file systems that makes
    /// another one of it. Only the first time counts.
    pub(super) fn adopt(&self) {
        let found = fs::metadata(&self.path).ok();
        let mut known = self.known();
        known.main = known.main.or(found.map(|it| FileIdentity::of(&it)));
    }

    /// Takes the log that is there for the store's own, once the writing connection has it open.
    pub(super) fn adopt_log(&self) {
        let identity = |path| fs::metadata(path).ok().map(|it| FileIdentity::of(&it));
        let mut known = self.known();
        known.log = identity(&self.log);
        known.index = identity(&self.index);
    }

    /// SQLite may delete the log from now on, as no connection has it open for certain. One that is lost already
    /// stays so.
    pub(super) fn release_log(&self) {
        let mut known = self.known();
        if known.loss.is_none() {
            known.log = None;
            known.index = None;
        }
    }

    /// How long the file is, if it has been longer.
    pub(super) fn shorter(&self) -> Option<u64> {
        self.known().shorter
    }

    /// Tells whether it was SQLite that has made the file as short as this.
    pub(super) fn explain(&self, shorter: u64, by_sqlite: bool) -> Result<(), FileLoss> {
        let mut known = self.known();
        match by_sqlite {
            true => known.length = shorter,
            false => known.overwritten = true,
        }
        drop(known);
        self.look()
    }

    /// A file beside the store's.
    pub(super) fn beside(&self, suffix: &str) -> PathBuf {
        beside(&self.path, suffix)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How long a file is, 0 where there is none.
pub(super) fn length(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |metadata| metadata.len())
}

pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.to_owned().into_os_string();
    name.push(suffix);
    PathBuf::from(name)
}

#[cfg(test)]
mod tests;
