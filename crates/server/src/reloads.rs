//! Files that are read again while the server runs: on SIGHUP, and when they have changed.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use actix_web::rt::task::spawn_blocking;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{Instant, MissedTickBehavior, interval_at};

/// How often is looked whether a file has changed.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// What is made of files and has to be made again when they change.
pub(crate) struct Reloads {
    hangups: Signal,
    all: Arc<Mutex<Vec<Reload>>>,
}

/// Files, and what to do when they have changed.
struct Reload {
    files: WatchedFiles,
    read_again: Box<dyn Fn() + Send>,
}

/// Files, as they were when they were last looked at.
#[derive(Debug)]
pub(crate) struct WatchedFiles {
    paths: Vec<PathBuf>,
    seen: Vec<Option<Stamp>>,
}

/// What differs when a file has been written or another one put in its place.
#[derive(Debug, PartialEq, Eq)]
struct Stamp {
    modified: (i64, i64),
    bytes: u64,
    inode: u64,
}

impl Reloads {
    /// From now on SIGHUP does not end the program.
    ///
    /// # Errors
    /// When signals cannot be listened to.
    pub(crate) fn listen() -> io::Result<Self> {
        Ok(Self {
            hangups: signal(SignalKind::hangup())?,
            all: Arc::default(),
        })
    }

    /// Has these files read again by this function, which runs on a thread where it may wait for files. What it
    /// cannot use it tells the log, once: it is called again only after another change.
    pub(crate) fn add(&mut self, files: WatchedFiles, read_again: impl Fn() + Send + 'static) {
        let read_again = Box::new(read_again);
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        all.push(Reload { files, read_again });
    }

    /// Reads files again whenever that is asked for or due. It never ends.
    pub(crate) async fn run(&mut self) {
        // They were read when the server started.
        let mut ticks = interval_at(Instant::now() + LOOK_EVERY, LOOK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let asked = tokio::select! {
                Some(()) = self.hangups.recv() => true,
                _ = ticks.tick() => false,
            };
            let all = Arc::clone(&self.all);
            // It fails only where one of the functions panics, which was printed where it happened.
            let _ = spawn_blocking(move || look_at(&all, asked)).await;
        }
    }
}

fn look_at(all: &Mutex<Vec<Reload>>, asked: bool) {
    let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
    for reload in all.iter_mut() {
        if reload.files.have_changed() || asked {
            (reload.read_again)();
        }
    }
}

impl WatchedFiles {
    /// Looks at these files. Whoever reads them afterwards misses no change.
    pub(crate) fn at(paths: impl IntoIterator<Item = PathBuf>) -> Self {
        let paths: Vec<_> = paths.into_iter().collect();
        let seen = stamps(&paths);
        Self { paths, seen }
    }

    /// Whether any has changed since it was last looked at.
    fn have_changed(&mut self) -> bool {
        let now = stamps(&self.paths);
        let changed = now != self.seen;
        self.seen = now;
        changed
    }
}

/// None for a file that is not there.
fn stamps(paths: &[PathBuf]) -> Vec<Option<Stamp>> {
    let stamp = |path: &PathBuf| {
        let file = fs::metadata(path).ok()?;
        Some(Stamp {
            modified: (file.mtime(), file.mtime_nsec()),
            bytes: file.len(),
            inode: file.ino(),
        })
    };
    paths.iter().map(stamp).collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn a_file_that_is_written_replaced_or_gone_has_changed() {
        let folder = tempfile::tempdir().unwrap();
        let [file, other, link] = ["file", "other", "link"].map(|name| folder.path().join(name));
        fs::write(&file, "one").unwrap();
        fs::write(&other, "two").unwrap();
        symlink(&file, &link).unwrap();
        let mut files = WatchedFiles::at([folder.path().join("none"), link.clone()]);
        assert!(!files.have_changed());

        fs::write(&file, "longer").unwrap();
        assert!(files.have_changed());
        assert!(!files.have_changed());

        fs::remove_file(&link).unwrap();
        assert!(files.have_changed());
        symlink(&other, &link).unwrap();
        assert!(files.have_changed());
        assert!(!files.have_changed());

        fs::write(folder.path().join("none"), "").unwrap();
        assert!(files.have_changed());
    }

    #[test]
    fn files_are_read_again_when_they_have_changed_and_when_that_is_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        let read = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&read);
        let all = Mutex::new(vec![Reload {
            files: WatchedFiles::at([file.clone()]),
            read_again: Box::new(move || {
                count.fetch_add(1, Ordering::Relaxed);
            }),
        }]);
        let look = |asked| {
            look_at(&all, asked);
            read.swap(0, Ordering::Relaxed)
        };
        assert_eq!(look(false), 0);
        assert_eq!(look(true), 1);
        fs::write(&file, "new").unwrap();
        assert_eq!(look(false), 1);
        assert_eq!(look(false), 0);
        fs::write(&file, "newer").unwrap();
        assert_eq!(look(true), 1);
        assert_eq!(look(false), 0);
    }
}
