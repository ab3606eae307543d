//! Notices between the processes on one database: LISTEN and NOTIFY, and a look at the counters every second, so that a
//! lost notice costs no more than that.
//!
//! They go over a connection of their own, which one thread works on. A NOTIFY in the transaction of a post would take
//! a lock at its commit that all others who notify wait for; here one is sent for all that happened meanwhile.

mod payload;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use diesel::connection::SimpleConnection as _;
use diesel::dsl::sql;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{Array, Integer, Text};
use tokio::sync::Notify;
use tokio::time::timeout;
use uuid::Uuid;

use convosync_domain::identity::VisitorId;
use convosync_domain::ports::{ChangeNotice, ChangeSignals, Standing, StoreError, WatchedVisitors};

use super::PostgresStore;
use super::errors::{OpenError, PostgresError};
use super::schema::VisitorHeadRow;
use super::session::Database;
use super::statements::WholeRow;
use crate::statements::statements;
use crate::types::sql::UuidBytes;

/// How often what was announced is sent, and what came is taken, while somebody watches.
const TICK: Duration = Duration::from_millis(20);
/// How often it is looked whether somebody watches, and what came is thrown away while nobody does: the server keeps it
/// until it is taken.
const IDLE: Duration = Duration::from_millis(250);
/// How often the counters are read.
const POLL: Duration = Duration::from_secs(1);
/// Between a failure and the next try.
const PAUSE: Duration = Duration::from_secs(1);
/// How many visitors' notices wait at most, in either direction; further ones are lost.
const WAITING_MAX: usize = 65_536;
/// How many visitors are looked up by one statement.
const AT_ONCE: usize = 5_000;

const LISTEN: &str = "SET synchronous_commit = off; LISTEN convosync_changes";

#[async_trait]
impl ChangeSignals for PostgresStore {
    fn announce(&self, notice: ChangeNotice) {
        self.0.signals.announce(notice);
    }

    async fn listen(
        &self,
        watched: Arc<dyn WatchedVisitors>,
    ) -> Result<Vec<ChangeNotice>, StoreError> {
        self.0.signals.listen(watched).await
    }
}

/// The notices of a store. The thread begins when there is something to do for it, and ends after this.
pub(super) struct Signals {
    database: Arc<Database>,
    desk: Arc<Desk>,
}

/// Where the thread and those who use it meet.
#[derive(Default)]
struct Desk {
    state: Mutex<State>,
    /// There is something to do for the thread.
    work: Condvar,
    /// There is something for whoever listens.
    news: Notify,
}

#[derive(Default)]
struct State {
    thread: Option<JoinHandle<()>>,
    is_closed: bool,
    watched: Option<Arc<dyn WatchedVisitors>>,
    announced: HashMap<VisitorId, Standing>,
    heard: HashMap<VisitorId, Standing>,
    failure: Option<StoreError>,
}

impl Signals {
    pub(super) fn of(database: Arc<Database>) -> Self {
        Self {
            database,
            desk: Arc::default(),
        }
    }

    fn announce(&self, notice: ChangeNotice) {
        let mut state = self.desk.lock();
        keep(&mut state.announced, notice);
        self.run(&mut state);
    }

    async fn listen(
        &self,
        watched: Arc<dyn WatchedVisitors>,
    ) -> Result<Vec<ChangeNotice>, StoreError> {
        {
            let mut state = self.desk.lock();
            state.watched = Some(watched);
            self.run(&mut state);
        }
        // Without news there is nothing to tell.
        let _ = timeout(POLL, self.desk.news.notified()).await;
        let mut state = self.desk.lock();
        match state.failure.take() {
            Some(failure) => Err(failure),
            None => Ok(notices(&mut state.heard).collect()),
        }
    }

    /// Has the thread do its work. Without a thread nothing is told; the next call tries again.
    fn run(&self, state: &mut State) {
        if state.thread.as_ref().is_none_or(JoinHandle::is_finished) {
            let (database, desk) = (Arc::clone(&self.database), Arc::clone(&self.desk));
            let run = move || run(&database, &desk);
            let thread = thread::Builder::new().name("convosync-signals".into());
            state.thread = thread.spawn(run).ok();
        }
        self.desk.work.notify_one();
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        self.desk.lock().is_closed = true;
        self.desk.work.notify_one();
    }
}

/// The last notice of a visitor is the one that counts.
fn keep(notices: &mut HashMap<VisitorId, Standing>, notice: ChangeNotice) {
    if notices.len() < WAITING_MAX || notices.contains_key(&notice.visitor) {
        notices.insert(notice.visitor, notice.standing);
    }
}

fn notices(kept: &mut HashMap<VisitorId, Standing>) -> impl Iterator<Item = ChangeNotice> + use<> {
    let kept = std::mem::take(kept).into_iter();
    kept.map(|(visitor, standing)| ChangeNotice { visitor, standing })
}

/// What there is to do for the thread.
struct Work {
    announced: Vec<ChangeNotice>,
    watched: Option<Arc<dyn WatchedVisitors>>,
}

impl Desk {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until something is announced, but no longer than this; `None` where nothing is to be done any more.
    fn work_within(&self, time: Duration) -> Option<Work> {
        let state = self.lock();
        let is_idle = |state: &mut State| !state.is_closed && state.announced.is_empty();
        let waited = self.work.wait_timeout_while(state, time, is_idle);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        (!state.is_closed).then(|| Work {
            announced: notices(&mut state.announced).collect(),
            watched: state.watched.clone(),
        })
    }

    /// Waits so long; whether there may be something to do after that.
    fn stays_open_for(&self, time: Duration) -> bool {
        let is_open = |state: &mut State| !state.is_closed;
        let waited = self.work.wait_timeout_while(self.lock(), time, is_open);
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        !state.is_closed
    }

    fn tell(&self, notices: impl IntoIterator<Item = ChangeNotice>) {
        let mut state = self.lock();
        for notice in notices {
            keep(&mut state.heard, notice);
        }
        if !state.heard.is_empty() {
            self.news.notify_one();
        }
    }

    fn fail(&self, failure: StoreError) {
        self.lock().failure = Some(failure);
        self.news.notify_one();
    }
}

/// Works until nothing is to be done any more, on another connection after each failure.
fn run(database: &Database, desk: &Desk) {
    while let Err(failure) = work(database, desk) {
        desk.fail(failure);
        if !desk.stays_open_for(PAUSE) {
            return;
        }
    }
}

fn work(database: &Database, desk: &Desk) -> Result<(), StoreError> {
    let mut line = Line::open(database)?;
    let mut watched = Vec::new();
    let mut looked_at = None::<Instant>;
    let mut polled_at = None::<Instant>;
    loop {
        let idle = if watched.is_empty() {
            IDLE
        } else {
            Duration::ZERO
        };
        let Some(work) = desk.work_within(idle) else {
            return Ok(());
        };
        let is_due = |last: Option<Instant>, every| last.is_none_or(|last| last.elapsed() >= every);
        if let Some(visitors) = &work.watched
            && is_due(looked_at, IDLE)
        {
            watched = visitors.watched();
            looked_at = Some(Instant::now());
        }
        line.announce(work.announced).map_err(failed)?;
        let heard = line.hear().map_err(failed)?;
        if work.watched.is_some() {
            desk.tell(heard);
        }
        if !watched.is_empty() && is_due(polled_at, POLL) {
            desk.tell(line.standings(&watched).map_err(failed)?);
            polled_at = Some(Instant::now());
        }
        // What is announced meanwhile is sent together.
        thread::sleep(TICK);
    }
}

fn failed(error: diesel::result::Error) -> StoreError {
    PostgresError::from(error).into()
}

/// The connection.
struct Line {
    connection: PgConnection,
    /// By which the server names it.
    process: i32,
}

statements! { Pg, PgConnection:
    /// Tells all who listen.
    Tell = "SELECT pg_notify('convosync_changes', payload) FROM unnest("
            + payloads: Vec<String> as Array<Text>,
        ") AS payload";

    /// Where these visitors stand.
    SelectVisitors -> (WholeRow,) =
        "SELECT id, change_counter, latest_write FROM visitors WHERE id = ANY("
            + visitors: Vec<Uuid> as Array<UuidBytes>,
        ")";
}

impl Line {
    fn open(database: &Database) -> Result<Self, StoreError> {
        let connection = database.connect_where_all_meet();
        let mut connection = connection.map_err(|error| StoreError::Unavailable {
            retry_after: PAUSE,
            // It holds nothing of the URL.
            source: Some(Box::new(OpenError::from(error))),
        })?;
        connection.batch_execute(LISTEN).map_err(failed)?;
        let process = diesel::select(sql::<Integer>("pg_backend_pid()"));
        let process = process.get_result(&mut connection).map_err(failed)?;
        Ok(Self {
            connection,
            process,
        })
    }

    fn announce(&mut self, notices: Vec<ChangeNotice>) -> QueryResult<()> {
        let payloads = payload::payloads(notices);
        if !payloads.is_empty() {
            Tell { payloads }.execute(&mut self.connection)?;
        }
        Ok(())
    }

    /// What others have told.
    fn hear(&mut self) -> QueryResult<Vec<ChangeNotice>> {
        let process = self.process;
        let mut heard = Vec::new();
        for told in self.connection.notifications_iter() {
            let told = told?;
            if told.process_id != process {
                heard.extend(payload::notices(&told.payload));
            }
        }
        Ok(heard)
    }

    /// Where these visitors stand.
    fn standings(&mut self, watched: &[VisitorId]) -> QueryResult<Vec<ChangeNotice>> {
        let mut found = HashMap::with_capacity(watched.len());
        for some in watched.chunks(AT_ONCE) {
            let visitors = some.iter().map(|visitor| visitor.as_uuid()).collect();
            let rows: Vec<VisitorHeadRow> =
                SelectVisitors { visitors }.load(&mut self.connection)?;
            found.extend(rows.into_iter().map(|row| (row.id, row.change_counter)));
        }
        let standings = watched.iter().map(|visitor| ChangeNotice {
            visitor: *visitor,
            standing: match found.get(&visitor.as_uuid()) {
                Some(change_counter) => Standing::At(*change_counter),
                None => Standing::Gone,
            },
        });
        Ok(standings.collect())
    }
}
