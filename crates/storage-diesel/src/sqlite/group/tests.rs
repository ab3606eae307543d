use std::path::Path;

use diesel::connection::SimpleConnection;
use diesel::dsl::count_star;

use super::*;
use crate::sqlite::migrate::new_schema;
use crate::sqlite::schema::VisitorRow;
use crate::sqlite::statements::insert;

pub(in crate::sqlite) fn insert_visitor(
    group: &mut Group<'_>,
    key: u128,
) -> Result<i64, SqliteError> {
    let id = group.next_visitor()?;
    let row = VisitorRow {
        id,
        key: uuid::Uuid::from_u128(key),
        kind: 0,
        user_id: None,
        registered_at: convosync_domain::timestamp::Timestamp::from_micros(0).unwrap(),
        change_counter: 0,
        living_conversations: 0,
        content_bytes: 0,
        last_changed_at: None,
    };
    insert(&row, group.connection)?;
    Ok(id)
}

pub(in crate::sqlite) fn count_visitors(path: &Path) -> i64 {
    count(&mut SqliteConnection::establish(path.to_str().unwrap()).unwrap())
}

fn count(connection: &mut SqliteConnection) -> i64 {
    let count = visitors::table.select(count_star());
    count.get_result(connection).unwrap()
}

fn task(
    work: impl FnOnce(&mut Group<'_>) -> Result<i64, SqliteError> + Send + 'static,
) -> Box<dyn Work> {
    Box::new(Task::new(1, work).0)
}

fn kinds(outcome: &Outcome) -> Vec<&'static str> {
    outcome
        .errors
        .iter()
        .map(|outcome| match outcome.as_deref() {
            None => "done",
            Some(SqliteError::Conflict) => "conflict",
            Some(SqliteError::Panicked) => "panicked",
            Some(error) if error.kind() == SqliteErrorKind::Full => "full",
            Some(_) => "failed",
        })
        .collect()
}

#[test]
fn a_task_that_fails_is_undone_alone() {
    let mut connection = new_schema();
    let mut tasks = [
        task(|group| insert_visitor(group, 1)),
        task(|group| insert_visitor(group, 2).and(insert_visitor(group, 1))),
        task(|group| insert_visitor(group, 3).and(Err(SqliteError::Conflict))),
        task(|group| {
            insert_visitor(group, 4)?;
            panic!("a defect")
        }),
        task(|group| insert_visitor(group, 5)),
    ];
    let outcome = run(&mut connection, &mut tasks).map_err(|failure| failure.error);
    assert_eq!(
        kinds(&outcome.unwrap()),
        ["done", "failed", "conflict", "panicked", "done"]
    );
    assert_eq!(count(&mut connection), 2);
    // No transaction was left open.
    assert!(run(&mut connection, &mut []).is_ok());
}

#[test]
fn a_row_id_is_given_out_once_whatever_goes_meanwhile() {
    let mut connection = new_schema();
    let delete_newest = |group: &mut Group<'_>| {
        let newest = "DELETE FROM visitors WHERE id = (SELECT max(id) FROM visitors)";
        group.connection.batch_execute(newest)?;
        Ok(0)
    };
    for first in [1, 10] {
        let mut tasks = [
            task(move |group| insert_visitor(group, first)),
            task(move |group| insert_visitor(group, first + 1)),
            task(delete_newest),
            task(move |group| insert_visitor(group, first + 2)),
            task(delete_newest),
        ];
        let outcome = run(&mut connection, &mut tasks).map_err(|failure| failure.error);
        assert_eq!(kinds(&outcome.unwrap()), ["done"; 5]);
    }
    assert_eq!(count(&mut connection), 2);
}

#[test]
fn a_group_whose_transaction_sqlite_has_rolled_back_fails_whole() {
    let mut connection = new_schema();
    let mut tasks = [
        task(|group| insert_visitor(group, 1)),
        task(|group| {
            (Rollback {}).execute(group.connection)?;
            Err(SqliteError::Conflict)
        }),
        task(|group| insert_visitor(group, 2)),
    ];
    let failure = run(&mut connection, &mut tasks).map(|_| ()).unwrap_err();
    assert!(matches!(failure.error, SqliteError::Conflict));
    assert!(failure.usable);
    assert_eq!(count(&mut connection), 0);
    assert!(run(&mut connection, &mut []).is_ok());
}

#[test]
fn a_full_disk_is_told_and_left_behind() {
    let mut connection = new_schema();
    connection
        .batch_execute("CREATE TABLE ballast (bytes BLOB); PRAGMA max_page_count = 40")
        .unwrap();
    let fill = || {
        task(|group| {
            group
                .connection
                .batch_execute("INSERT INTO ballast VALUES (zeroblob(1000000))")?;
            Ok(0)
        })
    };
    let mut tasks = [task(|group| insert_visitor(group, 1)), fill()];
    match run(&mut connection, &mut tasks) {
        Ok(outcome) => assert_eq!(kinds(&outcome), ["done", "full"]),
        Err(failure) => assert_eq!(failure.error.kind(), SqliteErrorKind::Full),
    }
    connection
        .batch_execute("PRAGMA max_page_count = 4000")
        .unwrap();
    let mut tasks = [fill()];
    let outcome = run(&mut connection, &mut tasks).map_err(|failure| failure.error);
    assert_eq!(kinds(&outcome.unwrap()), ["done"]);
}

#[test]
fn a_commit_that_fails_leaves_nothing() {
    let mut connection = new_schema();
    connection
        .batch_execute(
            "CREATE TABLE child (
                visitor INTEGER REFERENCES visitors (id) DEFERRABLE INITIALLY DEFERRED
            )",
        )
        .unwrap();
    let mut tasks = [
        task(|group| insert_visitor(group, 1)),
        task(|group| {
            let orphan = "INSERT INTO child VALUES (99)";
            group.connection.batch_execute(orphan)?;
            Ok(0)
        }),
    ];
    assert!(run(&mut connection, &mut tasks).is_err());
    assert_eq!(count(&mut connection), 0);
    assert!(run(&mut connection, &mut []).is_ok());
}
