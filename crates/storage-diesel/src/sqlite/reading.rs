//! The connections that read, and on which thread they do.

use std::sync::Arc;
use std::time::Duration;

use diesel::prelude::*;
use diesel::sqlite::Sqlite;

use convosync_domain::ports::StoreError;

use super::connection::{Database, Patience, Role};
use super::errors::{OpenError, SqliteError, SqliteErrorKind};
use crate::gate::Gate;
use crate::statements::statements;

/// How long a read waits for a connection.
const READER_WAIT: Duration = Duration::from_secs(1);

statements! { Sqlite, SqliteConnection:
    Begin = "BEGIN";
    End = "COMMIT";
}

/// What reads a file.
pub(super) struct Reading {
    database: Arc<Database>,
    readers: r2d2::Pool<Readers>,
    gate: Gate,
    /// As many again, for reads of a few rows, which wait for nobody.
    glancers: r2d2::Pool<Readers>,
}

impl Reading {
    /// Reads from so many connections at once, while `queue` more reads may wait; and a few rows from as
    /// many others.
    pub(super) fn from(database: Arc<Database>, connections: u32, queue: usize) -> Self {
        let pool = |patience, idle| {
            r2d2::Pool::builder()
                .max_size(connections)
                .min_idle(Some(idle))
                .connection_timeout(READER_WAIT)
                .idle_timeout(None)
                .max_lifetime(None)
                .build_unchecked(Readers {
                    database: Arc::clone(&database),
                    patience,
                })
        };
        Self {
            readers: pool(Patience::BusyTimeout, 1),
            gate: Gate::new(connections, queue, READER_WAIT),
            // Whoever waits for none gets only what is open.
            glancers: pool(Patience::None, connections),
            database,
        }
    }

    /// Reads inside one transaction, so that the read sees one moment, on a blocking thread.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&mut SqliteConnection) -> Result<T, SqliteError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let place = self.gate.enter().await.map_err(SqliteError::Refused)?;
        let readers = self.readers.clone();
        let database = Arc::clone(&self.database);
        let read = move || {
            let _place = place;
            let reader = readers.get();
            let mut reader = reader.map_err(|error| SqliteError::NoConnection(error.into()))?;
            let read = reader.read(query);
            read.inspect_err(|error| database.note(error))
        };
        let read = tokio::task::spawn_blocking(read).await;
        Ok(read.unwrap_or(Err(SqliteError::Panicked))?)
    }

    /// Reads a few rows here and now, on the caller's thread: another one would take longer to wake than
    /// they take to read. Where that would have to wait, it is read like anything else.
    pub(super) async fn glance<T: Send + 'static>(
        &self,
        query: impl Fn(&mut SqliteConnection) -> Result<T, SqliteError> + Send + 'static,
    ) -> Result<T, StoreError> {
        if let Some(mut reader) = self.glancers.try_get() {
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

/// Makes the connections of a pool.
#[derive(Debug)]
struct Readers {
    database: Arc<Database>,
    patience: Patience,
}

/// A connection that only reads.
struct Reader {
    connection: SqliteConnection,
    generation: u64,
    /// A read that panics leaves its transaction open.
    is_reading: bool,
}

impl Reader {
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

impl r2d2::ManageConnection for Readers {
    type Connection = Reader;
    type Error = OpenError;

    fn connect(&self) -> Result<Reader, OpenError> {
        let generation = self.database.generation();
        Ok(Reader {
            connection: self.database.connect(Role::Reader(self.patience))?,
            generation,
            is_reading: false,
        })
    }

    fn is_valid(&self, reader: &mut Reader) -> Result<(), OpenError> {
        if self.has_broken(reader) {
            return Err(self
                .database
                .unusable(&"the connection is from before a failure"));
        }
        Ok(())
    }

    fn has_broken(&self, reader: &mut Reader) -> bool {
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

    fn reading(path: &Path) -> Reading {
        let database = Arc::new(Database::at(path, Duration::from_secs(5)).unwrap());
        Reading::from(database, 1, 1)
    }

    fn one(connection: &mut SqliteConnection) -> Result<i64, SqliteError> {
        let one = diesel::select(sql::<BigInt>("(SELECT 1 FROM sqlite_schema LIMIT 1)"));
        Ok(one.get_result::<i64>(connection)?)
    }

    #[tokio::test]
    async fn a_glance_that_would_have_to_wait_waits_on_another_thread() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("convosync.db");
        let reading = reading(&path);
        // They are opened in the background.
        for pool in [&reading.glancers, &reading.readers] {
            drop(pool.get().unwrap());
        }
        let mut other = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
        other
            .batch_execute("CREATE TABLE t (id INTEGER) STRICT")
            .unwrap();
        let glancing = thread::current().id();
        let here =
            |connection: &mut SqliteConnection| Ok((one(connection)?, thread::current().id()));
        let of_glance = reading.glance(here).await.unwrap();
        assert_eq!(of_glance, (1, glancing));

        // No connection is free.
        let taken = reading.glancers.get().unwrap();
        let (read, by) = reading.glance(here).await.unwrap();
        assert_eq!((read, by == glancing), (1, false));
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
        let (read, by) = reading.glance(locked_at_first).await.unwrap();
        assert_eq!((read, by == glancing), (1, false));
    }

    #[test]
    fn a_fault_of_the_query_counts_more_than_that_its_transaction_has_ended() {
        let folder = tempfile::tempdir().unwrap();
        let reading = reading(&folder.path().join("convosync.db"));
        let mut reader = reading.glancers.get().unwrap();
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
        let reading = reading(&folder.path().join("convosync.db"));
        let mut reader = reading.glancers.get().unwrap();
        let read = || reader.read(|_| -> Result<(), SqliteError> { panic!("a defect") });
        catch_unwind(AssertUnwindSafe(read)).unwrap_err();
        assert!(reader.is_reading);
        drop(reader);
        assert_eq!(reading.glancers.get().unwrap().read(|_| Ok(2)).unwrap(), 2);
    }

    #[test]
    fn a_connection_from_before_a_failure_is_not_used_again() {
        use r2d2::ManageConnection;

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("convosync.db");
        let database = Arc::new(Database::at(&path, Duration::ZERO).unwrap());
        let readers = Readers {
            database: Arc::clone(&database),
            patience: Patience::BusyTimeout,
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
