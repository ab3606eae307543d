//! Looks at a database and changes nothing.

use diesel::connection::SimpleConnection as _;
use diesel::dsl::sql;
use diesel::expression::SqlLiteral;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Integer, Nullable, SingleValue, SqlType, Text};

use super::errors::{ConnectError, OpenError, one_line};
use super::migrate::MIGRATIONS;
use super::nodes;
use super::session::{Database, setting};
use crate::migrations::SchemaState;

/// What was found of a database.
#[derive(Clone, Debug)]
pub struct Examined {
    /// The version of the server: 140012 for 14.12.
    pub version: i64,
    /// Whether the connection is encrypted; unknown where the server does not show it.
    pub is_encrypted: Option<bool>,
    /// Whether the connection stays on this machine.
    pub is_local: bool,
    /// Whether the server is a standby, which only reads.
    pub is_standby: bool,
    /// Whether transactions of this role only read unless they say otherwise.
    pub is_read_only: bool,
    /// `fsync`: whether what is committed is written through.
    pub fsync: String,
    /// `full_page_writes`: whether pages torn by a power cut can be mended.
    pub full_page_writes: String,
    /// `synchronous_commit`; the store sets it for its own connections.
    pub synchronous_commit: String,
    /// `server_encoding`.
    pub encoding: String,
    /// `idle_session_timeout`: after so long an idle connection is closed; `0` means never.
    pub idle_session_timeout: String,
    /// How many connections there may be.
    pub connections: Connections,
    /// Whether the role may make tables where it would.
    pub may_create_tables: bool,
    /// How far the schema is; `None` where the role may not look.
    pub schema: Option<SchemaState>,
    /// The cluster, where the extension Citus is installed.
    pub citus: Option<Citus>,
    /// Whether a connection keeps its session: behind a pool that gives each transaction another connection of
    /// its own it does not.
    pub keeps_session: bool,
    /// The clock of the database, in microseconds since 1970, when this was answered.
    pub clock: i64,
}

/// What was found of a cluster of Citus.
#[derive(Clone, Debug)]
pub struct Citus {
    /// The version of the extension on the node that was asked.
    pub version: String,
    /// All nodes that the cluster knows.
    pub nodes: Vec<CitusNode>,
}

/// A node of a cluster.
#[derive(Clone, Debug)]
pub struct CitusNode {
    /// Host and port, by which the others know it.
    pub address: String,
    /// Whether it writes through what it commits for the others; `None` where it does not answer.
    pub writes_through: Option<bool>,
    /// Why a server could not ask it for its visitors from here, by that address; `None` where it could, or would not, as
    /// the node has no visitors.
    pub unreachable: Option<String>,
}

#[derive(QueryableByName)]
struct NodeRow {
    #[diesel(sql_type = Text)]
    host: String,
    #[diesel(sql_type = Integer)]
    port: i32,
    #[diesel(sql_type = Nullable<Bool>)]
    writes_through: Option<bool>,
}

/// How many connections a database takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connections {
    /// As many as this role may have at once.
    pub allowed: i64,
    /// Those of others and of a running server, where they are shown.
    pub used: i64,
}

const ENCRYPTED: &str = "(SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid())";
const LOCAL: &str =
    "coalesce(inet_server_addr() = inet_client_addr() OR inet_server_addr() IS NULL, true)";
const CITUS: &str = "(SELECT extversion FROM pg_extension WHERE extname = 'citus')";
const CITUS_NODES: &str =
    "SELECT nodename AS host, nodeport AS port, CASE WHEN success THEN result::boolean END AS writes_through
    FROM run_command_on_all_nodes($$ SELECT current_setting('fsync') = 'on'
        AND current_setting('synchronous_commit') IN ('on', 'remote_apply') $$)
    JOIN pg_dist_node USING (nodeid) ORDER BY nodeid";
/// A limit of -1 means none.
const ALLOWED: &str = "least(
    current_setting('max_connections')::bigint
        - CASE WHEN (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN 0
            ELSE current_setting('superuser_reserved_connections')::bigint END,
    (SELECT nullif(rolconnlimit, -1) FROM pg_roles WHERE rolname = current_user),
    (SELECT nullif(datconnlimit, -1) FROM pg_database WHERE datname = current_database()))::bigint";
/// Without those of this look.
const USED: &str = "(SELECT count(*) FROM pg_stat_activity
    WHERE backend_type = 'client backend' AND pid <> pg_backend_pid())";
const MAY_CREATE: &str = "coalesce(has_schema_privilege(current_schema(), 'CREATE'), false)";
const CLOCK: &str = "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint";
const PID: &str = "pg_backend_pid()::bigint";

/// Looks at the database of this URL, without waiting for one that is not there yet.
///
/// # Errors
/// [`OpenError`] when it cannot be reached or asked.
pub fn examine(url: &str) -> Result<Examined, OpenError> {
    let database = Database::at_any_server(url);
    let connect = || -> Result<PgConnection, OpenError> {
        let connection = database.connect_as_it_is().map_err(ConnectError::from)?;
        Ok(connection)
    };
    let mut connection = connect()?;
    let used = ask::<BigInt, i64>(&mut connection, USED).map_err(|error| unfit(&error))?;
    let keeps_session =
        keeps_session(&mut connection, &mut connect()?).map_err(|error| unfit(&error))?;
    examine_session(&database, &mut connection, used, keeps_session).map_err(|error| unfit(&error))
}

fn unfit(error: &diesel::result::Error) -> OpenError {
    OpenError::Unfit {
        reason: one_line(&error.to_string()),
    }
}

fn examine_session(
    database: &Database,
    connection: &mut PgConnection,
    used: i64,
    keeps_session: bool,
) -> QueryResult<Examined> {
    let version = ask::<BigInt, i64>(connection, "current_setting('server_version_num')::bigint")?;
    let is_read_only = setting(connection, "default_transaction_read_only")? == "on";
    Ok(Examined {
        version,
        is_encrypted: ask::<Nullable<Bool>, Option<bool>>(connection, ENCRYPTED)?,
        is_local: ask::<Bool, bool>(connection, LOCAL)?,
        is_standby: ask::<Bool, bool>(connection, "pg_is_in_recovery()")?,
        is_read_only,
        fsync: setting(connection, "fsync")?,
        full_page_writes: setting(connection, "full_page_writes")?,
        synchronous_commit: setting(connection, "synchronous_commit")?,
        encoding: setting(connection, "server_encoding")?,
        idle_session_timeout: optional_setting(connection, "idle_session_timeout")?,
        connections: Connections {
            allowed: ask::<BigInt, i64>(connection, ALLOWED)?,
            used,
        },
        may_create_tables: ask::<Bool, bool>(connection, MAY_CREATE)?,
        schema: schema(connection)?,
        citus: citus(database, connection)?,
        keeps_session,
        clock: ask::<BigInt, i64>(connection, CLOCK)?,
    })
}

fn citus(database: &Database, connection: &mut PgConnection) -> QueryResult<Option<Citus>> {
    let Some(version) = ask::<Nullable<Text>, Option<String>>(connection, CITUS)? else {
        return Ok(None);
    };
    let nodes: Vec<NodeRow> = diesel::sql_query(CITUS_NODES).load(connection)?;
    let refusals = nodes::refusals(database, connection)?;
    let nodes = nodes.into_iter().map(|node| {
        let address = format!("{}:{}", node.host, node.port);
        CitusNode {
            unreachable: refusals.get(&address).cloned(),
            writes_through: node.writes_through,
            address,
        }
    });
    let nodes = nodes.collect();
    Ok(Some(Citus { version, nodes }))
}

/// What an expression is.
fn ask<S, T>(connection: &mut PgConnection, expression: &str) -> QueryResult<T>
where
    S: SqlType + SingleValue + 'static,
    T: diesel::deserialize::FromSqlRow<S, Pg> + 'static,
    SqlLiteral<S>: Expression<SqlType = S>,
    Pg: diesel::sql_types::HasSqlType<S>,
{
    diesel::select(sql::<S>(expression)).get_result(connection)
}

/// `0` where the server does not know the setting.
fn optional_setting(connection: &mut PgConnection, name: &str) -> QueryResult<String> {
    let expression = format!("coalesce(current_setting('{name}', true), '0')");
    ask::<Text, String>(connection, &expression)
}

/// Whether one client keeps its connection while another one works, outside of transactions.
fn keeps_session(first: &mut PgConnection, second: &mut PgConnection) -> QueryResult<bool> {
    let before: i64 = ask::<BigInt, i64>(first, PID)?;
    // A pool of transactions gives this one what the first had last, and the first another one.
    second.batch_execute("BEGIN READ ONLY")?;
    let others: i64 = ask::<BigInt, i64>(second, PID)?;
    let after: i64 = ask::<BigInt, i64>(first, PID)?;
    second.batch_execute("ROLLBACK")?;
    Ok(before == after && before != others)
}

fn schema(connection: &mut PgConnection) -> QueryResult<Option<SchemaState>> {
    let exists = "to_regclass('__diesel_schema_migrations') IS NOT NULL";
    if !ask::<Bool, bool>(connection, exists)? {
        // A database may have tables of others beside ours.
        return Ok(Some(SchemaState::None));
    }
    let may_read = "has_table_privilege('__diesel_schema_migrations', 'SELECT')";
    if !ask::<Bool, bool>(connection, may_read)? {
        return Ok(None);
    }
    let applied = sql::<Text>("SELECT version::text FROM __diesel_schema_migrations");
    let applied: Vec<String> = applied.load(connection)?;
    Ok(SchemaState::of::<Pg>(applied, &MIGRATIONS).ok())
}

#[cfg(test)]
mod tests {
    use convosync_test_postgres::TestServer;

    use super::*;
    use crate::postgres::{PostgresOptions, PostgresStore};

    #[test]
    fn a_database_is_looked_at_and_left_as_it_is() {
        let database = TestServer::shared().new_database();
        let tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'";
        let examined = examine(&database.url()).unwrap();
        assert_eq!(database.value(tables), "0");
        assert_eq!(examined.schema, Some(SchemaState::None));
        assert!(examined.version >= 140_000);
        assert!(examined.is_local && examined.may_create_tables && examined.keeps_session);
        assert!(!examined.is_standby && !examined.is_read_only);
        assert_eq!(examined.encoding, "UTF8");
        assert_eq!(examined.connections.allowed, 200);
        assert_eq!(examined.idle_session_timeout, "0");
        assert!(examined.citus.is_none());

        PostgresStore::migrate(&PostgresOptions::at(database.url())).unwrap();
        let examined = examine(&database.url()).unwrap();
        assert_eq!(examined.schema, Some(SchemaState::Current));
        database.execute(
            "DELETE FROM __diesel_schema_migrations
              WHERE version = (SELECT max(version) FROM __diesel_schema_migrations)",
        );
        let older = examine(&database.url()).unwrap().schema;
        assert!(matches!(older, Some(SchemaState::Older(missing)) if missing.len() == 1));
    }

    #[test]
    fn what_a_role_may_not() {
        let server = TestServer::shared();
        let database = server.new_database();
        let role = format!("{}_reader", database.name());
        database.execute(&format!(
            "CREATE ROLE {role} LOGIN CONNECTION LIMIT 3;
             ALTER ROLE {role} SET default_transaction_read_only = on;
             ALTER ROLE {role} SET idle_session_timeout = '10s';
             REVOKE CREATE ON SCHEMA public FROM PUBLIC;"
        ));
        let examined = examine(
            &database
                .url()
                .replace("user=postgres", &format!("user={role}")),
        );
        database.execute(&format!("DROP ROLE {role}"));
        let examined = examined.unwrap();
        assert!(examined.is_read_only && !examined.may_create_tables);
        assert_eq!(examined.connections.allowed, 3);
        assert_eq!(examined.idle_session_timeout, "10s");
    }

    #[test]
    fn nobody_is_waited_for() {
        let refused = examine("postgres://nobody@127.0.0.1:1/none").unwrap_err();
        assert!(
            matches!(refused, OpenError::Unreachable { .. }),
            "{refused}"
        );
    }
}
