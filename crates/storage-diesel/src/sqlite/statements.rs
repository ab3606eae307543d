//! Writes: query fragments with a static id, so that Diesel prepares each once and then finds it by
//! its type. Its own inserts build their text anew every time, and its updates are never cached.

use std::marker::PhantomData;

use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::serialize::ToSql;
use diesel::sql_types::{BigInt, HasSqlType};
use diesel::sqlite::Sqlite;

use crate::tables::read_row::ReadRow;

/// A whole row, in the order of its declaration.
pub(super) trait StoredRow: ReadRow<Sqlite> + 'static {
    /// The names of the columns that never change, each after a comma.
    const KEY: &'static str;
    /// The names of the other columns that most rows use, likewise.
    const OFTEN: &'static str;
    /// The names of the columns that few rows use, likewise.
    const SELDOM: &'static str;

    fn id(&self) -> &i64;
    /// Whether a column holds something that few rows use.
    fn has_seldom(&self) -> bool;
    fn bind_key<'b>(&'b self, list: &mut BindList<'_, '_, 'b>) -> QueryResult<()>;
    fn bind_often<'b>(&'b self, list: &mut BindList<'_, '_, 'b>) -> QueryResult<()>;
    fn bind_seldom<'b>(&'b self, list: &mut BindList<'_, '_, 'b>) -> QueryResult<()>;
}

/// A list of values to bind, with commas between them.
pub(super) struct BindList<'l, 'a, 'b> {
    out: &'l mut AstPass<'a, 'b, Sqlite>,
    separator: &'static str,
}

impl<'b> BindList<'_, '_, 'b> {
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
    bind: impl FnOnce(&mut BindList<'_, '_, 'b>) -> QueryResult<()>,
) -> QueryResult<()> {
    out.push_sql("(");
    bind(&mut BindList { out, separator: "" })?;
    out.push_sql(")");
    Ok(())
}

/// Inserts the row. Binding its columns is what takes the most time beside SQLite's own work, so a row
/// that has nothing in the seldom used ones is inserted without them.
pub(super) fn insert<R: StoredRow>(row: &R, connection: &mut SqliteConnection) -> QueryResult<()> {
    let inserted = if row.has_seldom() {
        Insert::<R, true>(row).execute(connection)
    } else {
        Insert::<R, false>(row).execute(connection)
    };
    inserted.map(|_| ())
}

/// Inserts the row, with or without its seldom used columns.
struct Insert<'r, R, const SELDOM: bool>(&'r R);

/// Updates the row of this id: every column but the key.
pub(super) struct Update<'r, R>(pub(super) &'r R);

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

impl<R: StoredRow, const SELDOM: bool> QueryFragment<Sqlite> for Insert<'_, R, SELDOM> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql("INSERT INTO ");
        out.push_sql(R::TABLE);
        out.push_sql("(");
        out.push_sql(without_comma(R::KEY));
        out.push_sql(R::OFTEN);
        if SELDOM {
            out.push_sql(R::SELDOM);
        }
        out.push_sql(") VALUES ");
        push_list(&mut out, |list| {
            self.0.bind_key(list)?;
            self.0.bind_often(list)?;
            if SELDOM {
                self.0.bind_seldom(list)?;
            }
            Ok(())
        })
    }
}

impl<R: StoredRow> QueryFragment<Sqlite> for Update<'_, R> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql("UPDATE ");
        out.push_sql(R::TABLE);
        out.push_sql(" SET (");
        out.push_sql(without_comma(R::OFTEN));
        out.push_sql(R::SELDOM);
        out.push_sql(") = ");
        push_list(&mut out, |list| {
            self.0.bind_often(list)?;
            self.0.bind_seldom(list)
        })?;
        out.push_sql(" WHERE id = ");
        out.push_bind_param::<BigInt, _>(self.0.id())
    }
}

/// A list of names without its first comma.
const fn without_comma(names: &'static str) -> &'static str {
    names.split_at(", ".len()).1
}

impl<R: StoredRow> QueryFragment<Sqlite> for Delete<R> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql("DELETE FROM ");
        out.push_sql(R::TABLE);
        out.push_sql(" WHERE id = ");
        out.push_bind_param::<BigInt, _>(&self.id)
    }
}

/// Lets statements about a kind of row `R` be prepared once each, under the name of a static type.
macro_rules! cached_by_type {
    ($($statement:ty as $name:ty $(, $parameter:ident)?;)+) => { $(
        impl<R: 'static $(, const $parameter: bool)?> diesel::query_builder::QueryId for $statement {
            type QueryId = $name;
            const HAS_STATIC_QUERY_ID: bool = true;
        }

        impl<R $(, const $parameter: bool)?> RunQueryDsl<SqliteConnection> for $statement {}
    )+ };
}

cached_by_type!(
    Insert<'_, R, SELDOM> as Insert<'static, R, SELDOM>, SELDOM;
    Update<'_, R> as Update<'static, R>;
    Delete<R> as Self;
);

pub(super) use cached_by_type;

#[cfg(test)]
mod tests {
    use convosync_domain::message::MessageOutput;

    use super::*;
    use crate::sqlite::schema::OutputRow;

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
            shown(&Insert::<_, true>(&row)),
            "INSERT INTO message_outputs(id, client_id, output_type, output_id, output_status, \
             output_role, output_content_type, output_content_text, output_content_annotations, \
             extra) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        );
        assert_eq!(
            shown(&Insert::<_, false>(&row)),
            "INSERT INTO message_outputs(id, client_id, output_type, output_id, output_status, \
             output_role, output_content_type, output_content_text, output_content_annotations) \
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
        );
        assert_eq!(
            shown(&Update(&row)),
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
