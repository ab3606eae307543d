//! Others who lock the same rows in the opposite order: no client hears of it.

use std::thread;
use std::time::{Duration, Instant};

use convosync_test_postgres::TestServer;
use diesel::connection::SimpleConnection as _;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use serde_json::json;

use super::{is_left_out, server_on};
use crate::support::{report, scaled};

/// Sooner than the second that PostgreSQL waits by itself before it looks for a deadlock.
const NOTICED_AFTER: &str = "100ms";

#[test]
fn deadlocks_reach_no_client() {
    let deadlocks = scaled("CONVOSYNC_DEADLOCKS", 20);
    let database = TestServer::shared().new_database();
    let reason =
        "Citus does not lock all rows of a table; a test of its own has merges cross each other";
    if is_left_out(&database, reason) {
        return;
    }
    let name = database.name().to_owned();
    database.execute(&format!(
        "ALTER DATABASE {name} SET deadlock_timeout = '{NOTICED_AFTER}'"
    ));
    let (server, ada) = server_on(database, &[]);
    let database = server.database().unwrap();
    let edit = |number: u128| {
        json!({ "conversations": [{
            "id": "c", "title": format!("{number}"), "updated_at": 1_500_000_000 + number,
        }] })
    };
    assert_eq!(ada.post(&edit(0)).status, 200);
    let mut other = database.connect();
    // It is the server that has to give way.
    other.batch_execute("SET deadlock_timeout = '1s'").unwrap();
    let mut watcher = database.connect();
    let mut somebody_waits = || {
        let waits = "(SELECT count(*) > 0 FROM pg_stat_activity \
             WHERE datname = current_database() AND wait_event_type = 'Lock')";
        let waits: QueryResult<bool> = diesel::select(sql::<Bool>(waits)).get_result(&mut watcher);
        waits.unwrap()
    };
    let (mut given_way, mut number) = (0, 0);
    while given_way < deadlocks {
        number += 1;
        other
            .batch_execute("BEGIN; SELECT FROM conversations FOR UPDATE")
            .unwrap();
        let answer = thread::scope(|scope| {
            let posting = scope.spawn(|| ada.post(&edit(number)));
            let began = Instant::now();
            while !somebody_waits() {
                assert!(began.elapsed() < Duration::from_secs(10), "nobody waits");
                thread::sleep(Duration::from_millis(1));
            }
            // On a machine that is late the other may have to give way after all.
            let got_all = other.batch_execute("SELECT FROM visitors FOR UPDATE");
            given_way += u128::from(got_all.is_ok());
            other.batch_execute("ROLLBACK").unwrap();
            posting.join().unwrap()
        });
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.json()["updated"], 1, "{answer:?}");
        assert!(number < 2 * deadlocks, "it is the other that gives way");
    }
    report(
        "G9",
        &format!("{deadlocks} deadlocks, none told to a client"),
    );
}
