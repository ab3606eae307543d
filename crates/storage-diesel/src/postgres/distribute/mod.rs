//! A store on plain tables becomes one that is distributed by visitor, while it is used.
//!
//! It is copied to distributed tables in a schema beside its own, visitor by visitor (`copies`), again and again for those who
//! changed meanwhile. When few are left, the store's tables are locked, these few are copied, and the copies take the place
//! of the tables in the same transaction (`tables`). Until then nothing of the store has changed; whoever is killed leaves
//! copies, with which the next call goes on. The tables that they replace are dropped after it.

mod copies;
mod tables;

use std::thread;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;

use self::copies::Copies;
use super::PostgresOptions;
use super::errors::{OpenError, one_line};
use super::functions;
use super::migrate;
use super::open::first_connection;
use super::session::Database;

/// The usual number of visitors who are copied in one transaction.
pub const VISITORS_AT_ONCE: u32 = 1000;
/// Those who are left are copied under the lock after so many rounds, however many they are.
const ROUNDS: u32 = 10;
/// How often the tables are asked for while others have them.
const LOCKS: u32 = 30;
/// Between two times.
const LOCK_PAUSE: Duration = Duration::from_secs(5);

/// The settings of a session are for a server: this one reads tables whole and takes its time. Citus would open a connection
/// for each shard in each transaction, and moves no table to another schema in one that has written over several.
const SETTINGS: &str = "
    SET statement_timeout = 0;
    SET idle_in_transaction_session_timeout = 0;
    SET client_min_messages = warning;
    RESET plan_cache_mode;
    RESET enable_seqscan;
    RESET enable_hashjoin;
    RESET enable_mergejoin;
    SET citus.multi_shard_modify_mode = 'sequential';
";

/// What has been done of a distribution so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DistributionStep {
    /// The tables that the store is copied to are there, on so many nodes.
    Began {
        /// The nodes that have shards.
        nodes: i64,
        /// The visitors whom an earlier call, which did not finish, has copied.
        copied: i64,
    },
    /// Visitors have been copied, in a round of those who were not, or have changed since.
    Copied(CopyProgress),
    /// The store's tables are about to be locked.
    Locking,
    /// Others have the tables; they are asked for again after a pause.
    Waiting,
}

/// How far a round is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CopyProgress {
    /// 1, 2, …
    pub round: u32,
    /// The visitors who have been copied.
    pub visitors: i64,
    /// Those whom the round is to copy.
    pub visitors_of: i64,
    /// The bytes of content of those who have been copied.
    pub bytes: i64,
    /// Those of all whom the round is to copy.
    pub bytes_of: i64,
}

/// What came of a distribution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Distribution {
    /// The store was distributed before.
    Already,
    /// The store is distributed now.
    Done {
        /// How many visitors it has.
        visitors: i64,
        /// How long nobody else could read or write.
        locked: Duration,
    },
}

/// Why a store was not distributed. The store is as it was.
#[derive(Debug, thiserror::Error)]
pub enum DistributeError {
    /// The database cannot be opened, or its schema is not the one of this program.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The database has no Citus.
    #[error(
        "the database does not have Citus: CREATE EXTENSION citus on every node, and SELECT citus_add_node('HOST', PORT) for \
         each worker"
    )]
    NoCitus,
    /// Somebody has distributed some of the tables.
    #[error(
        "{tables} are distributed, and the others are not: SELECT undistribute_table(…) for each of them first"
    )]
    Partly {
        /// Which.
        tables: String,
    },
    /// The role has not the rights.
    #[error(
        "the role {role} may not: Citus makes roles and schemas on the nodes, for which it has to be a superuser"
    )]
    Rights {
        /// The role of the connection.
        role: String,
    },
    /// Something in the database would be lost with the tables.
    #[error(
        "{objects} would be lost: drop what the store's tables have of others first, and make it again afterwards"
    )]
    Dependents {
        /// What hangs on the tables.
        objects: String,
    },
    /// Others have the tables, again and again.
    #[error("others kept the tables in use ({reason}): what was copied stays; try again")]
    Busy {
        /// What the database said last.
        reason: String,
    },
    /// The database failed.
    #[error("cannot distribute the store: {reason}; what was copied stays: try again")]
    Database {
        /// What it said.
        reason: String,
    },
}

impl From<diesel::result::Error> for DistributeError {
    fn from(error: diesel::result::Error) -> Self {
        Self::Database {
            reason: one_line(&error.to_string()),
        }
    }
}

/// Distributes the store, which has the schema of this program, by visitor; tells `on_step` of each step.
///
/// `visitors_at_once` are copied in one transaction, or fewer who have much ([`VISITORS_AT_ONCE`]). Of two calls at once one
/// waits for the other.
///
/// # Errors
/// [`DistributeError`] when the store was not distributed; then it is as it was.
pub fn distribute(
    options: &PostgresOptions,
    visitors_at_once: u32,
    on_step: &mut dyn FnMut(DistributionStep),
) -> Result<Distribution, DistributeError> {
    let database = Database::at(&options.url);
    let connection = &mut first_connection(&database, options.wait_at_start)?;
    migrate::require_current(connection)?;
    tables::require_citus(connection)?;
    connection.batch_execute(SETTINGS)?;
    connection
        .batch_execute("SELECT pg_advisory_lock(hashtextextended('convosync distribution', 0))")?;
    if tables::are_distributed(connection)? {
        // Whoever switched to them may have been killed then.
        tables::finish(connection)?;
        return Ok(Distribution::Already);
    }
    tables::require_rights(connection)?;
    tables::require_independence(connection)?;
    tables::prepare(connection)?;
    let mut copies = Copies::found(connection, visitors_at_once)?;
    on_step(DistributionStep::Began {
        nodes: tables::count_nodes(connection)?,
        copied: copies.visitors(connection)?,
    });
    for round in 1..=ROUNDS {
        let missing = copies.find_missing(connection)?;
        if round > 1 && copies.are_few(missing) {
            break;
        }
        copies.copy_missing(connection, missing, &mut |visitors, bytes| {
            on_step(DistributionStep::Copied(CopyProgress {
                round,
                visitors,
                visitors_of: missing.visitors,
                bytes,
                bytes_of: missing.bytes,
            }));
        })?;
    }
    let locked = switch_when_free(connection, &mut copies, on_step)?;
    tables::finish(connection)?;
    Ok(Distribution::Done {
        visitors: copies.visitors(connection)?,
        locked,
    })
}

/// Switches to the copies; others who wait for the tables meanwhile do so for some two seconds, then a pause is theirs.
fn switch_when_free(
    connection: &mut PgConnection,
    copies: &mut Copies,
    on_step: &mut dyn FnMut(DistributionStep),
) -> Result<Duration, DistributeError> {
    let mut attempt = 1;
    loop {
        on_step(DistributionStep::Locking);
        match switch(connection, copies) {
            Err(DistributeError::Busy { .. }) if attempt < LOCKS => {
                on_step(DistributionStep::Waiting);
                thread::sleep(LOCK_PAUSE);
                attempt += 1;
            }
            switched => return switched,
        }
    }
}

fn switch(connection: &mut PgConnection, copies: &mut Copies) -> Result<Duration, DistributeError> {
    let mut began = Instant::now();
    connection.transaction(|connection| {
        tables::lock_copies(connection)?;
        tables::lock(connection).map_err(|error| DistributeError::Busy {
            reason: one_line(&error.to_string()),
        })?;
        began = Instant::now();
        // Since the beginning the store may have been migrated, and others may have made something of its tables.
        migrate::require_current(connection)?;
        tables::require_independence(connection)?;
        let missing = copies.find_missing(connection)?;
        copies.copy_all_within(connection, missing)?;
        tables::switch(connection)?;
        Ok::<_, DistributeError>(functions::define(connection)?)
    })?;
    Ok(began.elapsed())
}
