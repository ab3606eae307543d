//! Looks through a store for what cannot be so, beside whoever uses it.

use std::path::Path;
use std::time::Duration;

use super::error::FileError;
use super::{Stop, StoreFile};
use crate::checks::{CheckReport, FINDINGS_MAX, Finding, JSON_COLUMNS, RowCheck};

/// Looks through the store in this file, as it is at one moment, and changes nothing. It reads the whole of it.
///
/// # Errors
/// [`FileError`] when it is no store that can be read.
pub fn check(path: &Path, busy_timeout: Duration) -> Result<CheckReport, FileError> {
    let file = StoreFile::open(path, busy_timeout, &Stop::default())?;
    let begun = file
        .connection
        .execute_batch("PRAGMA query_only = ON; BEGIN");
    begun.map_err(|error| file.unread(error))?;
    let is_current = file.verify_schema()?;
    let mut report = CheckReport::default();
    let damage = file.damage(&format!("PRAGMA integrity_check({FINDINGS_MAX})"))?;
    report
        .findings
        .extend(damage.into_iter().map(|what| Finding {
            table: "file",
            key: String::new(),
            what,
        }));
    let orphans = "SELECT \"table\", rowid, parent FROM pragma_foreign_key_check LIMIT 100";
    let orphans = file.rows(orphans, |row| {
        let (table, key, parent): (String, i64, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let table = JSON_COLUMNS.iter().find(|(known, _)| *known == table);
        Ok(Finding {
            table: table.map_or("row", |(known, _)| known),
            key: key.to_string(),
            what: format!("its row in {parent} is missing"),
        })
    });
    report.findings.extend(orphans?);
    if !is_current {
        let path = path.display();
        report.notes.push(format!(
            "the rows of {path} were not compared: its schema is of an earlier version, and `convosync migrate` or \
             `convosync restore` brings it to this one's"
        ));
        return Ok(report);
    }
    for RowCheck { table, query } in row_checks() {
        let found = file.rows(&format!("{query} LIMIT {FINDINGS_MAX}"), |row| {
            Ok(Finding {
                table,
                key: row.get(0)?,
                what: row.get(1)?,
            })
        });
        report.findings.extend(found?);
    }
    Ok(report)
}

/// The rules about rows beside those that the schema has.
fn row_checks() -> Vec<RowCheck> {
    let mut checks: Vec<_> = [
        (
            "conversations",
            "SELECT c.id || '', 'latest_change is ' || c.latest_change || ', and the highest change number of it and \
             its messages ' || c.highest FROM (SELECT id, latest_change, max(change_number, ifnull((SELECT \
             max(m.change_number) FROM messages m WHERE m.conversation = conversations.id), 0)) AS highest \
             FROM conversations) c WHERE c.latest_change <> c.highest",
        ),
        (
            "visitors",
            "SELECT lower(hex(v.key)), 'change_counter is ' || v.change_counter || ', and a change has the number ' || \
             c.highest FROM visitors v JOIN (SELECT c.visitor, max(max(c.change_number, c.latest_change, ifnull(\
             (SELECT max(m.change_number) FROM messages m WHERE m.conversation = c.id), 0))) AS highest \
             FROM conversations c GROUP BY c.visitor) c ON c.visitor = v.id WHERE v.change_counter < c.highest",
        ),
        (
            "visitors",
            "SELECT lower(hex(v.key)), 'living_conversations is ' || v.living_conversations || ', and ' || v.found || \
             ' live' FROM (SELECT *, (SELECT count(*) FROM conversations c WHERE c.visitor = visitors.id AND \
             c.content_bytes > 0) AS found FROM visitors) v WHERE v.living_conversations <> v.found",
        ),
        // By what the rows say of their sizes: those of an earlier schema were measured in another way.
        (
            "visitors",
            "SELECT lower(hex(v.key)), 'content_bytes is ' || v.content_bytes || ', and that of its rows together ' || \
             v.found FROM (SELECT *, (SELECT ifnull(sum(c.content_bytes + ifnull((SELECT sum(m.content_bytes) FROM \
             messages m WHERE m.conversation = c.id), 0)), 0) FROM conversations c WHERE c.visitor = visitors.id) \
             AS found FROM visitors) v WHERE v.content_bytes <> v.found",
        ),
        (
            "visitors",
            "SELECT lower(hex(v.key)), 'is there, though a tombstone says that it is gone' \
             FROM visitors v JOIN visitor_tombstones t ON t.key = v.key",
        ),
        (
            "conversations",
            "SELECT id || '', 'is a tombstone and has content' FROM conversations WHERE content_bytes = 0 \
             AND (title IS NOT NULL OR extra IS NOT NULL)",
        ),
        (
            "messages",
            "SELECT m.id || '', 'is a tombstone and has content' FROM messages m WHERE m.content_bytes = 0 AND (\
             m.digest IS NOT NULL OR m.img IS NOT NULL OR m.metadata IS NOT NULL OR m.embedding IS NOT NULL \
             OR m.doc IS NOT NULL OR m.extra IS NOT NULL \
             OR EXISTS (SELECT 1 FROM message_requests p WHERE p.id = m.id) \
             OR EXISTS (SELECT 1 FROM message_responses p WHERE p.id = m.id) \
             OR EXISTS (SELECT 1 FROM message_outputs p WHERE p.id = m.id))",
        ),
        (
            "conversations",
            "SELECT id || '', 'content_bytes is ' || content_bytes FROM conversations WHERE content_bytes < 0",
        ),
        (
            "messages",
            "SELECT id || '', 'content_bytes is ' || content_bytes FROM messages WHERE content_bytes < 0",
        ),
    ]
    .into_iter()
    .map(|(table, query)| RowCheck {
        table,
        query: query.to_owned(),
    })
    .collect();
    for (table, columns) in JSON_COLUMNS {
        for column in columns {
            let (must, broken) = match *column {
                "extra" => (
                    "a JSON object",
                    "NOT json_valid(extra) OR json_type(extra) <> 'object'".to_owned(),
                ),
                column => ("JSON", format!("NOT json_valid(\"{column}\")")),
            };
            checks.push(RowCheck {
                table,
                query: format!(
                    "SELECT id || '', '{column} is not {must}' FROM {table} WHERE \"{column}\" IS NOT NULL AND ({broken})"
                ),
            });
        }
    }
    checks
}
