//! Looks through a store for what cannot be so, beside whoever uses it.

use diesel::connection::SimpleConnection;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use diesel::sql_types::{BigInt, Text};

use super::PostgresOptions;
use super::errors::{OpenError, one_line};
use super::migrate;
use super::open::first_connection;
use super::session::Database;
use crate::checks::{CheckReport, FINDINGS_MAX, Finding, JSON_COLUMNS, RowCheck};

/// Says whether a text is JSON, and an object where that is asked for. PostgreSQL can say so by itself since 16. (A node of
/// a Citus cluster, which would have all nodes make the function, makes it for itself. Elsewhere that setting is nobody's.)
const IS_JSON: &str = "
    SET citus.enable_ddl_propagation = off;
    CREATE OR REPLACE FUNCTION pg_temp.convosync_is_json(given text, as_object boolean) RETURNS boolean
    LANGUAGE plpgsql AS $$
    BEGIN
        RETURN json_typeof(given::json) = 'object' OR NOT as_object;
    EXCEPTION WHEN invalid_text_representation THEN
        RETURN false;
    END $$";

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    key: String,
    #[diesel(sql_type = Text)]
    what: String,
}

/// Looks through the rows, as they are at one moment, and changes nothing. It reads all of them.
///
/// # Errors
/// [`OpenError`] when the database cannot be read, or its schema is not the one of this program.
pub fn check(options: &PostgresOptions) -> Result<CheckReport, OpenError> {
    let database = Database::at(&options.url);
    let mut connection = first_connection(&database, options.wait_at_start)?;
    let unfit = |reason: String| OpenError::Unfit {
        reason: one_line(&reason),
    };
    migrate::require_current(&mut connection)?;
    let found = look_through(&mut connection).map_err(|error| unfit(error.to_string()))?;
    Ok(CheckReport {
        findings: found,
        notes: vec![
            "the files of the database were not looked at: `pg_amcheck` of PostgreSQL does that"
                .to_owned(),
        ],
    })
}

fn look_through(connection: &mut PgConnection) -> QueryResult<Vec<Finding>> {
    connection.batch_execute(IS_JSON)?;
    connection
        .build_transaction()
        .repeatable_read()
        .read_only()
        .run(|connection| {
            connection.batch_execute(
                "SET LOCAL statement_timeout = 0; SET LOCAL citus.max_intermediate_result_size = -1",
            )?;
            let mut findings = Vec::new();
            for check in row_checks() {
                findings.extend(breaches(connection, &check)?);
            }
            for check in json_checks() {
                if !holds(connection, &check)? {
                    findings.extend(breaches(connection, &check.breaches)?);
                }
            }
            Ok(findings)
        })
}

fn breaches(connection: &mut PgConnection, check: &RowCheck) -> QueryResult<Vec<Finding>> {
    let table = check.table;
    let query = diesel::sql_query(format!("{} LIMIT {FINDINGS_MAX}", check.query));
    let rows: Vec<Row> = query.load(connection)?;
    let found = rows.into_iter();
    Ok(found
        .map(|Row { key, what }| Finding { table, key, what })
        .collect())
}

/// Whether all texts of a column are what they have to be, or may not be: one that is no JSON makes the query fail.
fn holds(connection: &mut PgConnection, check: &JsonCheck) -> QueryResult<bool> {
    let query = sql::<BigInt>(&check.count);
    let counted = connection.transaction(|connection| query.get_result::<i64>(connection));
    match counted {
        Ok(broken) => Ok(broken == 0),
        Err(DieselError::DatabaseError(DatabaseErrorKind::Unknown, _)) => Ok(false),
        Err(error) => Err(error),
    }
}

const PARTS: [&str; 3] = ["message_requests", "message_responses", "message_outputs"];

/// The rules about rows. Foreign keys are among them: whoever restores a database without its triggers gets rows
/// that break them.
fn row_checks() -> Vec<RowCheck> {
    let mut checks: Vec<_> = [
        (
            "conversations",
            "SELECT c.visitor_id || ' ' || c.id AS key, 'its row in visitors is missing' AS what FROM conversations c \
             WHERE NOT EXISTS (SELECT 1 FROM visitors v WHERE v.id = c.visitor_id)",
        ),
        (
            "messages",
            "SELECT m.visitor_id || ' ' || m.conversation_id || ' ' || m.id AS key, \
             'its row in conversations is missing' AS what FROM messages m WHERE NOT EXISTS (SELECT 1 FROM \
             conversations c WHERE c.visitor_id = m.visitor_id AND c.id = m.conversation_id)",
        ),
        (
            "conversations",
            "SELECT c.visitor_id || ' ' || c.id AS key, 'latest_change is ' || c.latest_change || \
             ', and the highest change number of it and its messages ' || greatest(c.change_number, m.highest) AS what \
             FROM conversations c LEFT JOIN (SELECT visitor_id, conversation_id, max(change_number) AS highest \
             FROM messages GROUP BY visitor_id, conversation_id) m \
             ON m.visitor_id = c.visitor_id AND m.conversation_id = c.id \
             WHERE c.latest_change <> greatest(c.change_number, m.highest)",
        ),
        (
            "visitors",
            "SELECT v.id || '' AS key, 'change_counter is ' || v.change_counter || ', and a change has the number ' || \
             c.highest AS what FROM visitors v JOIN (SELECT visitor_id, max(highest) AS highest FROM (\
             SELECT visitor_id, max(greatest(change_number, latest_change)) AS highest FROM conversations GROUP BY \
             visitor_id UNION ALL SELECT visitor_id, max(change_number) FROM messages GROUP BY visitor_id) numbers \
             GROUP BY visitor_id) c ON c.visitor_id = v.id WHERE v.change_counter < c.highest",
        ),
        (
            "visitors",
            "SELECT v.id || '' AS key, 'living_conversations is ' || v.living_conversations || ', and ' || \
             coalesce(c.found, 0) || ' live' AS what FROM visitors v LEFT JOIN (SELECT visitor_id, count(*) AS found \
             FROM conversations WHERE content_bytes > 0 GROUP BY visitor_id) c ON c.visitor_id = v.id \
             WHERE v.living_conversations <> coalesce(c.found, 0)",
        ),
        // By what the rows say of their sizes: those of an earlier schema were measured in another way.
        (
            "visitors",
            "SELECT v.id || '' AS key, 'content_bytes is ' || v.content_bytes || ', and that of its rows together ' || \
             coalesce(r.found, 0) AS what FROM visitors v LEFT JOIN (SELECT visitor_id, sum(content_bytes) AS found \
             FROM (SELECT visitor_id, content_bytes FROM conversations UNION ALL \
             SELECT visitor_id, content_bytes FROM messages) sizes GROUP BY visitor_id) r ON r.visitor_id = v.id \
             WHERE v.content_bytes <> coalesce(r.found, 0)",
        ),
        (
            "visitors",
            "SELECT v.id || '' AS key, 'is there, though a tombstone says that it is gone' AS what \
             FROM visitors v JOIN visitor_tombstones t ON t.visitor_id = v.id",
        ),
        (
            "conversations",
            "SELECT visitor_id || ' ' || id AS key, 'is a tombstone and has content' AS what FROM conversations \
             WHERE content_bytes = 0 AND (title IS NOT NULL OR extra IS NOT NULL)",
        ),
        (
            "messages",
            "SELECT visitor_id || ' ' || conversation_id || ' ' || id AS key, 'is a tombstone and has content' AS what \
             FROM messages m WHERE content_bytes = 0 AND (digest IS NOT NULL OR img IS NOT NULL \
             OR metadata IS NOT NULL OR embedding IS NOT NULL OR doc IS NOT NULL OR extra IS NOT NULL \
             OR EXISTS (SELECT 1 FROM message_requests p WHERE p.visitor_id = m.visitor_id \
                 AND p.conversation_id = m.conversation_id AND p.message_id = m.id) \
             OR EXISTS (SELECT 1 FROM message_responses p WHERE p.visitor_id = m.visitor_id \
                 AND p.conversation_id = m.conversation_id AND p.message_id = m.id) \
             OR EXISTS (SELECT 1 FROM message_outputs p WHERE p.visitor_id = m.visitor_id \
                 AND p.conversation_id = m.conversation_id AND p.message_id = m.id))",
        ),
        (
            "conversations",
            "SELECT visitor_id || ' ' || id AS key, 'content_bytes is ' || content_bytes AS what \
             FROM conversations WHERE content_bytes < 0",
        ),
        (
            "messages",
            "SELECT visitor_id || ' ' || conversation_id || ' ' || id AS key, 'content_bytes is ' || content_bytes \
             AS what FROM messages WHERE content_bytes < 0",
        ),
    ]
    .into_iter()
    .map(|(table, query)| RowCheck {
        table,
        query: query.to_owned(),
    })
    .collect();
    for part in PARTS {
        checks.push(RowCheck {
            table: part,
            query: format!(
                "SELECT p.visitor_id || ' ' || p.conversation_id || ' ' || p.message_id AS key, \
                 'its row in messages is missing' AS what FROM {part} p WHERE NOT EXISTS (SELECT 1 FROM messages m \
                 WHERE m.visitor_id = p.visitor_id AND m.conversation_id = p.conversation_id AND m.id = p.message_id)"
            ),
        });
    }
    checks
}

/// A rule about the texts of a column.
struct JsonCheck {
    /// Counts those that break it, or fails: each node of a cluster looks through what it has.
    count: String,
    /// Tells which do. Only this node has the function that says so: it gets all texts of the column.
    breaches: RowCheck,
}

fn json_checks() -> Vec<JsonCheck> {
    let mut checks = Vec::new();
    for (table, columns) in JSON_COLUMNS {
        let key = match table {
            "conversations" => "visitor_id || ' ' || id",
            "messages" => "visitor_id || ' ' || conversation_id || ' ' || id",
            _ => "visitor_id || ' ' || conversation_id || ' ' || message_id",
        };
        for column in columns {
            let is_extra = *column == "extra";
            let (must, other) = match is_extra {
                true => ("a JSON object", "<> 'object'"),
                false => ("JSON", "= ''"),
            };
            checks.push(JsonCheck {
                count: format!(
                    "SELECT count(*) FROM {table} WHERE json_typeof({column}::json) {other}"
                ),
                breaches: RowCheck {
                    table,
                    query: format!(
                        "SELECT {key} AS key, '{column} is not {must}' AS what \
                         FROM (SELECT * FROM {table} WHERE {column} IS NOT NULL OFFSET 0) given \
                         WHERE NOT pg_temp.convosync_is_json({column}, {is_extra})"
                    ),
                },
            });
        }
    }
    checks
}
