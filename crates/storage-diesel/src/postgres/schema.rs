//! The tables as PostgreSQL has them: the structs of rows as they are read, and rows as they are
//! written.

use diesel::QueryResult;
use diesel::deserialize::{self, FromSqlRow};
use diesel::pg::Pg;
use diesel::row::Row;
use diesel::sql_types::{Array, BigInt, Bool, Double, Integer, Nullable, Text};
use uuid::Uuid;

use convosync_domain::api_key::{ApiKeyName, Scopes, SecretHash};
use convosync_domain::conversation::Conversation;
use convosync_domain::message::{MessageFields, MessageOutput, MessageRequest, MessageResponse};
use convosync_domain::patch::Extra;
use convosync_domain::posted::Digest;
use convosync_domain::stored::{ConversationHistory, MessageHistory};
use convosync_domain::timestamp::Timestamp;

use super::json_rows::JsonRow;
use super::statements::{BindList, ColumnType, ColumnsOfRows, WholeRow};
use crate::tables::for_every_table;
use crate::tables::postgres::{table_to_read, table_to_write};
use crate::tables::read_row::{ReadRow, RowKey, RowReader, read_row};
use crate::types::sql::{
    ChangeNumber, ClientId, DigestBytes, ExtraObject, HashBytes, Instant, JsonText, KeyName,
    ScopeWords, UuidBytes,
};

/// A table of PostgreSQL: the common columns after its keys, which begin with the visitor.
macro_rules! postgres_table {
    ($(#[$doc:meta])* store as $row:ident { $($columns:tt)* }) => {
        table_to_read! { $(#[$doc])* store as $row { id: i64 as BigInt; $($columns)* } }
    };
    ($(#[$doc:meta])* api_keys as $row:ident { $($columns:tt)* }) => {
        table_to_read! { $(#[$doc])* api_keys as $row { id: i64 as BigInt; $($columns)* } }
    };
    ($(#[$doc:meta])* visitors as $row:ident { $($columns:tt)* }) => {
        table_to_read! { $(#[$doc])* visitors as $row { id: Uuid as UuidBytes; $($columns)* } }
    };
    ($(#[$doc:meta])* visitor_tombstones as $row:ident { $($columns:tt)* }) => {
        table_to_read! {
            $(#[$doc])* visitor_tombstones as $row { visitor_id: Uuid as UuidBytes; $($columns)* }
        }
    };
    ($(#[$doc:meta])* conversations as $row:ident { $($columns:tt)* }) => {
        table_to_write! { $(#[$doc])* conversations as $row { [] id; $($columns)* } }
    };
    ($(#[$doc:meta])* messages as $row:ident { $($columns:tt)* }) => {
        table_to_write! { $(#[$doc])* messages as $row { [conversation_id] id; $($columns)* } }
    };
    // A part has the key of its message.
    ($(#[$doc:meta])* $part:ident as $row:ident { $($columns:tt)* }) => {
        table_to_write! { $(#[$doc])* $part as $row { [conversation_id] message_id; $($columns)* } }
    };
}

for_every_table!(postgres_table);

table_to_read! {
    /// What is asked of a visitor.
    visitors as VisitorHeadRow {
        id: Uuid as UuidBytes;
        row { change_counter: u64 as ChangeNumber, latest_write: Uuid as UuidBytes, }
    }
}

table_to_read! {
    /// How much a visitor has.
    visitors as VisitorUsageRow {
        id: Uuid as UuidBytes;
        row {
            change_counter: u64 as ChangeNumber,
            living_conversations: u64 as ChangeNumber,
            content_bytes: u64 as ChangeNumber,
        }
    }
}

table_to_read! {
    /// What the walk of a visitor's changes needs of each conversation.
    conversations as ConversationChangeRow {
        id: Uuid as UuidBytes;
        row {
            change_number: u64 as ChangeNumber,
            latest_change: u64 as ChangeNumber,
            content_bytes: i64 as BigInt,
        }
    }
}

table_to_read! {
    /// What a page of changes is chosen by.
    messages as MessageChangeRow {
        id: Uuid as UuidBytes;
        row {
            conversation_id: Uuid as UuidBytes,
            change_number: u64 as ChangeNumber,
            content_bytes: i64 as BigInt,
        }
    }
}

table_to_read! {
    /// What a page of a conversation is chosen by.
    messages as LivingMessageRow {
        id: Uuid as UuidBytes;
        row { timestamp: Option<Timestamp> as Nullable<Instant>, content_bytes: i64 as BigInt, }
    }
}

#[cfg(test)]
mod tests {
    use convosync_test_postgres::TestServer;
    use diesel::dsl::sql;
    use diesel::prelude::*;

    use super::*;
    use crate::postgres::{PostgresOptions, PostgresStore};
    use crate::tables::compare_columns::{Columns, assert_same};

    fn written<C: ColumnsOfRows>(declared: &mut Columns) {
        declared.add(C::TABLE, ["visitor_id"]);
        declared.add(C::TABLE, C::KEY.iter().chain(C::REST).copied());
    }

    #[test]
    fn the_columns_are_those_of_the_migrations() {
        let mut declared = Columns::default();
        declared.add(StoreRow::TABLE, StoreRow::COLUMNS.iter().copied());
        declared.add(ApiKeyRow::TABLE, ApiKeyRow::COLUMNS.iter().copied());
        let of_visitors = VisitorRow::COLUMNS.iter().chain(VisitorHeadRow::COLUMNS);
        declared.add(VisitorRow::TABLE, of_visitors.copied());
        let of_tombstones = VisitorTombstoneRow::COLUMNS.iter();
        declared.add(VisitorTombstoneRow::TABLE, of_tombstones.copied());
        written::<conversations::Columns>(&mut declared);
        written::<messages::Columns>(&mut declared);
        written::<message_requests::Columns>(&mut declared);
        written::<message_responses::Columns>(&mut declared);
        written::<message_outputs::Columns>(&mut declared);

        let database = TestServer::shared().new_database();
        PostgresStore::migrate(&PostgresOptions::at(database.url())).unwrap();
        let mut connection = PgConnection::establish(&database.url()).unwrap();
        let columns = sql::<(Text, Text)>(
            "SELECT table_name::text, column_name::text FROM information_schema.columns \
             WHERE table_schema = current_schema() AND table_name <> '__diesel_schema_migrations'",
        );
        let columns: Vec<(String, String)> = columns.load(&mut connection).unwrap();
        let mut migrated = Columns::default();
        for (table, column) in &columns {
            migrated.add(table, [column.as_str()]);
        }
        assert_same(&declared, &migrated);
    }

    /// Whoever adds a column of text has to say so in its migration: what is erased would live on there.
    #[test]
    fn the_statistics_hold_no_text_of_visitors() {
        let database = TestServer::shared().new_database();
        PostgresStore::migrate(&PostgresOptions::at(database.url())).unwrap();
        let with_statistics = database.value(
            "SELECT coalesce(string_agg(attrelid::regclass || '.' || attname, ' '), '')
             FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
             WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r'
             AND atttypid = 'text'::regtype AND attstattarget IS DISTINCT FROM 0
             AND relname NOT IN ('api_keys', '__diesel_schema_migrations')",
        );
        assert_eq!(with_statistics, "");
    }
}
