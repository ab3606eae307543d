//! Connections: how each is opened, with the settings that the store's promises rest on.

use std::env;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use diesel::connection::SimpleConnection;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Text};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::errors::{ConnectError, PostgresError};

/// What libpq is told where neither the URL nor a variable of the environment says: a server that is
/// gone is noticed within seconds, and of several hosts the primary is used.
const PARAMETERS: [(&str, &str, Option<&str>); 7] = [
    ("connect_timeout", "3", Some("PGCONNECT_TIMEOUT")),
    ("keepalives_idle", "5", None),
    ("keepalives_interval", "2", None),
    ("keepalives_count", "3", None),
    ("tcp_user_timeout", "5000", None),
    (
        "target_session_attrs",
        "read-write",
        Some("PGTARGETSESSIONATTRS"),
    ),
    ("application_name", "convosync", Some("PGAPPNAME")),
];

/// An operator who has replicas apply each commit first keeps that.
///
/// Every statement looks rows up by keys that begin with the visitor, so each has one good plan. The
/// planner is kept from basing another one on what a table held when the connection first met it.
///
/// Citus plans for the shard of the values. Where a node has the shard itself, it keeps a plan for each shard beside a
/// generic one, and some of its versions (13.2.1, 13.2.2, 14.0.1) never find those again and keep one more for each
/// execution: 25 kB each time, until the connection ends. So there every plan is made for its values.
const SETTINGS: &str = "
    SELECT set_config('synchronous_commit', 'on', false)
     WHERE current_setting('synchronous_commit') <> 'remote_apply';
    SET statement_timeout = '15s';
    SET idle_in_transaction_session_timeout = '30s';
    SET default_transaction_isolation = 'read committed';
    SELECT set_config('plan_cache_mode', CASE WHEN EXISTS (SELECT FROM pg_extension WHERE extname = 'citus')
        THEN 'force_custom_plan' ELSE 'force_generic_plan' END, false);
    SET enable_seqscan = off;
    SET enable_hashjoin = off;
    SET enable_mergejoin = off;
    SET jit = off;
";

/// A database, and which of the connections to it are known to be fit. (No `Debug`: the URL may hold a
/// password.)
pub(super) struct Database {
    url: String,
    /// Rises with each failure of a connection: those from before are tried before they are used.
    generation: AtomicU64,
    /// Whether the last try of a pool to connect succeeded, if there was one.
    is_reachable: Mutex<Option<bool>>,
}

impl Database {
    pub(super) fn at(url: &str) -> Self {
        Self::of(with_parameters(url))
    }

    fn of(url: String) -> Self {
        Self {
            url,
            generation: AtomicU64::new(0),
            is_reachable: Mutex::default(),
        }
    }

    /// The same, be it a standby or one that only reads.
    pub(super) fn at_any_server(url: &str) -> Self {
        let mut with = with_parameters(url);
        with.push_str("&target_session_attrs=any");
        Self::of(with)
    }

    /// The same database at another node of its cluster, which is given up so soon that there is time to ask another
    /// one. (Of a parameter that is there twice libpq takes the last.)
    pub(super) fn at_node(&self, host: &str, port: i32) -> Self {
        let host = utf8_percent_encode(host, NON_ALPHANUMERIC);
        let node = format!("host={host}&hostaddr=&port={port}&tcp_user_timeout=2500");
        Self::of(format!("{}&{node}", self.url))
    }

    /// Opens a connection with the settings that the server and the role give it.
    pub(super) fn connect_as_it_is(&self) -> ConnectionResult<PgConnection> {
        PgConnection::establish(&self.url)
    }

    /// Opens a connection with the settings of the store.
    pub(super) fn connect(&self) -> Result<PgConnection, ConnectError> {
        open(&self.url)
    }

    /// Opens a connection to the first host that can be used, also where the others are spread over several: what is
    /// notified at one node of a cluster is heard by those who are connected to it.
    pub(super) fn connect_where_all_meet(&self) -> Result<PgConnection, ConnectError> {
        open(&format!("{}&load_balance_hosts=disable", self.url))
    }

    /// Has all connections tried before they are used again.
    pub(super) fn doubt_connections(&self) {
        self.generation.fetch_add(1, Ordering::AcqRel);
    }

    /// Those from before another generation are to be tried.
    pub(super) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// Whether the last try to connect succeeded.
    pub(super) fn is_reachable(&self) -> bool {
        let is_reachable = self.is_reachable.lock();
        *is_reachable.unwrap_or_else(PoisonError::into_inner) == Some(true)
    }

    /// Keeps whether a try to connect succeeded, and tells whether the one before it came out otherwise.
    pub(super) fn note_try(&self, succeeded: bool) -> bool {
        let is_reachable = self.is_reachable.lock();
        let mut is_reachable = is_reachable.unwrap_or_else(PoisonError::into_inner);
        is_reachable.replace(succeeded) != Some(succeeded)
    }
}

fn open(url: &str) -> Result<PgConnection, ConnectError> {
    let mut connection = PgConnection::establish(url)?;
    configure(&mut connection)?;
    Ok(connection)
}

fn with_parameters(url: &str) -> String {
    let mut url = url.to_owned();
    let given = query_of(&url).unwrap_or_default().to_owned();
    let mut separator = match query_of(&url) {
        None => "?",
        Some(query) if query.is_empty() || query.ends_with('&') => "",
        Some(_) => "&",
    };
    for (name, value, variable) in PARAMETERS {
        let is_named = |given: &str| given.split('=').next() == Some(name);
        let is_set = variable.is_some_and(|variable| env::var_os(variable).is_some());
        if !is_set && !given.split('&').any(is_named) {
            url.push_str(&format!("{separator}{name}={value}"));
            separator = "&";
        }
    }
    url
}

/// What stands after the `?`, which may also stand in a password, before the first `@`.
fn query_of(url: &str) -> Option<&str> {
    let address = url.split_once("://").map_or(url, |(_, address)| address);
    let authority = address.split('/').next().unwrap_or_default();
    let after_password = authority
        .split_once('@')
        .map_or(0, |(password, _)| password.len());
    let (_, query) = address.get(after_password..)?.split_once('?')?;
    Some(query)
}

/// Sets what the store rests on, and reads back whether a commit is durable when it is acknowledged.
fn configure(connection: &mut PgConnection) -> Result<(), ConnectError> {
    connection.batch_execute(SETTINGS)?;
    let found = setting(connection, "synchronous_commit")?;
    if found != "on" && found != "remote_apply" {
        return Err(ConnectError::Setting {
            setting: "synchronous_commit",
            expected: "on",
            found,
        });
    }
    let encoding = setting(connection, "server_encoding")?;
    if encoding != "UTF8" {
        return Err(ConnectError::Encoding(encoding));
    }
    Ok(())
}

/// Reads a setting of the connection or the server.
pub(super) fn setting(connection: &mut PgConnection, name: &str) -> QueryResult<String> {
    diesel::select(sql::<Text>(&format!("current_setting('{name}')"))).get_result(connection)
}

/// Whether the server is there and writes.
pub(super) fn check_writable(connection: &mut PgConnection) -> Result<(), PostgresError> {
    let reads_only = "pg_is_in_recovery() OR current_setting('transaction_read_only')::bool";
    match diesel::select(sql::<Bool>(reads_only)).get_result(connection)? {
        true => Err(PostgresError::ReadOnly),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use convosync_test_postgres::TestServer;

    use super::*;

    #[test]
    fn the_url_wins_over_the_usual_parameters() {
        let all = with_parameters("postgres://db/chats");
        assert!(all.starts_with("postgres://db/chats?connect_timeout=3&keepalives_idle=5&"));
        let some = with_parameters("postgres:///chats?host=/run&connect_timeout=9");
        assert!(some.starts_with("postgres:///chats?host=/run&connect_timeout=9&keepalives_idle="));
        assert_eq!(some.matches("connect_timeout").count(), 1);
        for (url, begin) in [
            (
                "postgres://ada:pa?ss@db/chats",
                "postgres://ada:pa?ss@db/chats?connect_timeout=3&",
            ),
            (
                "postgresql://db/chats?",
                "postgresql://db/chats?connect_timeout=3&",
            ),
            (
                "postgres://db/chats?sslmode=disable&",
                "postgres://db/chats?sslmode=disable&connect_timeout=3&",
            ),
            (
                "postgres://a,b:1/chats",
                "postgres://a,b:1/chats?connect_timeout=3&",
            ),
        ] {
            let with = with_parameters(url);
            assert!(with.starts_with(begin), "{with}");
            assert_eq!(with.matches("&&").count(), 0, "{with}");
        }
    }

    #[test]
    fn a_node_is_connected_to_whatever_the_url_says() {
        let database = TestServer::shared().new_database();
        let folder = database.value("current_setting('unix_socket_directories')");
        let port = database.value("current_setting('port')").parse().unwrap();
        let name = database.name();
        for url in [
            format!("postgres://postgres@db/{name}"),
            format!("postgres://postgres:pa?ss@a,b:1/{name}?load_balance_hosts=random"),
            format!("postgres://postgres@[::1]:1/{name}?hostaddr=::1&host=c,d&port=1,2"),
            format!("postgres:///{name}?user=postgres&host=/nowhere&"),
        ] {
            let node = Database::at(&url).at_node(&folder, port);
            let mut connection = node.connect().unwrap();
            let found = diesel::select(sql::<Text>("current_database()::text"));
            let found: String = found.get_result(&mut connection).unwrap();
            assert_eq!(found, name, "{url}");
        }
    }

    #[test]
    fn every_connection_has_the_settings() {
        let database = TestServer::shared().new_database();
        database.execute(&format!(
            "ALTER DATABASE {} SET synchronous_commit = off",
            database.name()
        ));
        let mut connection = Database::at(&database.url()).connect().unwrap();
        for (name, expected) in [
            ("synchronous_commit", "on"),
            ("statement_timeout", "15s"),
            ("idle_in_transaction_session_timeout", "30s"),
            ("default_transaction_isolation", "read committed"),
            ("plan_cache_mode", "force_generic_plan"),
            ("application_name", "convosync"),
            ("TimeZone", "UTC"),
        ] {
            assert_eq!(setting(&mut connection, name).unwrap(), expected, "{name}");
        }
    }

    #[test]
    #[ignore = "needs a Citus cluster: make test-citus"]
    fn on_citus_every_plan_is_made_for_its_values() {
        let database = TestServer::shared().new_database();
        let mut connection = Database::at(&database.url()).connect().unwrap();
        let found = setting(&mut connection, "plan_cache_mode").unwrap();
        assert_eq!(found, "force_custom_plan");
    }

    #[test]
    fn replicas_that_apply_each_commit_first_go_on_doing_so() {
        let database = TestServer::shared().new_database();
        database.execute(&format!(
            "ALTER DATABASE {} SET synchronous_commit = remote_apply",
            database.name()
        ));
        let mut connection = Database::at(&database.url()).connect().unwrap();
        let found = setting(&mut connection, "synchronous_commit").unwrap();
        assert_eq!(found, "remote_apply");
    }

    #[test]
    fn tls_is_as_the_url_says() {
        let server = TestServer::private_with_tls();
        let connect = |parameters: &str| {
            let port = server.port();
            let url = format!("postgres://postgres@localhost:{port}/postgres?{parameters}");
            Database::at(&url).connect()
        };
        let verified = format!("sslmode=verify-full&sslrootcert={}", server.certificate());
        for (parameters, encrypted) in [
            (verified.as_str(), true),
            ("sslmode=require", true),
            ("sslmode=disable", false),
        ] {
            let mut connection = connect(parameters).unwrap();
            let in_use = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
            let in_use = diesel::select(sql::<Bool>(&format!("({in_use})")));
            let in_use: bool = in_use.get_result(&mut connection).unwrap();
            assert_eq!(in_use, encrypted, "{parameters}");
        }
        assert!(connect("sslmode=verify-full&sslrootcert=/nowhere").is_err());
    }
}
