//! What other processes write into the same file.
//!
//! SQLite tells nobody of a write. But its data version, which costs next to nothing to ask, moves with each commit of
//! another connection.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use diesel::deserialize::{self, FromSqlRow};
use diesel::prelude::*;
use diesel::row::Row;
use diesel::sql_types::{BigInt, Nullable};
use diesel::sqlite::Sqlite;
use tokio::time::sleep;
use uuid::Uuid;

use convosync_domain::identity::VisitorId;
use convosync_domain::ports::{ChangeNotice, ChangeSignals, Standing, StoreError, WatchedVisitors};

use super::SqliteStore;
use super::connection::{Database, LockWait, Role};
use super::errors::SqliteError;
use super::schema::visitors;
use crate::statements::statements;
use crate::tables::read_row::{ReadRow, RowKey, RowReader, read_row};
use crate::tables::sqlite::part_of_row;
use crate::types::UuidKey;
use crate::types::sql::{ChangeNumber, UuidBytes};

/// How often the file is looked at.
const EVERY: Duration = Duration::from_millis(250);
/// How many visitors are looked up by one statement.
const AT_ONCE: usize = 500;

#[async_trait]
impl ChangeSignals for SqliteStore {
    /// Others see for themselves.
    fn announce(&self, _: ChangeNotice) {}

    async fn listen(
        &self,
        watched: Arc<dyn WatchedVisitors>,
    ) -> Result<Vec<ChangeNotice>, StoreError> {
        sleep(EVERY).await;
        let watched = watched.watched();
        if watched.is_empty() {
            return Ok(Vec::new());
        }
        let opened = Arc::clone(&self.0);
        let look = move || opened.signals.look(&watched);
        let looked = tokio::task::spawn_blocking(look).await;
        Ok(looked.unwrap_or(Err(SqliteError::Panicked))?)
    }
}

/// Looks at the file on a connection of its own.
pub(super) struct Signals {
    database: Arc<Database>,
    /// Opened when it is first needed.
    look: Mutex<Option<Look>>,
}

struct Look {
    connection: SqliteConnection,
    generation: u64,
    /// The data version at which the counters were last read.
    seen: Option<i64>,
}

statements! { Sqlite, SqliteConnection:
    /// Another number than before, if another connection has written since then.
    DataVersion -> BigInt = "PRAGMA data_version";
}

part_of_row! {
    /// Where a visitor stands.
    visitors as VisitorStandingRow {
        key: Uuid as UuidBytes,
        change_counter: u64 as ChangeNumber,
    }
}

impl Signals {
    pub(super) fn of(database: Arc<Database>) -> Self {
        Self {
            database,
            look: Mutex::new(None),
        }
    }

    /// Closes the connection.
    pub(super) fn close(&self) {
        *self.look.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Where these visitors stand, if the file has changed since they were last looked at.
    fn look(&self, watched: &[VisitorId]) -> Result<Vec<ChangeNotice>, SqliteError> {
        self.database.files().loss()?;
        let mut look = self.look.lock().unwrap_or_else(PoisonError::into_inner);
        let generation = self.database.generation();
        let current = look.take().filter(|look| look.generation == generation);
        let mut current = match current {
            Some(current) => current,
            None => Look::begin(&self.database, generation)?,
        };
        // After a failure the connection is not used again, and whatever happened meanwhile is looked up.
        let notices = current.read(watched);
        let notices = notices.inspect_err(|error| self.database.note(error))?;
        *look = Some(current);
        Ok(notices)
    }
}

impl Look {
    fn begin(database: &Database, generation: u64) -> Result<Self, SqliteError> {
        let connection = database.connect(Role::Reader(LockWait::BusyTimeout));
        Ok(Self {
            connection: connection.map_err(SqliteError::no_connection)?,
            generation,
            seen: None,
        })
    }

    fn read(&mut self, watched: &[VisitorId]) -> Result<Vec<ChangeNotice>, SqliteError> {
        let version: i64 = (DataVersion {}).get_result(&mut self.connection)?;
        if self.seen == Some(version) {
            return Ok(Vec::new());
        }
        let mut notices = Vec::with_capacity(watched.len());
        for some in watched.chunks(AT_ONCE) {
            notices.extend(standings(&mut self.connection, some)?);
        }
        // What is written meanwhile moves it again.
        self.seen = Some(version);
        Ok(notices)
    }
}

fn standings(
    connection: &mut SqliteConnection,
    watched: &[VisitorId],
) -> QueryResult<impl Iterator<Item = ChangeNotice>> {
    let keys = watched.iter().map(|visitor| UuidKey(visitor.as_uuid()));
    let rows: Vec<VisitorStandingRow> = visitors::table
        .filter(visitors::key.eq_any(keys))
        .select(VisitorStandingRow::columns())
        .load(connection)?;
    let rows = rows.into_iter();
    let found: HashMap<_, _> = rows.map(|row| (row.key, row.change_counter)).collect();
    Ok(watched.iter().map(move |visitor| ChangeNotice {
        visitor: *visitor,
        standing: match found.get(&visitor.as_uuid()) {
            Some(change_counter) => Standing::At(*change_counter),
            None => Standing::Gone,
        },
    }))
}

#[cfg(test)]
mod tests {
    use diesel::connection::SimpleConnection as _;

    use super::*;
    use crate::sqlite::migrate;

    fn visitor(number: u128) -> VisitorId {
        VisitorId::from_uuid(Uuid::from_u128(number))
    }

    fn at(number: u128, change_counter: u64) -> ChangeNotice {
        ChangeNotice {
            visitor: visitor(number),
            standing: Standing::At(change_counter),
        }
    }

    fn gone(number: u128) -> ChangeNotice {
        ChangeNotice {
            visitor: visitor(number),
            standing: Standing::Gone,
        }
    }

    /// A file as another process has it open.
    struct Other {
        _folder: tempfile::TempDir,
        connection: SqliteConnection,
        signals: Signals,
    }

    impl Other {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("convosync.db");
            let database = Arc::new(Database::at(&path, Duration::from_secs(5)).unwrap());
            let mut connection = database.connect(Role::Writer).unwrap();
            migrate::migrate(&database, &mut connection).unwrap();
            Self {
                _folder: folder,
                connection,
                signals: Signals::of(database),
            }
        }

        fn writes(&mut self, statements: &str) {
            self.connection.batch_execute(statements).unwrap();
        }

        fn registers(&mut self, numbers: std::ops::RangeInclusive<u128>) {
            for number in numbers {
                self.writes(&format!(
                    "INSERT INTO visitors (key, kind, registered_at, change_counter, \
                     living_conversations, content_bytes) VALUES (x'{number:032x}', 0, 0, 1, 0, 0)"
                ));
            }
        }
    }

    #[test]
    fn what_others_write_is_told_once() {
        let mut other = Other::new();
        other.registers(1..=2);
        let watched = [visitor(1), visitor(2), visitor(3)];
        let told = other.signals.look(&watched).unwrap();
        assert_eq!(told, [at(1, 1), at(2, 1), gone(3)]);
        assert_eq!(other.signals.look(&watched).unwrap(), []);
        other.writes("UPDATE visitors SET change_counter = 7 WHERE key = x'00000000000000000000000000000002'");
        let told = other.signals.look(&watched).unwrap();
        assert_eq!(told, [at(1, 1), at(2, 7), gone(3)]);
        other.writes("DELETE FROM visitors");
        let told = other.signals.look(&watched).unwrap();
        assert_eq!(told, [gone(1), gone(2), gone(3)]);
        assert_eq!(other.signals.look(&watched).unwrap(), []);
    }

    /// While nobody watches the file is not looked at; what happens then is not lost on whoever watches next.
    #[test]
    fn what_was_written_while_nobody_watched_is_told() {
        let mut other = Other::new();
        other.registers(1..=1);
        assert_eq!(other.signals.look(&[visitor(9)]).unwrap(), [gone(9)]);
        other.writes("UPDATE visitors SET change_counter = 7");
        assert_eq!(other.signals.look(&[visitor(1)]).unwrap(), [at(1, 7)]);
    }

    #[test]
    fn many_are_looked_up_at_once() {
        let mut other = Other::new();
        other.registers(1..=1_200);
        let watched: Vec<_> = (1..=1_300).map(visitor).collect();
        let told = other.signals.look(&watched).unwrap();
        let expected = (1..=1_200)
            .map(|number| at(number, 1))
            .chain((1_201..=1_300).map(gone));
        assert!(told.into_iter().eq(expected));
    }

    #[test]
    fn after_a_failure_everything_is_told_again() {
        let mut other = Other::new();
        other.registers(1..=1);
        let watched = [visitor(1)];
        assert_eq!(other.signals.look(&watched).unwrap(), [at(1, 1)]);
        other.writes("ALTER TABLE visitors RENAME TO away");
        other.signals.look(&watched).unwrap_err();
        other.writes("ALTER TABLE away RENAME TO visitors");
        assert_eq!(other.signals.look(&watched).unwrap(), [at(1, 1)]);
    }
}
