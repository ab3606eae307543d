//! Connections: how each is opened, with the settings that the store's promises rest on.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Text};

use super::errors::{OpenError, SqliteError, SqliteErrorKind, kind_of};
use super::opened_files::{FileLoss, StoreFiles, length};
use super::place::prepare;

/// Pages to gather in the write-ahead log before they are moved into the file: 16 MB, as random
/// pages are then written once for many posts.
const WAL_PAGES: u32 = 4_000;
/// Of 16 times as much nothing was faster.
const WRITER_CACHE_KIB: u32 = 4_096;
/// With less room than this the store counts as full.
const ROOM_BYTES: usize = 1_048_576;

/// The file of a store, and how to connect to it.
#[derive(Debug)]
pub(super) struct Database {
    files: StoreFiles,
    busy_timeout: Duration,
    /// Rises with each failed read, write or sync: connections from before may hold in memory what
    /// never reached the disk. So it does when files that were lost are back.
    generation: AtomicU64,
    is_closed: AtomicBool,
}

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Writer,
    Reader(LockWait),
}

/// How long a connection waits for the lock that another process holds, once it is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LockWait {
    /// As long as the store's options say.
    BusyTimeout,
    /// Not at all.
    None,
}

impl Database {
    /// The file at this path; it and missing folders are made.
    pub(super) fn at(path: &Path, busy_timeout: Duration) -> Result<Self, OpenError> {
        Ok(Self {
            files: prepare(path)?,
            busy_timeout,
            generation: AtomicU64::new(0),
            is_closed: AtomicBool::new(false),
        })
    }

    pub(super) fn path(&self) -> &Path {
        self.files.named()
    }

    pub(super) fn files(&self) -> &StoreFiles {
        &self.files
    }

    /// Looks whether the files are still those that were opened.
    pub(super) fn look(&self) -> Result<(), FileLoss> {
        let was_lost = self.files.is_lost();
        let looked = self.files.look();
        if was_lost && looked.is_ok() {
            self.generation.fetch_add(1, Ordering::Release);
        }
        looked
    }

    /// How long a connection that waits for a lock does so.
    pub(super) fn busy_timeout(&self) -> Duration {
        self.busy_timeout
    }

    /// Opens a connection and checks that it keeps what is acknowledged.
    pub(super) fn connect(&self, role: Role) -> Result<SqliteConnection, OpenError> {
        if self.is_closed() {
            return Err(self.unusable(&SqliteError::Closed));
        }
        let lost = |loss: FileLoss| self.unusable(&loss);
        self.look().map_err(lost)?;
        let url = self.url()?;
        let mut connection =
            SqliteConnection::establish(&url).map_err(|error| self.unusable(&error))?;
        self.configure(&mut connection, role)?;
        for (name, expected) in [("synchronous", "2"), ("journal_mode", "wal")] {
            let found = setting(&mut connection, name).map_err(|error| self.unusable(&error))?;
            if found != expected {
                return Err(OpenError::Setting {
                    path: self.path().to_owned(),
                    setting: name,
                    expected,
                    found,
                });
            }
        }
        self.files.adopt();
        // What was opened meanwhile may be another file, or have a new log.
        self.look().map_err(lost)?;
        Ok(connection)
    }

    /// The file as SQLite opens it without making one.
    fn url(&self) -> Result<String, OpenError> {
        let path = self.files.path().to_str().ok_or("its name is not UTF-8");
        let path = path.map_err(|reason| self.unusable(&reason))?;
        let escaped = path.replace('%', "%25").replace('?', "%3f");
        Ok(format!("file:{}?mode=rw", escaped.replace('#', "%23")))
    }

    /// Looks through the whole file for damage.
    pub(super) fn check(&self, connection: &mut SqliteConnection) -> Result<(), OpenError> {
        // An argument of this table is taken for the name of one.
        let found = "(SELECT quick_check FROM pragma_quick_check LIMIT 1)";
        let found = diesel::select(sql::<Text>(found));
        let found: String = found
            .get_result(connection)
            .map_err(|error| self.unusable(&error))?;
        if found != "ok" {
            return Err(OpenError::Damaged {
                path: self.path().to_owned(),
                reason: found.split_whitespace().collect::<Vec<_>>().join(" "),
            });
        }
        Ok(())
    }

    pub(super) fn unusable(&self, reason: &dyn fmt::Display) -> OpenError {
        OpenError::Unusable {
            path: self.path().to_owned(),
            reason: reason.to_string(),
        }
    }

    fn configure(&self, connection: &mut SqliteConnection, role: Role) -> Result<(), OpenError> {
        // First of all: whatever comes after may find the file locked.
        let busy_timeout = self.busy_timeout.as_millis();
        let waits = connection.batch_execute(&format!("PRAGMA busy_timeout = {busy_timeout}"));
        waits.map_err(|error| self.unusable(&error))?;
        // Before it is changed in any way.
        if role == Role::Writer
            && !is_new_or_ours(connection).map_err(|error| self.unusable(&error))?
        {
            return Err(OpenError::OtherProgram {
                path: self.path().to_owned(),
            });
        }
        let set = self.set(connection, role);
        set.map_err(|error| self.unusable(&error))
    }

    fn set(&self, connection: &mut SqliteConnection, role: Role) -> QueryResult<()> {
        self.enter_wal_mode(connection)?;
        connection.batch_execute(
            "PRAGMA synchronous = FULL;
             PRAGMA foreign_keys = ON;
             PRAGMA trusted_schema = OFF;
             PRAGMA cell_size_check = ON;
             PRAGMA secure_delete = ON;
             PRAGMA journal_size_limit = 67108864;
             PRAGMA mmap_size = 0;",
        )?;
        match role {
            Role::Writer => connection.batch_execute(&format!(
                "PRAGMA wal_autocheckpoint = {WAL_PAGES}; PRAGMA cache_size = -{WRITER_CACHE_KIB};"
            )),
            Role::Reader(lock_wait) => {
                connection.batch_execute("PRAGMA query_only = ON")?;
                match lock_wait {
                    LockWait::BusyTimeout => Ok(()),
                    LockWait::None => connection.batch_execute("PRAGMA busy_timeout = 0"),
                }
            }
        }
    }

    /// SQLite does not wait when two connections make one new file a WAL file, so this does.
    fn enter_wal_mode(&self, connection: &mut SqliteConnection) -> QueryResult<()> {
        let started = Instant::now();
        loop {
            match connection.batch_execute("PRAGMA journal_mode = WAL") {
                Err(error)
                    if kind_of(&error) == SqliteErrorKind::Busy
                        && started.elapsed() < self.busy_timeout =>
                {
                    thread::sleep(Duration::from_millis(5));
                }
                result => return result,
            }
        }
    }

    /// Takes note of an error: after a failed read, write or sync no connection from before is used
    /// again.
    pub(super) fn note(&self, error: &SqliteError) {
        if error.kind() == SqliteErrorKind::InputOutput {
            self.generation.fetch_add(1, Ordering::Release);
        }
    }

    /// Why a file that is as long as the longest of the store's cannot grow any more, if it cannot.
    /// What SQLite calls an I/O error may be a quota or the process's limit on file sizes.
    pub(super) fn lack_of_room(&self) -> Option<io::Error> {
        let longest = length(self.files.path()).max(self.files.log_bytes());
        let probe = self.files.beside("-probe");
        let written = File::create(&probe).and_then(|mut file| {
            file.seek(SeekFrom::Start(longest))?;
            file.write_all(&vec![0; ROOM_BYTES])
        });
        // One that stays is written over by the next probe.
        let _ = fs::remove_file(&probe);
        written.err().filter(|error| {
            matches!(
                error.kind(),
                ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge
            )
        })
    }

    /// Has no connection opened any more, and none used again that is open.
    pub(super) fn close(&self) {
        self.is_closed.store(true, Ordering::Release);
        self.generation.fetch_add(1, Ordering::Release);
    }

    pub(super) fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Acquire)
    }

    /// Which connections are used: those of this generation.
    pub(super) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }
}

/// Whether nothing is in the file yet, or what a store of this project has.
fn is_new_or_ours(connection: &mut SqliteConnection) -> QueryResult<bool> {
    let tables = "(SELECT count(*) = 0 OR sum(name IN ('store', 'visitors', '__diesel_schema_migrations')) = 3 \
                  FROM sqlite_schema WHERE type = 'table')";
    diesel::select(sql::<Bool>(tables)).get_result(connection)
}

/// How many bytes the file has once the log is moved into it.
pub(super) fn bytes_with_log(connection: &mut SqliteConnection) -> QueryResult<i64> {
    let bytes = "(SELECT page_count * page_size FROM pragma_page_count, pragma_page_size)";
    diesel::select(sql::<BigInt>(bytes)).get_result(connection)
}

/// Reads a setting back.
pub(super) fn setting(connection: &mut SqliteConnection, name: &str) -> QueryResult<String> {
    let query = format!("(SELECT CAST({name} AS TEXT) FROM pragma_{name})");
    diesel::select(sql::<Text>(&query)).get_result(connection)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_connection_has_the_settings() {
        let folder = tempfile::tempdir().unwrap();
        let timeout = Duration::from_millis(1_234);
        let database = Database::at(&folder.path().join("new/convosync.db"), timeout).unwrap();
        let common = [
            ("busy_timeout", "timeout", "1234"),
            ("journal_mode", "journal_mode", "wal"),
            ("synchronous", "synchronous", "2"),
            ("foreign_keys", "foreign_keys", "1"),
            ("trusted_schema", "trusted_schema", "0"),
            ("cell_size_check", "cell_size_check", "1"),
            ("secure_delete", "secure_delete", "1"),
            ("journal_size_limit", "journal_size_limit", "67108864"),
        ];
        let writer = [
            ("cache_size", "cache_size", "-4096"),
            ("query_only", "query_only", "0"),
        ];
        let reader = [("query_only", "query_only", "1")];
        for (role, own) in [
            (Role::Writer, writer.as_slice()),
            (Role::Reader(LockWait::BusyTimeout), reader.as_slice()),
        ] {
            let mut connection = database.connect(role).unwrap();
            for (name, column, expected) in common.iter().chain(own) {
                let query = format!("(SELECT CAST({column} AS TEXT) FROM pragma_{name})");
                let found: String = diesel::select(sql::<Text>(&query))
                    .get_result(&mut connection)
                    .unwrap();
                assert_eq!(found, *expected, "{name} of the {role:?}");
            }
        }
        let mut reader = database.connect(Role::Reader(LockWait::None)).unwrap();
        assert_eq!(setting(&mut reader, "query_only").unwrap(), "1");
        let waits = "(SELECT CAST(timeout AS TEXT) FROM pragma_busy_timeout)";
        let waits = diesel::select(sql::<Text>(waits)).get_result::<String>(&mut reader);
        assert_eq!(waits.unwrap(), "0");
        // This one has no table to select from.
        let mut connection = database.connect(Role::Writer).unwrap();
        let found: WalAutocheckpoint = diesel::sql_query("PRAGMA wal_autocheckpoint")
            .get_result(&mut connection)
            .unwrap();
        assert_eq!(found.wal_autocheckpoint, 4_000);
    }

    #[derive(QueryableByName)]
    struct WalAutocheckpoint {
        #[diesel(sql_type = BigInt)]
        wal_autocheckpoint: i64,
    }

    #[test]
    fn a_reader_cannot_write() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("convosync.db");
        let database = Database::at(&path, Duration::ZERO).unwrap();
        let mut reader = database
            .connect(Role::Reader(LockWait::BusyTimeout))
            .unwrap();
        let error = reader
            .batch_execute("CREATE TABLE t (id INTEGER)")
            .unwrap_err();
        assert_eq!(kind_of(&error), SqliteErrorKind::Unreachable, "{error}");
    }

    #[test]
    fn a_file_that_is_gone_is_not_made_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("convosync.db");
        let database = Database::at(&path, Duration::ZERO).unwrap();
        fs::remove_file(&path).unwrap();
        let refused = database.connect(Role::Writer).map(|_| ()).unwrap_err();
        assert_eq!(
            refused.to_string(),
            format!("cannot open {}: the file is gone", path.display())
        );
        assert!(!path.exists());
    }

    #[test]
    fn a_disk_with_room_is_not_at_a_limit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("convosync.db");
        let database = Database::at(&path, Duration::ZERO).unwrap();
        assert!(database.lack_of_room().is_none());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
