//! What there is to find about a store in a PostgreSQL database.

use convosync_domain::ports::Clock;
use convosync_storage_diesel::postgres::{
    Connections, Examined, OpenError, PostgresOptions, examine,
};

use super::{citus_finding, schema_finding};
use crate::finding::Finding;

/// The oldest server that is supported.
const VERSION_MIN: i64 = 140_000;
/// Connections beside the pool: the one that listens for changes, and one for commands.
const BESIDE_POOL: i64 = 2;
/// A database whose clock differs by more is on a machine whose clock is not kept, or this one's is not.
const CLOCK_DIFFERENCE_MAX: u64 = 2_000_000;

pub(super) fn findings(options: &PostgresOptions, clock: &dyn Clock) -> Vec<Finding> {
    match examine(&options.url) {
        Ok(found) => of(
            &found,
            i64::from(options.pool_size),
            options.shard_aware,
            clock.now().as_micros(),
        ),
        Err(error) => vec![Finding::failed(
            "database",
            error.to_string(),
            match error {
                OpenError::Url { .. } => {
                    "write database.url as postgres://USER:PASSWORD@HOST:PORT/DATABASE"
                }
                _ => {
                    "see that PostgreSQL runs, that this machine reaches it, and that user, password and \
                    database in database.url are right (`psql` takes the same URL)"
                }
            },
        )],
    }
}

/// What it means for a server with these settings, at this time in microseconds.
fn of(found: &Examined, pool_size: i64, shard_aware: bool, now: i64) -> Vec<Finding> {
    let mut findings = vec![version(found.version)];
    findings.push(encryption(found));
    findings.push(writing(found));
    findings.extend(durability(found));
    if found.encoding != "UTF8" {
        findings.push(Finding::failed(
            "encoding",
            format!("the database has the encoding {}", found.encoding),
            "make another one: CREATE DATABASE convosync TEMPLATE template0 ENCODING 'UTF8'",
        ));
    }
    findings.push(connections(found.connections, pool_size));
    findings.extend(sessions(found));
    findings.push(clock_finding(found.clock, now));
    findings.extend(schema(found));
    let citus = found.citus.iter();
    findings.extend(citus.flat_map(|citus| citus_finding::of(citus, shard_aware)));
    findings
}

fn version(version: i64) -> Finding {
    let found = format!(
        "PostgreSQL {}.{} answers",
        version / 10_000,
        version % 10_000
    );
    match version >= VERSION_MIN {
        true => Finding::ok("database", found),
        false => Finding::failed("database", found, "use PostgreSQL 14 or later"),
    }
}

fn encryption(found: &Examined) -> Finding {
    const CHECK: &str = "database TLS";
    match (found.is_encrypted, found.is_local) {
        (Some(true), _) => Finding::ok(CHECK, "the connection is encrypted"),
        (_, true) => Finding::ok(CHECK, "the connection stays on this machine"),
        (None, false) => Finding::note(
            CHECK,
            "the server does not tell whether the connection is encrypted",
            "add ?sslmode=verify-full&sslrootcert=FILE to database.url: then it is, or is refused",
        ),
        (Some(false), false) => Finding::warning(
            CHECK,
            "the connection goes over the network and is not encrypted",
            "add ?sslmode=verify-full&sslrootcert=FILE to database.url, and ssl = on to postgresql.conf",
        ),
    }
}

fn writing(found: &Examined) -> Finding {
    const CHECK: &str = "writing";
    if found.is_standby {
        Finding::failed(
            CHECK,
            "this server is a standby, which only reads",
            "set database.url to the primary, or name all hosts in it: the one that writes is used",
        )
    } else if found.is_read_only {
        Finding::failed(
            CHECK,
            "default_transaction_read_only is on: nothing can be stored",
            "ALTER ROLE … RESET default_transaction_read_only, or ALTER DATABASE …, or postgresql.conf, \
            wherever it is set",
        )
    } else {
        Finding::ok(CHECK, "the server writes")
    }
}

fn durability(found: &Examined) -> Vec<Finding> {
    const CHECK: &str = "durability";
    let mut findings = Vec::new();
    if found.fsync != "on" {
        findings.push(Finding::failed(
            CHECK,
            "fsync is off: a power cut may lose everything",
            "set fsync = on in postgresql.conf and reload it (SELECT pg_reload_conf())",
        ));
    }
    if found.full_page_writes != "on" {
        findings.push(Finding::warning(
            CHECK,
            "full_page_writes is off: a power cut may leave torn pages",
            "set full_page_writes = on in postgresql.conf, unless the file system writes pages whole (ZFS)",
        ));
    }
    match found.synchronous_commit.as_str() {
        "on" | "remote_apply" => {}
        other => findings.push(Finding::note(
            CHECK,
            format!(
                "synchronous_commit is {other}; the server sets it to on for its own connections"
            ),
            "nothing has to be done; what other programs commit may be lost in a power cut",
        )),
    }
    if findings.is_empty() {
        findings.push(Finding::ok(CHECK, "what is committed is written through"));
    }
    findings
}

fn connections(Connections { allowed, used }: Connections, pool_size: i64) -> Finding {
    const CHECK: &str = "connections";
    let needed = pool_size + BESIDE_POOL;
    let found = format!(
        "{allowed} are allowed, {used} in use; the server takes up to {needed} (database.pool_size = {pool_size})"
    );
    if needed > allowed {
        let fits = (allowed - BESIDE_POOL).max(1);
        return Finding::failed(
            CHECK,
            found,
            format!(
                "raise max_connections, or the limit of the role or the database; or set database.pool_size = {fits}"
            ),
        );
    }
    // A running server's own are among those in use.
    match needed + used > allowed && used < needed {
        true => Finding::warning(
            CHECK,
            found,
            "others leave too few: raise max_connections in postgresql.conf, or lower database.pool_size",
        ),
        false => Finding::ok(CHECK, found),
    }
}

fn sessions(found: &Examined) -> Vec<Finding> {
    const CHECK: &str = "sessions";
    let mut findings = Vec::new();
    if !found.keeps_session {
        findings.push(Finding::failed(
            CHECK,
            "a pool gives each transaction another connection: settings and LISTEN of a session are lost",
            "name PostgreSQL itself in database.url, or set pool_mode = session in pgbouncer.ini",
        ));
    }
    if found.idle_session_timeout != "0" {
        findings.push(Finding::warning(
            CHECK,
            format!(
                "idle_session_timeout is {}: it ends the connection that listens for changes again and again",
                found.idle_session_timeout
            ),
            "ALTER ROLE … SET idle_session_timeout = 0, for the role in database.url",
        ));
    }
    if findings.is_empty() {
        findings.push(Finding::ok(CHECK, "connections keep their session"));
    }
    findings
}

fn clock_finding(database: i64, now: i64) -> Finding {
    const CHECK: &str = "database clock";
    let apart = database.abs_diff(now);
    let seconds = apart / 1_000_000;
    match apart > CLOCK_DIFFERENCE_MAX {
        true => Finding::warning(
            CHECK,
            format!("the clocks of the database and of this machine are {seconds} s apart"),
            "keep both by NTP (`timedatectl set-ntp true`, chrony)",
        ),
        false => Finding::ok(CHECK, "the same as that of this machine"),
    }
}

fn schema(found: &Examined) -> Vec<Finding> {
    let Some(schema) = &found.schema else {
        return vec![Finding::failed(
            "schema",
            "this role may not read the tables",
            "use the role that owns them in database.url, or GRANT ALL ON ALL TABLES IN SCHEMA public TO it",
        )];
    };
    let mut findings = vec![schema_finding::of(schema)];
    let is_needed = !matches!(schema, convosync_storage_diesel::SchemaState::Current);
    if is_needed && !found.may_create_tables {
        findings.push(Finding::failed(
            "privileges",
            "this role may not make tables in the schema that it would use",
            "GRANT CREATE ON SCHEMA public TO the role, or run `convosync migrate` as one that may",
        ));
    }
    findings
}

#[cfg(test)]
mod tests {
    use convosync_storage_diesel::SchemaState;

    use super::*;
    use crate::finding::Status;

    fn sound() -> Examined {
        Examined {
            version: 150_004,
            is_encrypted: Some(true),
            is_local: false,
            is_standby: false,
            is_read_only: false,
            fsync: "on".to_owned(),
            full_page_writes: "on".to_owned(),
            synchronous_commit: "on".to_owned(),
            encoding: "UTF8".to_owned(),
            idle_session_timeout: "0".to_owned(),
            connections: Connections {
                allowed: 97,
                used: 20,
            },
            may_create_tables: true,
            schema: Some(SchemaState::Current),
            citus: None,
            keeps_session: true,
            clock: 5_000_000,
        }
    }

    /// What is not as it has to be, with a pool of 16 at five seconds past 1970.
    fn complaints(change: impl FnOnce(&mut Examined)) -> Vec<(&'static str, Status)> {
        let mut found = sound();
        change(&mut found);
        let findings = of(&found, 16, true, 5_000_000);
        for finding in &findings {
            assert_eq!(finding.advice.is_none(), finding.status == Status::Ok);
        }
        findings
            .iter()
            .filter(|finding| finding.status != Status::Ok)
            .map(|finding| (finding.check, finding.status))
            .collect()
    }

    #[test]
    fn what_is_wrong_with_a_database() {
        assert_eq!(complaints(|_| {}), []);
        let failed = |check| vec![(check, Status::Failed)];
        let warning = |check| vec![(check, Status::Warning)];
        assert_eq!(complaints(|it| it.version = 130_014), failed("database"));
        assert_eq!(complaints(|it| it.is_standby = true), failed("writing"));
        assert_eq!(complaints(|it| it.is_read_only = true), failed("writing"));
        let off = || "off".to_owned();
        assert_eq!(complaints(|it| it.fsync = off()), failed("durability"));
        assert_eq!(
            complaints(|it| it.full_page_writes = off()),
            warning("durability")
        );
        assert_eq!(
            complaints(|it| it.synchronous_commit = off()),
            [("durability", Status::Note)]
        );
        assert_eq!(
            complaints(|it| it.encoding = "LATIN1".into()),
            failed("encoding")
        );
        assert_eq!(
            complaints(|it| it.connections.allowed = 17),
            failed("connections")
        );
        assert_eq!(complaints(|it| it.connections.allowed = 18), []);
        assert_eq!(
            complaints(|it| it.connections = Connections {
                allowed: 20,
                used: 3
            }),
            warning("connections")
        );
        assert_eq!(
            complaints(|it| it.keeps_session = false),
            failed("sessions")
        );
        assert_eq!(
            complaints(|it| it.idle_session_timeout = "5min".into()),
            warning("sessions")
        );
        assert_eq!(complaints(|it| it.clock = 0), warning("database clock"));
        assert_eq!(
            complaints(|it| it.is_encrypted = Some(false)),
            warning("database TLS")
        );
        assert_eq!(complaints(|it| it.schema = None), failed("schema"));
        assert_eq!(
            complaints(|it| it.schema = Some(SchemaState::Newer("9".into()))),
            failed("schema")
        );
        assert_eq!(complaints(|it| it.may_create_tables = false), []);
        assert_eq!(
            complaints(|it| {
                it.schema = Some(SchemaState::None);
                it.may_create_tables = false;
            }),
            failed("privileges")
        );
    }
}
