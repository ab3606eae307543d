//! What a test has a Citus cluster do: a line a database in the file that `CONVOSYNC_TEST_CITUS_COUNTS` names, for
//! whoever asks whether something crosses shards.

use std::env;
use std::fs::File;
use std::io::Write as _;
use std::path::PathBuf;
use std::thread;

use diesel::connection::SimpleConnection as _;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::BigInt;

const FILE: &str = "CONVOSYNC_TEST_CITUS_COUNTS";

/// Statements that touched one shard, those that touched several, and nodes that prepared for a second phase. (What is
/// known of a transaction of two phases may go after a minute: a test that takes longer may tell fewer.)
const COUNTS: &str = "SELECT query_execution_single_shard, query_execution_multi_shard, \
    (SELECT count(*) FROM pg_dist_transaction WHERE groupid <> (SELECT groupid FROM pg_dist_local_group)) \
    FROM citus_stat_counters WHERE name = current_database()";

/// What has been done in a database so far.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    one_shard: i64,
    several_shards: i64,
    prepared: i64,
}

/// The file to write to, if somebody asks.
pub(crate) fn file() -> Option<PathBuf> {
    env::var_os(FILE).map(PathBuf::from)
}

impl Counts {
    /// Those of a database at all these nodes, in which nothing waits for its second phase.
    pub(crate) fn first(urls: &[String]) -> Self {
        // The transactions of the migrations are done with.
        for url in urls {
            let mut connection = PgConnection::establish(url).unwrap();
            connection
                .batch_execute("SELECT recover_prepared_transactions()")
                .unwrap();
        }
        Self::of(urls)
    }

    /// Each node counts what is asked of it.
    fn of(urls: &[String]) -> Self {
        let mut all = Self::default();
        for url in urls {
            let mut connection = PgConnection::establish(url).unwrap();
            let counts = sql::<(BigInt, BigInt, BigInt)>(COUNTS).get_result(&mut connection);
            let (one_shard, several_shards, prepared): (i64, i64, i64) = counts.unwrap();
            all.one_shard += one_shard;
            all.several_shards += several_shards;
            all.prepared += prepared;
        }
        all
    }

    /// Writes what has been done since: the test, and the three numbers.
    pub(crate) fn report(self, urls: &[String], file: &PathBuf) {
        let now = Self::of(urls);
        let test = thread::current().name().unwrap_or("?").to_owned();
        let line = format!(
            "{test} {} {} {}\n",
            now.one_shard - self.one_shard,
            now.several_shards - self.several_shards,
            now.prepared - self.prepared,
        );
        let mut file = File::options()
            .create(true)
            .append(true)
            .open(file)
            .unwrap();
        file.write_all(line.as_bytes()).unwrap();
    }
}
