//! The one thread that writes. Whatever is queued while one transaction is committed goes into the
//! next, so that one sync of the disk serves many posts.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;

use convosync_domain::ports::StoreError;

use super::connection::{Database, Role, bytes_with_log};
use super::errors::{SqliteError, SqliteErrorKind};
use super::group::{self, Group, Outcome, Task, Work};
use super::opened_files::FileLoss;
use super::write_ahead_log;
use crate::measures::{Commits, Groups};

/// A group ends with the task that reaches either.
const GROUP_TASKS: usize = 256;
const GROUP_MESSAGES: usize = 2_000;

/// How long after a failed attempt the write-ahead log is tried to be emptied again.
const EMPTY_LOG_AGAIN: Duration = Duration::from_secs(1);

/// How often the files are looked at while nobody writes.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// The way to the writing thread.
pub(super) struct Writer {
    queue: Mutex<Option<mpsc::Sender<Box<dyn Work>>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    failing: Arc<AtomicBool>,
}

impl Writer {
    /// Starts the thread on a connection that is open.
    pub(super) fn start(
        database: Arc<Database>,
        connection: SqliteConnection,
    ) -> std::io::Result<Self> {
        database.files().adopt_log();
        let (queue, tasks) = mpsc::channel();
        let failing = Arc::new(AtomicBool::new(false));
        let writing = WritingThread {
            database,
            connection: Some(connection),
            failed: None,
            tasks,
            failing: Arc::clone(&failing),
            has_written: false,
            commits: Commits::new(),
            groups: Groups::new(),
            // A process that broke off may have left what it erased.
            empty_log_at: Some(Instant::now() + EMPTY_LOG_AGAIN),
            empty_log_failed: false,
        };
        let thread = thread::Builder::new()
            .name("sqlite-writer".to_owned())
            .spawn(move || writing.run())?;
        Ok(Self {
            queue: Mutex::new(Some(queue)),
            thread: Mutex::new(Some(thread)),
            failing,
        })
    }

    /// Does the work in a transaction and returns when it is durable. `messages` says how many
    /// messages it writes.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        messages: usize,
        work: impl FnOnce(&mut Group<'_>) -> Result<T, SqliteError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (task, answer) = Task::new(messages, work);
        let queued = match &*locked(&self.queue) {
            Some(queue) => queue.send(Box::new(task)).is_ok(),
            None => false,
        };
        if !queued {
            return Err(SqliteError::Closed.into());
        }
        answer
            .await
            .unwrap_or_else(|_| Err(SqliteError::Panicked.into()))
    }

    /// Whether the next write may well fail: the last one did, for another reason than a lock, or
    /// the store is closed.
    pub(super) fn is_failing(&self) -> bool {
        self.failing.load(Ordering::Relaxed) || locked(&self.queue).is_none()
    }

    /// Takes no more work, finishes what is queued and closes the file.
    pub(super) fn close(&self) {
        drop(locked(&self.queue).take());
        let thread = locked(&self.thread).take();
        if let Some(thread) = thread
            && thread.join().is_err()
        {
            tracing::error!("the writing thread had panicked");
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.close();
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

struct WritingThread {
    database: Arc<Database>,
    /// `None` after a failure, until the next write.
    connection: Option<SqliteConnection>,
    /// The one that failed last, until there is another. While one is open, SQLite knows what in the log is committed
    /// and writes over the rest. Once none is, it reads the log again, and builds on what could not be synced.
    failed: Option<SqliteConnection>,
    tasks: mpsc::Receiver<Box<dyn Work>>,
    failing: Arc<AtomicBool>,
    /// Whether anything was committed on this connection.
    has_written: bool,
    commits: Commits,
    groups: Groups,
    /// When to empty the write-ahead log, while it may hold what was erased with a visitor.
    empty_log_at: Option<Instant>,
    /// Whether that failed last time: it is told once.
    empty_log_failed: bool,
}

impl WritingThread {
    fn run(mut self) {
        while let Some(first) = self.next_task() {
            let group = self.with_what_is_queued(first);
            // Whoever waits for a task that is dropped here is told so.
            if catch_unwind(AssertUnwindSafe(|| self.write(group))).is_err() {
                self.drop_connection();
            }
        }
        self.checkpoint();
        self.drop_connection();
    }

    /// Waits for work, and meanwhile looks at the files and empties the log when it is time to; `None` when no more
    /// work can come.
    fn next_task(&mut self) -> Option<Box<dyn Work>> {
        let mut look_at = Instant::now() + LOOK_EVERY;
        loop {
            let until = self.empty_log_at.map_or(look_at, |when| when.min(look_at));
            let wait = until.saturating_duration_since(Instant::now());
            match self.tasks.recv_timeout(wait) {
                Ok(task) => return Some(task),
                Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) => {}
            }
            if look_at <= Instant::now() {
                // It is in the log of the program.
                let _ = self.look();
                look_at = Instant::now() + LOOK_EVERY;
            }
            self.empty_log_when_due();
        }
    }

    /// Looks whether the files are still the store's.
    fn look(&mut self) -> Result<(), FileLoss> {
        self.database.look()?;
        let (Some(shorter), Some(connection)) =
            (self.database.files().shorter(), &mut self.connection)
        else {
            return Ok(());
        };
        // Some program may have vacuumed the store, which SQLite knows then; else something else was put into the file.
        let bytes = bytes_with_log(connection).map_or(u64::MAX, i64::unsigned_abs);
        let by_sqlite = self.has_written && bytes <= shorter;
        self.database.files().explain(shorter, by_sqlite)
    }

    /// Gives the connection up: SQLite may delete the log from then on.
    fn drop_connection(&mut self) {
        self.database.files().release_log();
        self.connection = None;
    }

    fn with_what_is_queued(&self, first: Box<dyn Work>) -> Vec<Box<dyn Work>> {
        let mut messages = first.messages();
        let mut group = vec![first];
        while group.len() < GROUP_TASKS && messages < GROUP_MESSAGES {
            let Ok(task) = self.tasks.try_recv() else {
                break;
            };
            messages += task.messages();
            group.push(task);
        }
        group
    }

    fn write(&mut self, mut tasks: Vec<Box<dyn Work>>) {
        let began = Instant::now();
        let written = self.run_group(&mut tasks).and_then(|outcome| {
            self.has_written = true;
            // What was committed into files that are gone counts for nothing.
            self.look()?;
            Ok(outcome)
        });
        let errors = match written {
            Ok(outcome) => {
                self.commits.committed(began);
                let messages = tasks.iter().map(|task| task.messages()).sum();
                self.groups.committed(tasks.len(), messages);
                if outcome.erases_visitors {
                    self.empty_log_at = Some(Instant::now());
                }
                // Before anybody is answered: then nothing is left when an erasure is told.
                self.empty_log_when_due();
                outcome.errors
            }
            Err(error) => {
                tracing::warn!(error = %error, tasks = tasks.len(), "a transaction failed");
                vec![Some(Arc::new(error)); tasks.len()]
            }
        };
        let is_failure =
            |error: &Arc<SqliteError>| !error.is_refusal() && error.kind() != SqliteErrorKind::Busy;
        let failing = errors.iter().flatten().any(is_failure);
        self.failing.store(failing, Ordering::Relaxed);
        for (task, error) in tasks.into_iter().zip(&errors) {
            task.answer(error.as_ref());
        }
    }

    fn run_group(&mut self, tasks: &mut [Box<dyn Work>]) -> Result<Outcome, SqliteError> {
        if self.database.files().is_lost() {
            // They may be back.
            self.look()?;
        }
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => {
                self.has_written = false;
                let opened = self.database.connect(Role::Writer);
                let opened = opened.map_err(|error| {
                    let no_connection = SqliteError::no_connection(error);
                    let lack_of_room = self.database.lack_of_room();
                    lack_of_room.map_or(no_connection, SqliteError::NoRoom)
                })?;
                self.database.files().adopt_log();
                self.failed = None;
                none.insert(opened)
            }
        };
        group::run(connection, tasks).map_err(|failure| {
            if !failure.usable {
                let failed = self.connection.take();
                self.failed = failed.filter(|_| failure.rolled_back);
                if self.failed.is_none() {
                    self.database.files().release_log();
                }
            }
            let is_io_error = failure.error.kind() == SqliteErrorKind::InputOutput;
            let lack_of_room = is_io_error.then(|| self.database.lack_of_room()).flatten();
            if lack_of_room.is_none() {
                // Else those who read go on.
                self.database.note(&failure.error);
            }
            lack_of_room.map_or(failure.error, SqliteError::NoRoom)
        })
    }

    /// Empties the log, if it is time to. Where a reader keeps it, that is tried again later.
    fn empty_log_when_due(&mut self) {
        if self.empty_log_at.is_none_or(|when| when > Instant::now()) {
            return;
        }
        if self.database.files().is_lost() {
            return self.empty_log_later();
        }
        let Some(connection) = &mut self.connection else {
            return self.empty_log_later();
        };
        let emptied = write_ahead_log::empty(&self.database, connection);
        match &emptied {
            Ok(true) => self.empty_log_at = None,
            Ok(false) => self.empty_log_later(),
            Err(error) => {
                if !self.empty_log_failed {
                    tracing::warn!(%error, "the write-ahead log keeps what was erased until this passes");
                }
                self.empty_log_later();
            }
        }
        self.empty_log_failed = emptied.is_err();
    }

    fn empty_log_later(&mut self) {
        self.empty_log_at = Some(Instant::now() + EMPTY_LOG_AGAIN);
    }

    /// Moves everything into the file and empties the write-ahead log.
    fn checkpoint(&mut self) {
        let Some(connection) = &mut self.connection else {
            return;
        };
        if let Err(error) = connection.batch_execute("PRAGMA wal_checkpoint(TRUNCATE)") {
            tracing::warn!(%error, "the write-ahead log stays as it is");
        }
    }
}

#[cfg(test)]
mod tests;
