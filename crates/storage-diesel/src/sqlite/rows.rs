//! Rows of the tables, read and written column by column.
//!
//! The writes are query fragments with a static id, so that Diesel prepares each once and then
//! finds it by its type: its own inserts build their text anew every time, and its updates are
//! never cached.

use std::marker::PhantomData;

use diesel::deserialize::{self, FromSql};
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::result::UnexpectedNullError;
use diesel::row::Row;
use diesel::serialize::ToSql;
use diesel::sql_types::{BigInt, HasSqlType, Nullable};
use diesel::sqlite::Sqlite;

/// Some or all columns of a table, the row's id first.
pub(super) trait ReadRow: Sized {
    const TABLE: &'static str;
    /// How many columns.
    const WIDTH: usize;

    fn read<'a>(columns: &mut RowReader<'_, impl Row<'a, Sqlite>>) -> deserialize::Result<Self>;
}

/// A whole row, in the order of its declaration.
pub(super) trait StoredRow: ReadRow + 'static {
    /// The names of the columns that never change, each after a comma.
    const KEY: &'static str;
    /// The names of the other columns, likewise.
    const REST: &'static str;

    fn id(&self) -> &i64;
    fn bind_key<'b>(&'b self, list: &mut List<'_, '_, 'b>) -> QueryResult<()>;
    fn bind_rest<'b>(&'b self, list: &mut List<'_, '_, 'b>) -> QueryResult<()>;
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

/// A list of values to bind, with commas between them.
pub(super) struct List<'l, 'a, 'b> {
    out: &'l mut AstPass<'a, 'b, Sqlite>,
    separator: &'static str,
}

impl<'b> List<'_, '_, 'b> {
    pub(super) fn bind<ST, T>(&mut self, value: &'b T) -> QueryResult<()>
    where
        Sqlite: HasSqlType<ST>,
        T: ToSql<ST, Sqlite>,
    {
        self.out.push_sql(self.separator);
        self.separator = ", ";
        self.out.push_bind_param::<ST, T>(value)
    }
}

fn push_list<'b>(
    out: &mut AstPass<'_, 'b, Sqlite>,
    bind: impl FnOnce(&mut List<'_, '_, 'b>) -> QueryResult<()>,
) -> QueryResult<()> {
    out.push_sql("(");
    bind(&mut List { out, separator: "" })?;
    out.push_sql(")");
    Ok(())
}

/// A list of names without the comma before the first.
fn names(after_commas: &'static str) -> &'static str {
    after_commas.trim_start_matches(", ")
}

/// Inserts the row.
pub(super) struct Insert<R>(pub(super) R);

/// Updates the row of this id: every column but the key.
pub(super) struct Update<R>(pub(super) R);

/// Deletes the row of this id, if there is one.
pub(super) struct Delete<R> {
    id: i64,
    row: PhantomData<fn(R)>,
}

impl<R> Delete<R> {
    pub(super) fn by_id(id: i64) -> Self {
        Self {
            id,
            row: PhantomData,
        }
    }
}

impl<R: StoredRow> QueryFragment<Sqlite> for Insert<R> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql("INSERT INTO ");
        out.push_sql(R::TABLE);
        out.push_sql("(");
        out.push_sql(names(R::KEY));
        out.push_sql(R::REST);
        out.push_sql(") VALUES ");
        push_list(&mut out, |list| {
            self.0.bind_key(list)?;
            self.0.bind_rest(list)
        })
    }
}

impl<R: StoredRow> QueryFragment<Sqlite> for Update<R> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql("UPDATE ");
        out.push_sql(R::TABLE);
        out.push_sql(" SET (");
        out.push_sql(names(R::REST));
        out.push_sql(") = ");
        push_list(&mut out, |list| self.0.bind_rest(list))?;
        out.push_sql(" WHERE id = ");
        out.push_bind_param::<BigInt, _>(self.0.id())
    }
}

impl<R: StoredRow> QueryFragment<Sqlite> for Delete<R> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql("DELETE FROM ");
        out.push_sql(R::TABLE);
        out.push_sql(" WHERE id = ");
        out.push_bind_param::<BigInt, _>(&self.id)
    }
}

/// Lets statements about a kind of row be prepared once each.
macro_rules! cached_by_type {
    ($($statement:ident),*) => { $(
        impl<R: 'static> diesel::query_builder::QueryId for $statement<R> {
            type QueryId = Self;
            const HAS_STATIC_QUERY_ID: bool = true;
        }

        impl<R> RunQueryDsl<SqliteConnection> for $statement<R> {}
    )* };
}

cached_by_type!(Insert, Update, Delete);

/// Declares statements with their parameters, prepared once each.
macro_rules! statements {
    ($(
        $(#[$doc:meta])*
        $name:ident = $( $sql:literal $( + $parameter:ident: $type:ty as $sql_type:ty )? ),+;
    )+) => { $(
        $(#[$doc])*
        pub(super) struct $name {
            $( $( pub(super) $parameter: $type, )? )+
        }

        impl diesel::query_builder::QueryFragment<diesel::sqlite::Sqlite> for $name {
            fn walk_ast<'b>(
                &'b self,
                mut out: diesel::query_builder::AstPass<'_, 'b, diesel::sqlite::Sqlite>,
            ) -> QueryResult<()> {
                $(
                    out.push_sql($sql);
                    $( out.push_bind_param::<$sql_type, _>(&self.$parameter)?; )?
                )+
                Ok(())
            }
        }

        impl diesel::query_builder::QueryId for $name {
            type QueryId = Self;
            const HAS_STATIC_QUERY_ID: bool = true;
        }

        impl RunQueryDsl<SqliteConnection> for $name {}
    )+ };
}

pub(super) use cached_by_type;
pub(super) use statements;

#[cfg(test)]
mod tests {
    use diesel::connection::SimpleConnection;
    use diesel::dsl::sql;
    use diesel::sql_types::Text;

    use convosync_domain::fields::PartId;
    use convosync_domain::json::JsonValue;
    use convosync_domain::message::{MessageOutput, MessageRequest};
    use convosync_domain::patch::Extra;

    use super::*;
    use crate::sqlite::migrate::new_schema;
    use crate::sqlite::schema::{OutputRow, RequestRow, message_outputs, message_requests};

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

    fn shown(query: &impl QueryFragment<Sqlite>) -> String {
        let shown = diesel::debug_query::<Sqlite, _>(query).to_string();
        shown.split(" -- ").next().unwrap().to_owned()
    }

    /// The text of every write, so that a change of it shows.
    #[test]
    fn the_writes_are_plain_statements() {
        let row = OutputRow {
            id: 1,
            output: MessageOutput::default(),
        };
        assert_eq!(
            shown(&Insert(row.clone())),
            "INSERT INTO message_outputs(id, client_id, output_type, output_id, output_status, \
             output_role, output_content_type, output_content_text, output_content_annotations, \
             extra) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        );
        assert_eq!(
            shown(&Update(row)),
            "UPDATE message_outputs SET (client_id, output_type, output_id, output_status, \
             output_role, output_content_type, output_content_text, output_content_annotations, \
             extra) = (?, ?, ?, ?, ?, ?, ?, ?, ?) WHERE id = ?"
        );
        assert_eq!(
            shown(&Delete::<OutputRow>::by_id(1)),
            "DELETE FROM message_outputs WHERE id = ?"
        );
    }
}
