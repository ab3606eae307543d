//! The tables as SQLite has them: the schema that Diesel checks queries against, the structs of whole
//! rows and of parts of them, and how they are read and written.

use diesel::deserialize::{self, FromSqlRow};
use diesel::prelude::*;
use diesel::row::Row;
use diesel::sql_types::{BigInt, Bool, Double, Integer, Nullable, Text};
use diesel::sqlite::Sqlite;
use uuid::Uuid;

use convosync_domain::api_key::{ApiKeyName, Scopes, SecretHash};
use convosync_domain::conversation::Conversation;
use convosync_domain::message::{MessageFields, MessageOutput, MessageRequest, MessageResponse};
use convosync_domain::posted::Digest;
use convosync_domain::stored::{ConversationHistory, MessageHistory};
use convosync_domain::timestamp::Timestamp;

use super::statements::{BindList, StoredRow};
use crate::tables::for_every_table;
use crate::tables::read_row::{ReadRow, RowKey, RowReader, read_row};
use crate::tables::sqlite::{part_of_row, stored_table};
use crate::types::sql::{
    ChangeNumber, ClientId, DigestBytes, ExtraObject, HashBytes, Instant, JsonText, KeyName,
    ScopeWords, UuidBytes,
};

/// A table of SQLite: the common columns after its integer keys.
macro_rules! sqlite_table {
    ($(#[$doc:meta])* store as $row:ident { $($columns:tt)* }) => {
        stored_table! {
            $(#[$doc])* store as $row { key { id: i64 as BigInt, } $($columns)* }
        }
    };
    ($(#[$doc:meta])* api_keys as $row:ident { $($columns:tt)* }) => {
        stored_table! {
            $(#[$doc])* api_keys as $row { key { id: i64 as BigInt, } $($columns)* }
        }
    };
    ($(#[$doc:meta])* visitors as $row:ident { $($columns:tt)* }) => {
        stored_table! {
            $(#[$doc])* visitors as $row {
                key { id: i64 as BigInt, key: Uuid as UuidBytes, } $($columns)*
            }
        }
    };
    ($(#[$doc:meta])* visitor_tombstones as $row:ident { $($columns:tt)* }) => {
        stored_table! {
            $(#[$doc])* visitor_tombstones as $row {
                key { id: i64 as BigInt, key: Uuid as UuidBytes, } $($columns)*
            }
        }
    };
    ($(#[$doc:meta])* conversations as $row:ident { $($columns:tt)* }) => {
        stored_table! {
            $(#[$doc])* conversations as $row {
                key { id: i64 as BigInt, visitor: i64 as BigInt, uuid: Uuid as UuidBytes, }
                $($columns)*
            }
        }
    };
    ($(#[$doc:meta])* messages as $row:ident { $($columns:tt)* }) => {
        stored_table! {
            $(#[$doc])* messages as $row {
                key { id: i64 as BigInt, conversation: i64 as BigInt, uuid: Uuid as UuidBytes, }
                $($columns)*
            }
        }
    };
    // A part has the id of its message.
    ($(#[$doc:meta])* $part:ident as $row:ident { $($columns:tt)* }) => {
        stored_table! {
            $(#[$doc])* $part as $row { key { id: i64 as BigInt, } $($columns)* }
        }
    };
}

for_every_table!(sqlite_table);

diesel::allow_tables_to_appear_in_same_query!(
    messages,
    message_requests,
    message_responses,
    message_outputs,
);

part_of_row! {
    /// The columns that the list of a visitor's conversations needs.
    conversations as ConversationIdRow {
        id: i64 as BigInt,
        uuid: Uuid as UuidBytes,
        opaque_id: Option<String> as Nullable<Text>,
    }
}

part_of_row! {
    /// What the walk of a visitor's changes needs of each conversation.
    conversations as ConversationChangeRow {
        id: i64 as BigInt,
        uuid: Uuid as UuidBytes,
        change_number: u64 as ChangeNumber,
        latest_change: u64 as ChangeNumber,
        content_bytes: i64 as BigInt,
    }
}

/// The SQL types of a [`ConversationChangeRow`].
pub(super) type ConversationChange = (BigInt, UuidBytes, ChangeNumber, ChangeNumber, BigInt);

part_of_row! {
    /// What tells whether a posted message is the one that is stored.
    messages as MessageHeadRow {
        id: i64 as BigInt,
        uuid: Uuid as UuidBytes,
        content_bytes: i64 as BigInt,
        digest: Option<Digest> as Nullable<DigestBytes>,
    }
}

part_of_row! {
    /// What a page of changes is chosen by.
    messages as MessageChangeRow {
        id: i64 as BigInt,
        uuid: Uuid as UuidBytes,
        change_number: u64 as ChangeNumber,
        content_bytes: i64 as BigInt,
    }
}

part_of_row! {
    /// What a page of a conversation is chosen by.
    messages as LivingMessageRow {
        id: i64 as BigInt,
        uuid: Uuid as UuidBytes,
        timestamp: Option<Timestamp> as Nullable<Instant>,
        content_bytes: i64 as BigInt,
    }
}

part_of_row! {
    /// What is asked of a visitor.
    visitors as VisitorHeadRow {
        id: i64 as BigInt,
        change_counter: u64 as ChangeNumber,
    }
}

part_of_row! {
    /// What a write asks of a visitor.
    visitors as VisitorUsageRow {
        id: i64 as BigInt,
        change_counter: u64 as ChangeNumber,
        living_conversations: u64 as ChangeNumber,
        content_bytes: u64 as ChangeNumber,
    }
}

part_of_row! {
    /// What a write asks of a conversation that it replaces.
    conversations as ConversationSizeRow {
        id: i64 as BigInt,
        content_bytes: i64 as BigInt,
    }
}

part_of_row! {
    /// What a write asks of a message that it replaces.
    messages as MessageSizeRow {
        id: i64 as BigInt,
        content_bytes: i64 as BigInt,
    }
}

#[cfg(test)]
mod tests {
    use diesel::dsl::sql;
    use diesel::sql_types::Text;

    use super::*;
    use crate::sqlite::migrate::new_schema;
    use crate::tables::compare_columns::{Columns, assert_same};

    #[test]
    fn the_columns_are_those_of_the_migrations() {
        let mut declared = Columns::default();
        macro_rules! declare {
            ($($row:ident),+) => {$( declared.add($row::TABLE, $row::COLUMNS.iter().copied()); )+};
        }
        declare!(StoreRow, ApiKeyRow, VisitorRow, VisitorTombstoneRow);
        declare!(ConversationRow, MessageRow);
        declare!(RequestRow, ResponseRow, OutputRow);

        let mut migrated = Columns::default();
        let columns = sql::<(Text, Text)>(
            "SELECT t.name, c.name FROM sqlite_schema t, pragma_table_info(t.name) c \
             WHERE t.type = 'table' AND t.name <> '__diesel_schema_migrations'",
        );
        let columns: Vec<(String, String)> = columns.load(&mut new_schema()).unwrap();
        for (table, column) in &columns {
            migrated.add(table, [column.as_str()]);
        }
        assert_same(&declared, &migrated);
    }
}
