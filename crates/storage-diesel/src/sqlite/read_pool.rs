//! The connections that read, and on which thread they do.

use std::sync::Arc;
use std::time::{Duration, Instant};

use diesel::prelude::*;
use diesel::sqlite::Sqlite;

use convosync_domain::ports::StoreError;

use super::connection::{Database, LockWait, Role};
use super::errors::{OpenError, SqliteError, SqliteErrorKind};
use crate::concurrency_limit::ConcurrencyLimit;
use crate::measures::PoolLoad;
use crate::statements::statements;

/// How long a read waits for a connection.
const READER_WAIT: Duration = Duration::from_secs(1);

/// How long the first connections may take to open, each; whatever keeps them, a read is told of it.
const OPENING_WAIT: Duration = Duration::from_secs(5);

/// How long a read may go on: as long as it does, the write-ahead log cannot begin anew.
const READ_MAX: Duration = Duration::from_secs(20);

/// How long a read of many statements has gone on. (Diesel cannot interrupt a statement; each reads at most what one
/// visitor has.)
pub(super) struct ReadTime(Instant);

impl ReadTime {
    /// The read begins now.
    pub(super) fn begin() -> Self {
        Self(Instant::now())
    }

    /// To be asked before each statement of a read that may have many.
    pub(super) fn check(&self) -> Result<(), SqliteError> {
        match self.0.elapsed() < READ_MAX {
            true => Ok(()),
            false => Err(SqliteError::TookTooLong),
        }
    }
}

statements! { Sqlite, SqliteConnection:
    Begin = "BEGIN";
    End = "COMMIT";
}

/// The connections that read a file.
pub(super) struct ReadPool {
    database: Arc<Database>,
    connections: r2d2::Pool<ReadConnections>,
    concurrency_limit: ConcurrencyLimit,
    /// As many again, for inline reads, which never wait.
    inline_connections: r2d2::Pool<ReadConnections>,
}

impl ReadPool {
    /// So many connections to this file, and as many inline. `queue` calls wait for one, at most.
    pub(super) fn from(database: Arc<Database>, connections: u32, queue: usize) -> Self {
        let pool = |lock_wait, opened, min_idle| {
            let pool = r2d2::Pool::builder()
                .max_size(connections)
                .min_idle(Some(min_idle))
                .connection_timeout(READER_WAIT)
                .idle_timeout(None)
                .max_lifetime(None)
                .error_handler(Box::new(UnlessClosed(Arc::clone(&database))))
                .build_unchecked(ReadConnections {
                    database: Arc::clone(&database),
                    lock_wait,
                });
            // They are opened in the background. A store that is closed meanwhile would leave its log behind.
            let opened = (0..opened).map_while(|_| pool.get_timeout(OPENING_WAIT).ok());
            drop(opened.collect::<Vec<_>>());
            pool
        };
        Self {
            // None is opened for the case that one is asked for: that would be in the background, too.
            connections: pool(LockWait::BusyTimeout, 1, 0),
            concurrency_limit: ConcurrencyLimit::new(connections, queue, READER_WAIT),
            // An inline read takes none that is not open yet, so all of them are opened at once.
            inline_connections: pool(LockWait::None, connections, connections),
            database,
        }
    }

    /// How busy the connections are.
    pub(super) fn load(&self) -> [PoolLoad; 2] {
        let connections = PoolLoad::of("read", &self.connections);
        let inline_connections = PoolLoad::of("inline", &self.inline_connections);
        [
            self.concurrency_limit.of_pool(connections),
            inline_connections,
        ]
    }

    /// Closes the connections that nobody reads on, once the file is closed: each is looked at before it is handed out.
    pub(super) fn close(&self) {
        for pool in [&self.connections, &self.inline_connections] {
            drop(pool.try_get());
        }
    }

    /// Reads inside one transaction, so that the read sees one moment, on a blocking thread.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&mut SqliteConnection) -> Result<T, SqliteError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let permit = self
            .concurrency_limit
            .acquire()
            .await
            .map_err(SqliteError::Overloaded)?;
        let readers = self.connections.clone();
        let database = Arc::clone(&self.database);
        let read = move || {
            let _permit = permit;
            database.files().loss()?;
            let mut reader = readers.get().map_err(SqliteError::no_connection)?;
            let read = reader.read(query);
            read.inspect_err(|error| database.note(error))
        };
        let read = tokio::task::spawn_blocking(read).await;
        Ok(read.unwrap_or(Err(SqliteError::Panicked))?)
    }

    /// Reads a few rows on the thread that asks for them: another thread takes longer to wake than they take
    /// to read. Where the read would have to wait, it is done like any other.
    pub(super) async fn read_inline<T: Send + 'static>(
        &self,
        query: impl Fn(&mut SqliteConnection) -> Result<T, SqliteError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.database.files().loss().map_err(SqliteError::from)?;
        if let Some(mut reader) = self.inline_connections.try_get() {
            let read = reader.read(&query);
            drop(reader);
            match read {
                Err(error) if error.kind() == SqliteErrorKind::Busy => {}
                read => return Ok(read.inspect_err(|error| self.database.note(error))?),
            }
        }
        self.read(query).await
    }
}

/// Tells the log why there is no connection, but of a store that is closed, where there is to be none.
#[derive(Debug)]
struct UnlessClosed(Arc<Database>);

impl r2d2::HandleError<OpenError> for UnlessClosed {
    fn handle_error(&self, error: OpenError) {
        if !self.0.is_closed() {
            tracing::warn!(%error, "a connection to read is not to be had");
        }
    }
}

/// Makes the connections of a pool.
#[derive(Debug)]
struct ReadConnections {
    database: Arc<Database>,
    lock_wait: LockWait,
}

/// A connection that only reads.
struct ReadConnection {
    connection: SqliteConnection,
    generation: u64,
    /// Whether a transaction is open: a read that panicked has left it so.
    is_reading: bool,
}

impl ReadConnection {
    /// Reads inside one transaction, so that the read sees one moment. (Diesel's own transactions have
    /// their statements prepared anew each time, which takes longer than most reads.)
    fn read<T>(
        &mut self,
        query: impl FnOnce(&mut SqliteConnection) -> Result<T, SqliteError>,
    ) -> Result<T, SqliteError> {
        self.is_reading = true;
        (Begin {}).execute(&mut self.connection)?;
        let read = query(&mut self.connection);
        let ended = (End {}).execute(&mut self.connection);
        self.is_reading = ended.is_err();
        // After some errors SQLite has ended it already: then the error is what counts.
        let read = read?;
        ended?;
        Ok(read)
    }
}

impl r2d2::ManageConnection for ReadConnections {
    type Connection = ReadConnection;
    type Error = OpenError;

    fn connect(&self) -> Result<ReadConnection, OpenError> {
        let generation = self.database.generation();
        Ok(ReadConnection {
            connection: self.database.connect(Role::Reader(self.lock_wait))?,
            generation,
            is_reading: false,
        })
    }

    fn is_valid(&self, reader: &mut ReadConnection) -> Result<(), OpenError> {
        if self.has_broken(reader) {
            return Err(self
                .database
                .unusable(&"the connection is from before a failure"));
        }
        Ok(())
    }

    fn has_broken(&self, reader: &mut ReadConnection) -> bool {
        reader.is_reading || reader.generation != self.database.generation()
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::path::Path;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;

    use diesel::connection::SimpleConnection;
    use diesel::dsl::sql;
    use diesel::result::{DatabaseErrorKind, Error as DieselError};
    use diesel::sql_types::BigInt;

    use super::*;

    fn read_pool(path: &Path) -> ReadPool {
        let database = Arc::new(Database::at(path, Duration::from_secs(5)).unwrap());
        ReadPool::from(database, 1, 1)
    }

    fn one(connection: &mut SqliteConnection) -> Result<i64, SqliteError> {
        let one = diesel::select(sql::<BigInt>("(SELECT 1 FROM sqlite_schema LIMIT 1)"));
        Ok(one.get_result::<i64>(connection)?)
    }

    #[test]
    fn a_read_that_goes_on_for_long_ends() {
        assert!(ReadTime::begin().check().is_ok());
        let Some(begun) = Instant::now().checked_sub(READ_MAX) else {
            return;
        };
        let ended = ReadTime(begun).check().unwrap_err();
        assert_eq!(ended.kind(), SqliteErrorKind::Busy);
    }

    #[tokio::test]
    async fn an_inline_read_that_would_have_to_wait_waits_on_another_thread() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("convosync.db");
        let read_pool = read_pool(&path);
        // They are opened in the background.
        for pool in [&read_pool.inline_connections, &read_pool.connections] {
            drop(pool.get().unwrap());
        }
        let mut other = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
        other
            .batch_execute("CREATE TABLE t (id INTEGER) STRICT")
            .unwrap();
        let asking = thread::current().id();
        let here =
            |connection: &mut SqliteConnection| Ok((one(connection)?, thread::current().id()));
        let inline = read_pool.read_inline(here).await.unwrap();
        assert_eq!(inline, (1, asking));

        // No connection is free.
        let taken = read_pool.inline_connections.get().unwrap();
        let (read, by) = read_pool.read_inline(here).await.unwrap();
        assert_eq!((read, by == asking), (1, false));
        drop(taken);

        // Another process holds the file.
        let tried = AtomicUsize::new(0);
        let locked_at_first = move |connection: &mut SqliteConnection| {
            if tried.fetch_add(1, Ordering::Relaxed) == 0 {
                let locked = Box::new("database is locked".to_owned());
                return Err(DieselError::DatabaseError(DatabaseErrorKind::Unknown, locked).into());
            }
            here(connection)
        };
        let (read, by) = read_pool.read_inline(locked_at_first).await.unwrap();
        assert_eq!((read, by == asking), (1, false));
    }

    #[test]
    fn an_error_of_the_query_counts_more_than_that_its_transaction_has_ended() {
        let folder = tempfile::tempdir().unwrap();
        let read_pool = read_pool(&folder.path().join("convosync.db"));
        let mut reader = read_pool.inline_connections.get().unwrap();
        let read = reader.read(|connection| -> Result<(), SqliteError> {
            connection.batch_execute("ROLLBACK")?;
            let failure = Box::new("disk I/O error".to_owned());
            Err(DieselError::DatabaseError(DatabaseErrorKind::Unknown, failure).into())
        });
        assert_eq!(read.unwrap_err().kind(), SqliteErrorKind::InputOutput);
        assert!(reader.is_reading);
    }

    #[test]
    fn a_connection_whose_read_panicked_is_not_used_again() {
        let folder = tempfile::tempdir().unwrap();
        let read_pool = read_pool(&folder.path().join("convosync.db"));
        let mut reader = read_pool.inline_connections.get().unwrap();
        let read = || reader.read(|_| -> Result<(), SqliteError> { panic!("a defect") });
        catch_unwind(AssertUnwindSafe(read)).unwrap_err();
        assert!(reader.is_reading);
        drop(reader);
        assert_eq!(
            read_pool
                .inline_connections
                .get()
                .unwrap()
                .read(|_| Ok(2))
                .unwrap(),
            2
        );
    }

    #[test]
    fn a_connection_from_before_a_failure_is_not_used_again() {
        use r2d2::ManageConnection;

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("convosync.db");
        let database = Arc::new(Database::at(&path, Duration::ZERO).unwrap());
        let readers = ReadConnections {
            database: Arc::clone(&database),
            lock_wait: LockWait::BusyTimeout,
        };
        let mut reader = readers.connect().unwrap();
        assert!(!readers.has_broken(&mut reader));
        let failure = DieselError::DatabaseError(
            DatabaseErrorKind::Unknown,
            Box::new("disk I/O error".to_owned()),
        );
        database.note(&SqliteError::Database(failure));
        assert!(readers.has_broken(&mut reader));
        assert!(!readers.has_broken(&mut readers.connect().unwrap()));
    }
}
