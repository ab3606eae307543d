//! One transaction for many change sets, each inside its own savepoint.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use diesel::dsl::max;
use diesel::prelude::*;
use diesel::sqlite::Sqlite;
use tokio::sync::oneshot;

use convosync_domain::ports::StoreError;

use super::errors::{SqliteError, SqliteErrorKind, store_error};
use super::schema::{conversations, messages, visitor_tombstones, visitors};
use crate::statements::statements;

statements! { Sqlite, SqliteConnection:
    /// Takes the write lock at once: a transaction that reads first and locks later fails without
    /// waiting when another process has written in between.
    Begin = "BEGIN IMMEDIATE";
    Commit = "COMMIT";
    Rollback = "ROLLBACK";
    Savepoint = "SAVEPOINT task";
    Release = "RELEASE task";
    RollbackToSavepoint = "ROLLBACK TO task";
}

/// A write that waits for its turn, and its caller for the answer.
pub(super) trait Work: Send {
    /// How many messages it writes.
    fn messages(&self) -> usize;
    /// Does the work; called at most once.
    fn run(&mut self, group: &mut Group<'_>) -> Result<(), SqliteError>;
    /// Tells the caller, once what was done is durable or undone.
    fn answer(self: Box<Self>, error: Option<&Arc<SqliteError>>);
}

/// Work that is a closure.
pub(super) struct Task<F, T> {
    messages: usize,
    work: Option<F>,
    done: Option<T>,
    caller: oneshot::Sender<Result<T, StoreError>>,
}

impl<F, T> Task<F, T>
where
    F: FnOnce(&mut Group<'_>) -> Result<T, SqliteError> + Send,
    T: Send,
{
    pub(super) fn new(
        messages: usize,
        work: F,
    ) -> (Self, oneshot::Receiver<Result<T, StoreError>>) {
        let (caller, answer) = oneshot::channel();
        let task = Self {
            messages,
            work: Some(work),
            done: None,
            caller,
        };
        (task, answer)
    }
}

impl<F, T> Work for Task<F, T>
where
    F: FnOnce(&mut Group<'_>) -> Result<T, SqliteError> + Send,
    T: Send,
{
    fn messages(&self) -> usize {
        self.messages
    }

    fn run(&mut self, group: &mut Group<'_>) -> Result<(), SqliteError> {
        if let Some(work) = self.work.take() {
            self.done = Some(work(group)?);
        }
        Ok(())
    }

    fn answer(self: Box<Self>, error: Option<&Arc<SqliteError>>) {
        let answer = match (error, self.done) {
            (Some(error), _) => Err(store_error(error)),
            (None, Some(done)) => Ok(done),
            (None, None) => Err(SqliteError::Panicked.into()),
        };
        // A caller who is gone misses the answer, not the write.
        let _ = self.caller.send(answer);
    }
}

/// The open transaction of a group.
pub(super) struct Group<'c> {
    pub(super) connection: &'c mut SqliteConnection,
    /// Whether visitors were erased, so that the write-ahead log is not to hold what they had for long.
    pub(super) erases_visitors: bool,
    newest: NewestRows,
}

/// The highest row ids, read when they are first needed: another process may have written since the
/// last group. Rows that go meanwhile take nothing away: what is given out is still higher than all that is there.
#[derive(Default)]
struct NewestRows {
    visitor: Option<i64>,
    tombstone: Option<i64>,
    conversation: Option<i64>,
    message: Option<i64>,
}

macro_rules! next_row_id {
    ($name:ident, $newest:ident, $table:ident) => {
        pub(super) fn $name(&mut self) -> QueryResult<i64> {
            let newest = match self.newest.$newest {
                Some(newest) => newest,
                None => $table::table
                    .select(max($table::id))
                    .get_result::<Option<i64>>(self.connection)?
                    .unwrap_or(0),
            };
            let next = newest.saturating_add(1);
            self.newest.$newest = Some(next);
            Ok(next)
        }
    };
}

impl Group<'_> {
    next_row_id!(next_visitor, visitor, visitors);
    next_row_id!(next_tombstone, tombstone, visitor_tombstones);
    next_row_id!(next_conversation, conversation, conversations);
    next_row_id!(next_message, message, messages);
}

/// Why no task of a group was done.
pub(super) struct GroupFailure {
    pub(super) error: SqliteError,
    /// Whether the connection is fit to go on.
    pub(super) usable: bool,
    /// Whether the connection has no transaction open.
    pub(super) rolled_back: bool,
}

/// What came of a group whose transaction was committed.
pub(super) struct Outcome {
    /// Of each task the error, if it failed and was undone.
    pub(super) errors: Vec<Option<Arc<SqliteError>>>,
    /// Whether visitors may have been erased.
    pub(super) erases_visitors: bool,
}

/// Does the tasks in one transaction and commits it. A task that fails is undone alone: its error
/// is in the result. When the transaction fails, all of them have.
pub(super) fn run(
    connection: &mut SqliteConnection,
    tasks: &mut [Box<dyn Work>],
) -> Result<Outcome, GroupFailure> {
    if let Err(error) = (Begin {}).execute(connection) {
        let error = SqliteError::from(error);
        let usable = error.kind() == SqliteErrorKind::Busy;
        let rolled_back = true;
        return Err(GroupFailure {
            error,
            usable,
            rolled_back,
        });
    }
    let mut group = Group {
        connection,
        erases_visitors: false,
        newest: NewestRows::default(),
    };
    let done: Result<Vec<_>, SqliteError> = tasks
        .iter_mut()
        .map(|task| run_in_savepoint(&mut group, task.as_mut()))
        .collect();
    let committed = done.and_then(|errors| {
        (Commit {}).execute(group.connection)?;
        Ok(Outcome {
            errors,
            erases_visitors: group.erases_visitors,
        })
    });
    committed.map_err(|error| {
        let is_fit = !matches!(
            error.kind(),
            SqliteErrorKind::InputOutput | SqliteErrorKind::Unreachable
        );
        let rolled_back = is_rolled_back(group.connection);
        GroupFailure {
            usable: rolled_back && is_fit,
            rolled_back,
            error,
        }
    })
}

/// `Err` when not only the task but the whole transaction failed.
fn run_in_savepoint(
    group: &mut Group<'_>,
    task: &mut dyn Work,
) -> Result<Option<Arc<SqliteError>>, SqliteError> {
    (Savepoint {}).execute(group.connection)?;
    let outcome = catch_unwind(AssertUnwindSafe(|| task.run(group)));
    let Err(error) = outcome.unwrap_or(Err(SqliteError::Panicked)) else {
        (Release {}).execute(group.connection)?;
        return Ok(None);
    };
    if error.kind() == SqliteErrorKind::InputOutput {
        return Err(error);
    }
    // SQLite rolls the whole transaction back by itself after some errors, a full disk among them;
    // then there is no savepoint any more.
    let undone = (RollbackToSavepoint {})
        .execute(group.connection)
        .and_then(|_| (Release {}).execute(group.connection));
    match undone {
        Ok(_) => Ok(Some(Arc::new(error))),
        Err(_) => Err(error),
    }
}

/// Ends the transaction, if SQLite has not ended it by itself.
fn is_rolled_back(connection: &mut SqliteConnection) -> bool {
    match (Rollback {}).execute(connection) {
        Ok(_) => true,
        Err(error) => error.to_string().contains("no transaction is active"),
    }
}

#[cfg(test)]
pub(super) mod tests;
