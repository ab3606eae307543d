//! The connections that calls share: to where `database.url` leads and, on a cluster, to each of its nodes.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use diesel::connection::{AnsiTransactionManager, TransactionManager};
use diesel::prelude::*;
use uuid::Uuid;

use convosync_domain::identity::VisitorId;

use super::errors::{ConnectError, PostgresError, one_line};
use super::migrate;
use super::nodes::{self, Node, Nodes};
use super::session::{Database, check_writable};
use super::visitor_tables::VisitorTables;
use crate::concurrency_limit::ConcurrencyLimit;
use crate::measures::PoolLoad;

/// A connection of a pool, which goes back to it.
pub(super) type PooledSession = r2d2::PooledConnection<Sessions>;

/// The connections of a store.
pub(super) struct Pools {
    pub(super) by_url: SessionPool,
    /// Where calls go straight to the nodes that have their visitors.
    pub(super) nodes: Option<Nodes>,
}

impl Pools {
    /// How many calls about the visitors of one node may work at once, where this visitor is on a node.
    pub(super) fn limit_of(&self, visitor: Option<VisitorId>) -> Option<Arc<ConcurrencyLimit>> {
        self.nodes.as_ref()?.limit_of(visitor?)
    }

    /// A connection for a call about this visitor, or about none, that has been tried so often, and how the visitor's
    /// tables are called there.
    ///
    /// Only the first try goes to the visitor's node: a node that has failed is not waited for once more.
    pub(super) fn session(
        &self,
        visitor: Option<VisitorId>,
        attempt: u32,
    ) -> Result<(PooledSession, VisitorTables), PostgresError> {
        let Some(nodes) = &self.nodes else {
            return Ok((self.by_url.get()?, VisitorTables::Whole));
        };
        let visitor = visitor.filter(|_| attempt == 1);
        let at_node = visitor.and_then(|visitor| nodes.session_for(visitor));
        let (mut session, tables) = match at_node {
            Some(at_node) => at_node,
            None => (self.session_by_url(nodes)?, VisitorTables::Whole),
        };
        if nodes.look_is_due() {
            // A node that has been replaced may still answer, and name itself.
            match self.by_url.idle() {
                Some(mut by_url) => nodes.look(&mut by_url.connection),
                None => nodes.look(&mut session.connection),
            }
        }
        Ok((session, tables))
    }

    /// A connection to where the URL leads, or, while that cannot be reached, to any node: each can do all that calls do.
    fn session_by_url(&self, nodes: &Nodes) -> Result<PooledSession, PostgresError> {
        if let Some(session) = self.by_url.idle() {
            return Ok(session);
        }
        if !self.by_url.is_reachable()
            && let Some(session) = nodes.any_session()
        {
            return Ok(session);
        }
        let session = self.by_url.get();
        session.or_else(|error| nodes.any_session().ok_or(error))
    }

    /// What is to be done about the connections that are like one that has failed.
    pub(super) fn doubt(&self, session: &Session, error: &PostgresError) {
        if let Some(nodes) = &self.nodes {
            nodes.look_soon();
            if error.is_of_connection() && nodes.reconnect(&session.database) {
                return;
            }
        }
        session.database.doubt_connections();
    }
}

/// Connections to one place. Clones are handles of the same ones.
#[derive(Clone)]
pub(super) struct SessionPool {
    database: Arc<Database>,
    sessions: r2d2::Pool<Sessions>,
}

impl SessionPool {
    /// At most so many, one of which is kept open. A connection is waited for that long.
    pub(super) fn new(sessions: Sessions, size: u32, wait_max: Duration) -> Self {
        let database = Arc::clone(&sessions.database);
        let sessions = r2d2::Pool::builder()
            .max_size(size)
            .min_idle(Some(1))
            .connection_timeout(wait_max)
            .test_on_check_out(true)
            .error_handler(Box::new(LogConnectErrors))
            .build_unchecked(sessions);
        Self { database, sessions }
    }

    pub(super) fn get(&self) -> Result<PooledSession, PostgresError> {
        self.sessions.get().map_err(PostgresError::NoConnection)
    }

    /// One that is open and not at work.
    pub(super) fn idle(&self) -> Option<PooledSession> {
        self.sessions.try_get()
    }

    pub(super) fn get_within(&self, wait_max: Duration) -> Result<PooledSession, PostgresError> {
        let session = self.sessions.get_timeout(wait_max);
        session.map_err(PostgresError::NoConnection)
    }

    /// Whether the last try to connect succeeded.
    pub(super) fn is_reachable(&self) -> bool {
        self.database.is_reachable()
    }

    /// Whether its connections are to this place.
    pub(super) fn is_of(&self, database: &Arc<Database>) -> bool {
        Arc::ptr_eq(&self.database, database)
    }

    pub(super) fn load(&self, name: &'static str) -> PoolLoad {
        PoolLoad::of(name, &self.sessions)
    }
}

/// A connection of a pool.
pub(super) struct Session {
    pub(super) connection: PgConnection,
    database: Arc<Database>,
    generation: u64,
    /// Set after a failure that may have been the connection's.
    pub(super) is_suspect: bool,
}

/// Makes the connections of a pool.
pub(super) struct Sessions {
    database: Arc<Database>,
    node: Option<ExpectedNode>,
}

/// What a node has to be.
struct ExpectedNode {
    node: Node,
    epoch: Uuid,
}

impl Sessions {
    /// To where a URL leads.
    pub(super) fn of(database: Arc<Database>) -> Self {
        let node = None;
        Self { database, node }
    }

    /// To this node of the cluster that has the store of this epoch, and to no other: its name may mean
    /// another machine here than it does there.
    pub(super) fn of_node(database: Arc<Database>, node: Node, epoch: Uuid) -> Self {
        let node = Some(ExpectedNode { node, epoch });
        Self { database, node }
    }

    /// Opens one.
    pub(super) fn open(&self) -> Result<PgConnection, ConnectError> {
        let mut connection = self.database.connect()?;
        if let Some(node) = &self.node
            && !node.is_reached_by(&mut connection)?
        {
            return Err(ConnectError::OtherNode);
        }
        Ok(connection)
    }
}

impl ExpectedNode {
    fn is_reached_by(&self, connection: &mut PgConnection) -> QueryResult<bool> {
        let group = nodes::local_group(connection)?;
        let store = migrate::read_store(connection)?;
        Ok(group == self.node.group && store.is_some_and(|store| store.epoch == self.epoch))
    }
}

impl r2d2::ManageConnection for Sessions {
    type Connection = Session;
    type Error = ConnectError;

    fn connect(&self) -> Result<Session, ConnectError> {
        let generation = self.database.generation();
        let connection = self.open();
        let has_changed = self.database.note_try(connection.is_ok());
        if has_changed && let Some(ExpectedNode { node, .. }) = &self.node {
            match &connection {
                Ok(_) => tracing::info!(%node, "a node of the cluster is asked for its visitors"),
                Err(error) => tracing::warn!(
                    %node,
                    error = %one_line(&error.to_string()),
                    "a node of the cluster cannot be connected to: its visitors are asked for where database.url leads"
                ),
            }
        }
        Ok(Session {
            connection: connection?,
            database: Arc::clone(&self.database),
            generation,
            is_suspect: false,
        })
    }

    /// Called whenever a connection is taken out; it asks the server only after a failure.
    fn is_valid(&self, session: &mut Session) -> Result<(), ConnectError> {
        let generation = self.database.generation();
        if session.generation != generation {
            check_writable(&mut session.connection).map_err(|error| match error {
                PostgresError::Database(error) => ConnectError::Query(error),
                _ => ConnectError::ReadOnly,
            })?;
            session.generation = generation;
        }
        Ok(())
    }

    fn has_broken(&self, session: &mut Session) -> bool {
        // Work that panics leaves its transaction open.
        thread::panicking()
            || session.is_suspect
            || AnsiTransactionManager::is_broken_transaction_manager(&mut session.connection)
    }
}

/// Each failing call is logged by itself; this tells of those that nobody waits for.
#[derive(Debug)]
struct LogConnectErrors;

impl r2d2::HandleError<ConnectError> for LogConnectErrors {
    fn handle_error(&self, error: ConnectError) {
        tracing::debug!(error = %one_line(&error.to_string()), "cannot connect to the database");
    }
}
