//! The tables of a store, those that it is copied to, and what stands in the way.

use diesel::connection::SimpleConnection as _;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable, Text};

use super::DistributeError;
use crate::migrations::known_versions;
use crate::postgres::functions::has_citus;
use crate::postgres::migrate::MIGRATIONS;

/// The tables that are distributed, as a list of texts.
const PER_VISITOR: &str = "'visitors', 'conversations', 'messages', 'message_requests', 'message_responses', \
    'message_outputs', 'visitor_tombstones'";

pub(super) fn require_citus(connection: &mut PgConnection) -> Result<(), DistributeError> {
    match has_citus(connection)? {
        true => Ok(()),
        false => Err(DistributeError::NoCitus),
    }
}

/// Whether every table is distributed; a part of them is refused.
pub(super) fn are_distributed(connection: &mut PgConnection) -> Result<bool, DistributeError> {
    let distributed = format!(
        "(SELECT string_agg(name, ', ') FROM unnest(ARRAY[{PER_VISITOR}]) name JOIN pg_dist_partition \
         ON logicalrelid = name::regclass AND partmethod <> 'n')"
    );
    let Some(tables) = text(connection, &distributed)? else {
        return Ok(false);
    };
    match tables.split(", ").count() == PER_VISITOR.split(", ").count() {
        true => Ok(true),
        false => Err(DistributeError::Partly { tables }),
    }
}

/// Refuses a role that could not finish what it begins.
pub(super) fn require_rights(connection: &mut PgConnection) -> Result<(), DistributeError> {
    if is(
        connection,
        "(SELECT rolsuper FROM pg_roles WHERE rolname = current_user)",
    )? {
        return Ok(());
    }
    let role = text(connection, "current_user::text")?;
    Err(DistributeError::Rights {
        role: role.unwrap_or_default(),
    })
}

/// Refuses what others have made of the tables and would not come along, before everything is copied.
pub(super) fn require_independence(connection: &mut PgConnection) -> Result<(), DistributeError> {
    let objects = format!(
        "(WITH own AS (SELECT name::regclass AS oid FROM unnest(ARRAY[{PER_VISITOR}]) name)
         SELECT string_agg(DISTINCT what, ', ') FROM (
            SELECT 'the view ' || ev_class::regclass AS what FROM pg_depend JOIN pg_rewrite ON pg_rewrite.oid = objid
                WHERE classid = 'pg_rewrite'::regclass AND refobjid IN (SELECT oid FROM own)
            UNION ALL SELECT 'the trigger ' || tgname FROM pg_trigger WHERE NOT tgisinternal AND tgrelid IN (SELECT oid FROM own)
            UNION ALL SELECT 'the policy ' || polname FROM pg_policy WHERE polrelid IN (SELECT oid FROM own)
            UNION ALL SELECT 'the publication ' || pubname FROM pg_publication_rel JOIN pg_publication p ON p.oid = prpubid
                WHERE prrelid IN (SELECT oid FROM own)
            UNION ALL SELECT 'the key ' || conname || ' of ' || conrelid::regclass FROM pg_constraint WHERE contype = 'f'
                AND confrelid IN (SELECT oid FROM own) AND conrelid NOT IN (SELECT oid FROM own)) found)"
    );
    match text(connection, &objects)? {
        None => Ok(()),
        Some(objects) => Err(DistributeError::Dependents { objects }),
    }
}

/// Makes the tables that the store is copied to, unless an earlier call has. Those of another schema of the store go.
pub(super) fn prepare(connection: &mut PgConnection) -> Result<(), DistributeError> {
    // What a killed call has committed on some nodes is brought to its end on the others now, not within a minute.
    if is(
        connection,
        "has_function_privilege('recover_prepared_transactions()', 'EXECUTE')",
    )? {
        connection.batch_execute("SELECT recover_prepared_transactions()")?;
    }
    let versions = known_versions::<diesel::pg::Pg>(&MIGRATIONS);
    let versions = versions.map_err(|error| DistributeError::Database {
        reason: error.to_string(),
    })?;
    let version = versions.last().map_or("", String::as_str);
    let comment = format!("What convosync migrate --distribute has copied of a store, {version}");
    connection.transaction(|connection| {
        let found = "(SELECT coalesce(obj_description(oid), '') FROM pg_namespace WHERE nspname = 'convosync_distributing')";
        match text(connection, found)? {
            Some(found) if found == comment => return Ok(()),
            Some(_) => connection.batch_execute("DROP SCHEMA convosync_distributing CASCADE")?,
            None => {}
        }
        connection.batch_execute(include_str!("make_tables.sql"))?;
        connection.batch_execute(&format!(
            "COMMENT ON SCHEMA convosync_distributing IS '{comment}'"
        ))
    })?;
    Ok(())
}

/// How many nodes have shards of the copies.
pub(super) fn count_nodes(connection: &mut PgConnection) -> QueryResult<i64> {
    let nodes = "(SELECT count(DISTINCT groupid) FROM pg_dist_placement JOIN pg_dist_shard USING (shardid) \
        WHERE logicalrelid = 'convosync_distributing.visitors'::regclass)";
    diesel::select(sql::<BigInt>(nodes)).get_result(connection)
}

/// Takes the copies for this transaction alone, so that no autovacuum has a shard of them when they are moved: each that has
/// keeps the transaction waiting for a second.
pub(super) fn lock_copies(connection: &mut PgConnection) -> QueryResult<()> {
    connection.batch_execute(include_str!("lock_copies.sql"))
}

/// Takes every table for this transaction alone. It keeps others waiting for two seconds at most, then fails.
pub(super) fn lock(connection: &mut PgConnection) -> QueryResult<()> {
    connection.batch_execute(
        "SET LOCAL lock_timeout = '2s';
         SELECT pg_advisory_xact_lock(hashtextextended('convosync migrations', 0));
         LOCK TABLE visitors, conversations, messages, message_requests, message_responses, message_outputs,
             visitor_tombstones, store, api_keys, __diesel_schema_migrations IN ACCESS EXCLUSIVE MODE;
         SET LOCAL lock_timeout = 0;",
    )
}

/// Puts the copies in the place of the tables.
pub(super) fn switch(connection: &mut PgConnection) -> QueryResult<()> {
    connection.batch_execute(include_str!("switch_tables.sql"))
}

/// Does what comes after the switch, unless it was done. As long as the replaced tables are there, it was not.
pub(super) fn finish(connection: &mut PgConnection) -> QueryResult<()> {
    if is(connection, "to_regnamespace('convosync_replaced') IS NULL")? {
        return Ok(());
    }
    end_older_sessions(connection)?;
    connection.batch_execute("DROP SCHEMA convosync_replaced CASCADE")
}

/// Ends the sessions of servers that this role may end, which make their plans as is good without Citus. A server tries
/// again what it was at, in new ones.
fn end_older_sessions(connection: &mut PgConnection) -> QueryResult<()> {
    connection.batch_execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() \
         AND pg_has_role(usesysid, 'USAGE') AND application_name = current_setting('application_name') \
         AND backend_type = 'client backend' AND pid <> pg_backend_pid()",
    )
}

fn is(connection: &mut PgConnection, expression: &str) -> QueryResult<bool> {
    diesel::select(sql::<Bool>(expression)).get_result(connection)
}

fn text(connection: &mut PgConnection, expression: &str) -> QueryResult<Option<String>> {
    diesel::select(sql::<Nullable<Text>>(expression)).get_result(connection)
}
