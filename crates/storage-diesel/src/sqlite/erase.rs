//! What an erasure does to the messages of a conversation, whether or not a post names them.

use std::marker::PhantomData;

use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::sql_types::BigInt;
use diesel::sqlite::Sqlite;

use convosync_domain::change_set::Erasure;

use super::schema::{OutputRow, RequestRow, ResponseRow};
use super::statements::{StoredRow, cached_by_type};
use crate::items::erased_through;
use crate::statements::statements;
use crate::tables::WITHOUT_CONTENT;
use crate::types::sql::ChangeNumber;

/// Erases messages of a conversation; those that change by it get the change number. Returns how many
/// bytes of content they had.
pub(super) fn erase(
    connection: &mut SqliteConnection,
    conversation: i64,
    erasure: Erasure,
    change_number: u64,
) -> QueryResult<i64> {
    let through = erased_through(erasure);
    let erased_bytes = ErasedBytes {
        conversation,
        through,
    };
    let erased_bytes = erased_bytes.get_result(connection)?;
    if erasure == Erasure::Everything {
        ForgetStamps { conversation }.execute(connection)?;
    }
    ErasePart::<RequestRow>::of(conversation, through).execute(connection)?;
    ErasePart::<ResponseRow>::of(conversation, through).execute(connection)?;
    ErasePart::<OutputRow>::of(conversation, through).execute(connection)?;
    let content = EraseContent {
        change_number,
        conversation,
        through,
    };
    content.execute(connection)?;
    Ok(erased_bytes)
}

statements! { Sqlite, SqliteConnection:
    /// How many bytes of content the living messages up to a stamp have.
    ErasedBytes -> BigInt =
        "SELECT ifnull(sum(content_bytes), 0) FROM messages WHERE conversation = "
            + conversation: i64 as BigInt,
        " AND content_bytes > 0 AND (stamp IS NULL OR stamp <= " + through: i64 as BigInt,
        ")";

    /// The living messages up to a stamp die.
    EraseContent =
        "UPDATE messages SET ", WITHOUT_CONTENT,
        ", change_number = " + change_number: u64 as ChangeNumber,
        " WHERE conversation = " + conversation: i64 as BigInt,
        " AND content_bytes > 0 AND (stamp IS NULL OR stamp <= " + through: i64 as BigInt,
        ")";

    /// The living messages forget their stamps.
    ForgetStamps =
        "UPDATE messages SET stamp = NULL WHERE conversation = " + conversation: i64 as BigInt,
        " AND content_bytes > 0 AND stamp IS NOT NULL";
}

/// The living messages up to a stamp lose one of their parts.
struct ErasePart<R> {
    conversation: i64,
    through: i64,
    part: PhantomData<fn(R)>,
}

impl<R> ErasePart<R> {
    fn of(conversation: i64, through: i64) -> Self {
        Self {
            conversation,
            through,
            part: PhantomData,
        }
    }
}

impl<R: StoredRow> QueryFragment<Sqlite> for ErasePart<R> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql("DELETE FROM ");
        out.push_sql(R::TABLE);
        out.push_sql(" WHERE id IN (SELECT id FROM messages WHERE conversation = ");
        out.push_bind_param::<BigInt, _>(&self.conversation)?;
        out.push_sql(" AND content_bytes > 0 AND (stamp IS NULL OR stamp <= ");
        out.push_bind_param::<BigInt, _>(&self.through)?;
        out.push_sql("))");
        Ok(())
    }
}

cached_by_type!(ErasePart<R> as Self;);

#[cfg(test)]
mod tests {
    use diesel::connection::SimpleConnection;
    use diesel::dsl::sql;
    use diesel::sql_types::Bool;

    use super::*;
    use crate::sqlite::migrate::new_schema;
    use crate::sqlite::schema::MessageRow;

    /// Whoever adds a column to the messages has to say what an erasure does to it.
    #[test]
    fn of_an_erased_message_nothing_stays_but_its_history() {
        let mut connection = new_schema();
        let columns = [MessageRow::OFTEN, MessageRow::SELDOM].concat();
        let columns = columns.trim_start_matches(", ");
        let value = |column| if column == "digest" { "x'01'" } else { "1" };
        let values: Vec<_> = columns.split(", ").map(value).collect();
        connection
            .batch_execute(&format!(
                "PRAGMA foreign_keys = OFF;
                 INSERT INTO messages (id, conversation, uuid, {columns})
                 VALUES (1, 1, x'00', {});",
                values.join(", ")
            ))
            .unwrap();
        let erased_bytes = erase(&mut connection, 1, Erasure::Everything, 7).unwrap();
        assert_eq!(erased_bytes, 1);

        let is = |connection: &mut SqliteConnection, condition: &str| -> bool {
            let row = format!("(SELECT {condition} FROM messages)");
            diesel::select(sql::<Bool>(&row))
                .get_result(connection)
                .unwrap()
        };
        for column in columns.split(", ") {
            let expected = match column {
                "change_number" => "change_number = 7".to_owned(),
                "content_bytes" => "content_bytes = 0".to_owned(),
                "opaque_id" | "own_stamp" | "future_stamp" | "deleted_at" => {
                    format!("{column} = 1")
                }
                _ => format!("{column} IS NULL"),
            };
            assert!(is(&mut connection, &expected), "{expected}");
        }
    }
}
