//! Rows of the tables, read column by column, so that what cannot be read is named.

use diesel::deserialize::{self, FromSql};
use diesel::result::UnexpectedNullError;
use diesel::row::Row;
use diesel::sql_types::{BigInt, Nullable};
use diesel::sqlite::Sqlite;

/// Some or all columns of a table, the row's id first.
pub(super) trait ReadRow: Sized {
    const TABLE: &'static str;
    /// How many columns.
    const WIDTH: usize;

    fn read<'a>(columns: &mut RowReader<'_, impl Row<'a, Sqlite>>) -> deserialize::Result<Self>;
}

/// The columns of a row that are not read yet.
pub(super) struct RowReader<'r, R> {
    row: &'r R,
    next: usize,
    table: &'static str,
    key: i64,
}

/// A column holds what this crate cannot have written.
#[derive(Debug, thiserror::Error)]
#[error("{table} holds an invalid {column} at {key}")]
pub(super) struct CorruptColumn {
    pub(super) table: &'static str,
    pub(super) column: &'static str,
    pub(super) key: i64,
    source: Box<dyn std::error::Error + Send + Sync>,
}

impl<'r, 'a, R: Row<'a, Sqlite>> RowReader<'r, R> {
    pub(super) fn of(row: &'r R) -> Self {
        Self {
            row,
            next: 0,
            table: "",
            key: 0,
        }
    }

    /// The next row of the join, `None` if the join found none there.
    pub(super) fn optional_row<T: ReadRow>(&mut self) -> deserialize::Result<Option<T>> {
        let Some(key) = self.row.get_value::<Nullable<BigInt>, _, _>(self.next)? else {
            self.next += T::WIDTH;
            return Ok(None);
        };
        self.key = key;
        self.table = T::TABLE;
        T::read(self).map(Some)
    }

    pub(super) fn row<T: ReadRow>(&mut self) -> deserialize::Result<T> {
        let row = self.optional_row()?;
        row.ok_or_else(|| Box::new(UnexpectedNullError).into())
    }

    /// The next column of the row.
    pub(super) fn next<ST, T: FromSql<ST, Sqlite>>(
        &mut self,
        column: &'static str,
    ) -> deserialize::Result<T> {
        let value = self.row.get_value::<ST, T, _>(self.next);
        self.next += 1;
        value.map_err(|source| {
            let corrupt = CorruptColumn {
                table: self.table,
                column,
                key: self.key,
                source,
            };
            corrupt.into()
        })
    }
}

#[cfg(test)]
mod tests {
    use diesel::connection::SimpleConnection;
    use diesel::dsl::sql;
    use diesel::prelude::*;
    use diesel::sql_types::Text;

    use convosync_domain::fields::PartId;
    use convosync_domain::json::JsonValue;
    use convosync_domain::message::{MessageOutput, MessageRequest};
    use convosync_domain::patch::Extra;

    use super::*;
    use crate::sqlite::migrate::new_schema;
    use crate::sqlite::schema::{OutputRow, RequestRow, message_outputs, message_requests};
    use crate::sqlite::statements::Insert;

    fn without_messages() -> SqliteConnection {
        let mut connection = new_schema();
        connection
            .batch_execute("PRAGMA foreign_keys = OFF")
            .unwrap();
        connection
    }

    fn stored(connection: &mut SqliteConnection, what: &str) -> Option<String> {
        let value = format!("(SELECT {what})");
        diesel::select(sql::<Nullable<Text>>(&value))
            .get_result(connection)
            .unwrap()
    }

    #[test]
    fn the_id_of_a_part_is_json_text() {
        let mut connection = without_messages();
        for (id, client_id, text) in [
            (1, None, None),
            (
                2,
                Some(PartId::Number(i64::MIN)),
                Some("-9223372036854775808"),
            ),
            (3, Some(PartId::Text("1".to_owned())), Some("\"1\"")),
            (
                4,
                Some(PartId::Text("a\"\\\n".to_owned())),
                Some(r#""a\"\\\u000a""#),
            ),
        ] {
            let request = MessageRequest {
                id: client_id,
                ..MessageRequest::default()
            };
            let row = RequestRow { id, request };
            Insert(row.clone()).execute(&mut connection).unwrap();
            let column = format!("client_id FROM message_requests WHERE id = {id}");
            assert_eq!(stored(&mut connection, &column).as_deref(), text);
            let read: RequestRow = message_requests::table
                .find(id)
                .get_result(&mut connection)
                .unwrap();
            assert_eq!(read, row);
        }
    }

    #[test]
    fn unknown_fields_are_one_json_object_or_null() {
        let mut connection = without_messages();
        let digits = JsonValue::parse("0.1000000000000000055").unwrap();
        for (id, extra, text) in [
            (1, Extra::new(), None),
            (
                2,
                Extra::from([("b".to_owned(), digits.clone()), ("a".to_owned(), digits)]),
                Some(r#"{"a":0.1000000000000000055,"b":0.1000000000000000055}"#),
            ),
        ] {
            let output = MessageOutput {
                extra,
                ..MessageOutput::default()
            };
            let row = OutputRow { id, output };
            Insert(row.clone()).execute(&mut connection).unwrap();
            let column = format!("extra FROM message_outputs WHERE id = {id}");
            assert_eq!(stored(&mut connection, &column).as_deref(), text);
            let read: OutputRow = message_outputs::table
                .find(id)
                .get_result(&mut connection)
                .unwrap();
            assert_eq!(read, row);
        }
    }

    #[test]
    fn a_column_that_cannot_be_read_is_named() {
        let mut connection = without_messages();
        for (row, column) in [
            ("client_id) VALUES (7, 'x'", "client_id"),
            ("client_id) VALUES (7, '\"\"'", "client_id"),
            ("request_stop) VALUES (7, '[1,'", "request_stop"),
            (
                "request_model) VALUES (7, CAST(x'ff' AS TEXT)",
                "request_model",
            ),
            ("extra) VALUES (7, '[]'", "extra"),
        ] {
            connection
                .batch_execute(&format!(
                    "DELETE FROM message_requests; INSERT INTO message_requests (id, {row})"
                ))
                .unwrap();
            let read = message_requests::table.get_result::<RequestRow>(&mut connection);
            let Err(diesel::result::Error::DeserializationError(error)) = read else {
                panic!("{column} was read: {read:?}");
            };
            let corrupt: &CorruptColumn = error.downcast_ref().unwrap();
            assert_eq!(
                (corrupt.table, corrupt.column, corrupt.key),
                ("message_requests", column, 7)
            );
        }
    }
}
