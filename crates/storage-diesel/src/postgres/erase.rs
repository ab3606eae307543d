//! What an erasure does to the messages of a conversation, whether or not a post names them.

use std::marker::PhantomData;

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Bool};
use uuid::Uuid;

use convosync_domain::change_set::Erasure;

use super::schema::{message_outputs, message_requests, message_responses};
use super::statements::ColumnsOfRows;
use crate::items::erased_through;
use crate::statements::statements;
use crate::tables::WITHOUT_CONTENT;
use crate::types::sql::{ChangeNumber, UuidBytes};

/// Erases messages of a conversation; those that change by it get the change number.
pub(super) fn erase(
    connection: &mut PgConnection,
    visitor: Uuid,
    conversation: Uuid,
    erasure: Erasure,
    change_number: u64,
) -> QueryResult<()> {
    let through = erased_through(erasure);
    ErasePart::<message_requests::Columns>::of(visitor, conversation, through)
        .execute(connection)?;
    ErasePart::<message_responses::Columns>::of(visitor, conversation, through)
        .execute(connection)?;
    ErasePart::<message_outputs::Columns>::of(visitor, conversation, through)
        .execute(connection)?;
    EraseContent {
        forget_stamps: erasure == Erasure::Everything,
        change_number,
        visitor,
        conversation,
        through,
    }
    .execute(connection)?;
    Ok(())
}

statements! { Pg, PgConnection:
    /// The living messages up to a stamp die, and forget their stamps where all do.
    EraseContent =
        "UPDATE messages SET ", WITHOUT_CONTENT,
        ", stamp = CASE WHEN " + forget_stamps: bool as Bool,
        " THEN NULL ELSE stamp END",
        ", change_number = " + change_number: u64 as ChangeNumber,
        " WHERE visitor_id = " + visitor: Uuid as UuidBytes,
        " AND conversation_id = " + conversation: Uuid as UuidBytes,
        " AND content_bytes > 0 AND (stamp IS NULL OR stamp <= " + through: i64 as BigInt,
        ")";
}

/// The living messages up to a stamp lose one of their parts.
struct ErasePart<C> {
    visitor: Uuid,
    conversation: Uuid,
    through: i64,
    part: PhantomData<fn(C)>,
}

impl<C> ErasePart<C> {
    fn of(visitor: Uuid, conversation: Uuid, through: i64) -> Self {
        Self {
            visitor,
            conversation,
            through,
            part: PhantomData,
        }
    }
}

impl<C: ColumnsOfRows> QueryFragment<Pg> for ErasePart<C> {
    /// (Through an array the parts are looked up by key, whatever the planner thinks.)
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("DELETE FROM ");
        out.push_sql(C::TABLE);
        out.push_sql(" WHERE visitor_id = ");
        out.push_bind_param::<UuidBytes, _>(&self.visitor)?;
        out.push_sql(" AND conversation_id = ");
        out.push_bind_param::<UuidBytes, _>(&self.conversation)?;
        out.push_sql(" AND message_id = ANY(ARRAY(SELECT id FROM messages WHERE visitor_id = ");
        out.push_bind_param::<UuidBytes, _>(&self.visitor)?;
        out.push_sql(" AND conversation_id = ");
        out.push_bind_param::<UuidBytes, _>(&self.conversation)?;
        out.push_sql(" AND content_bytes > 0 AND (stamp IS NULL OR stamp <= ");
        out.push_bind_param::<BigInt, _>(&self.through)?;
        out.push_sql(")))");
        Ok(())
    }
}

impl<C: 'static> QueryId for ErasePart<C> {
    type QueryId = Self;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl<C> RunQueryDsl<PgConnection> for ErasePart<C> {}

#[cfg(test)]
mod tests {
    use convosync_test_postgres::TestServer;

    use super::*;
    use crate::postgres::migrate::migrate;
    use crate::postgres::schema::messages;

    /// Whoever adds a column to the messages has to say what an erasure does to it.
    #[test]
    fn of_an_erased_message_nothing_stays_but_its_history() {
        let database = TestServer::shared().new_database();
        let mut connection = database.connect();
        migrate(&mut connection).unwrap();
        let columns = messages::Columns::REST;
        let values = columns.iter().map(|column| match *column {
            "vote" => "true",
            "opaque_id" | "digest" | "img" | "metadata" | "embedding" | "doc" | "extra" => "'1'",
            _ => "1",
        });
        let visitor = Uuid::nil();
        database.execute(&format!(
            "SET session_replication_role = replica; -- without foreign keys
             INSERT INTO messages (visitor_id, conversation_id, id, {})
             VALUES ('{visitor}', '{visitor}', '{visitor}', {});",
            columns.join(", "),
            values.collect::<Vec<_>>().join(", ")
        ));
        erase(&mut connection, visitor, visitor, Erasure::Everything, 7).unwrap();
        for column in columns {
            let expected = match *column {
                "change_number" => "change_number = 7".to_owned(),
                "content_bytes" => "content_bytes = 0".to_owned(),
                "opaque_id" | "own_stamp" | "future_stamp" | "deleted_at" => {
                    format!("{column}::text = '1'")
                }
                _ => format!("{column} IS NULL"),
            };
            let holds = database.value(&format!("SELECT {expected} FROM messages"));
            assert_eq!(holds, "true", "{expected}");
        }
    }
}
