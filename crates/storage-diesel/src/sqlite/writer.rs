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

use super::connection::{Database, Role};
use super::errors::{SqliteError, SqliteErrorKind};
use super::group::{self, Group, Outcome, Task, Work};
use super::write_ahead_log;

/// A group ends with the task that reaches either.
const GROUP_TASKS: usize = 256;
const GROUP_MESSAGES: usize = 2_000;

/// How long after a failed attempt the write-ahead log is tried to be emptied again.
const EMPTY_LOG_AGAIN: Duration = Duration::from_secs(1);

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
        let (queue, tasks) = mpsc::channel();
        let failing = Arc::new(AtomicBool::new(false));
        let writing = WritingThread {
            database,
            connection: Some(connection),
            tasks,
            failing: Arc::clone(&failing),
            // A process that broke off may have left what it erased.
            empty_log_at: Some(Instant::now() + EMPTY_LOG_AGAIN),
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
    tasks: mpsc::Receiver<Box<dyn Work>>,
    failing: Arc<AtomicBool>,
    /// When to empty the write-ahead log, while it may hold what was erased with a visitor.
    empty_log_at: Option<Instant>,
}

impl WritingThread {
    fn run(mut self) {
        while let Some(first) = self.next_task() {
            let group = self.with_what_is_queued(first);
            // Whoever waits for a task that is dropped here is told so.
            if catch_unwind(AssertUnwindSafe(|| self.write(group))).is_err() {
                self.connection = None;
            }
        }
        self.checkpoint();
    }

    /// Waits for work, and meanwhile empties the log when it is time to; `None` when no more work can come.
    fn next_task(&mut self) -> Option<Box<dyn Work>> {
        while let Some(when) = self.empty_log_at {
            let wait = when.saturating_duration_since(Instant::now());
            match self.tasks.recv_timeout(wait) {
                Ok(task) => return Some(task),
                Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) => self.empty_log_when_due(),
            }
        }
        self.tasks.recv().ok()
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
        let errors = match self.run_group(&mut tasks) {
            Ok(outcome) => {
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
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => {
                let opened = self.database.connect(Role::Writer);
                none.insert(opened.map_err(|error| SqliteError::NoConnection(error.into()))?)
            }
        };
        group::run(connection, tasks).map_err(|failure| {
            self.database.note(&failure.error);
            if !failure.usable {
                self.connection = None;
            }
            let is_io_error = failure.error.kind() == SqliteErrorKind::InputOutput;
            let lack_of_room = is_io_error.then(|| self.database.lack_of_room()).flatten();
            lack_of_room.map_or(failure.error, SqliteError::NoRoom)
        })
    }

    /// Empties the log, if it is time to. Where a reader keeps it, that is tried again later.
    fn empty_log_when_due(&mut self) {
        if self.empty_log_at.is_none_or(|when| when > Instant::now()) {
            return;
        }
        let Some(connection) = &mut self.connection else {
            return self.empty_log_later();
        };
        match write_ahead_log::empty(&self.database, connection) {
            Ok(true) => self.empty_log_at = None,
            Ok(false) => self.empty_log_later(),
            Err(error) => {
                tracing::warn!(%error, "the write-ahead log keeps what was erased for now");
                self.empty_log_later();
            }
        }
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
mod tests {
    use std::path::Path;

    use super::*;
    use crate::sqlite::group::tests::{count_visitors, insert_visitor};
    use crate::sqlite::migrate;

    fn writer_of(path: &Path) -> Writer {
        let database = Arc::new(Database::at(path, Duration::from_secs(5)).unwrap());
        let mut connection = database.connect(Role::Writer).unwrap();
        migrate::migrate(&database, &mut connection).unwrap();
        Writer::start(database, connection).unwrap()
    }

    #[tokio::test]
    async fn what_is_queued_is_written_before_the_file_is_closed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("convosync.db");
        let writer = Arc::new(writer_of(&path));
        let (open, concurrency_limit) = mpsc::channel::<()>();
        let mut answers = Vec::new();
        let mut concurrency_limit = Some(concurrency_limit);
        for key in 1..=300 {
            let writer = Arc::clone(&writer);
            let concurrency_limit = concurrency_limit.take();
            let work = move |group: &mut Group<'_>| {
                // The first waits until all are queued.
                concurrency_limit.map(|concurrency_limit| concurrency_limit.recv());
                insert_visitor(group, key)
            };
            answers.push(tokio::spawn(async move { writer.write(1, work).await }));
        }
        for _ in 0..1_000 {
            tokio::task::yield_now().await;
        }
        open.send(()).unwrap();
        let closing = Arc::clone(&writer);
        tokio::task::spawn_blocking(move || closing.close())
            .await
            .unwrap();
        for answer in answers {
            answer.await.unwrap().unwrap();
        }
        assert_eq!(count_visitors(&path), 300);
        assert!(!folder.path().join("convosync.db-wal").exists());

        let refused = writer.write(1, |group| insert_visitor(group, 999)).await;
        assert!(matches!(refused, Err(StoreError::Unavailable { .. })));
    }

    #[tokio::test]
    async fn the_thread_goes_on_after_a_panic_and_after_an_io_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("convosync.db");
        let writer = writer_of(&path);
        let panicked: Result<(), _> = writer.write(1, |_| panic!("a defect")).await;
        assert!(matches!(panicked, Err(StoreError::Internal { .. })));

        let failed: Result<(), _> = writer.write(1, |_| Err(io_error())).await;
        assert!(matches!(failed, Err(StoreError::Unavailable { .. })));
        assert!(writer.is_failing());

        assert_eq!(
            writer
                .write(1, |group| insert_visitor(group, 1))
                .await
                .unwrap(),
            1
        );
        assert!(!writer.is_failing());
        assert_eq!(count_visitors(&path), 1);
    }

    fn io_error() -> SqliteError {
        SqliteError::Database(diesel::result::Error::DatabaseError(
            diesel::result::DatabaseErrorKind::Unknown,
            Box::new("disk I/O error".to_owned()),
        ))
    }
}
