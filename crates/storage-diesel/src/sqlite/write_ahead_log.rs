//! How the write-ahead log is emptied of what was erased, which otherwise stays in its file until it is written over.

use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Integer;

use super::connection::Database;

/// How long readers may keep the log, and with it everybody who writes.
const READERS_WAIT: Duration = Duration::from_millis(100);

/// What SQLite says of an attempt.
#[derive(QueryableByName)]
struct Checkpoint {
    /// Not 0 where a reader or a writer was in the way.
    #[diesel(sql_type = Integer)]
    busy: i32,
}

/// Moves everything into the file and empties the log, unless a reader needs it for longer than a moment; tells
/// whether it is empty.
pub(super) fn empty(database: &Database, connection: &mut SqliteConnection) -> QueryResult<bool> {
    set_busy_timeout(connection, READERS_WAIT)?;
    let done = diesel::sql_query("PRAGMA wal_checkpoint(TRUNCATE)").get_result(connection);
    set_busy_timeout(connection, database.busy_timeout())?;
    done.map(|checkpoint: Checkpoint| checkpoint.busy == 0)
}

fn set_busy_timeout(connection: &mut SqliteConnection, timeout: Duration) -> QueryResult<()> {
    connection.batch_execute(&format!("PRAGMA busy_timeout = {}", timeout.as_millis()))
}
