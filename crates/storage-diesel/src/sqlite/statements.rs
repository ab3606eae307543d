//! Writes: query fragments with a static id, so that Diesel prepares each once and then finds it by
//! its type. Its own inserts build their text anew every time, and its updates are never cached.

use std::marker::PhantomData;

use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::serialize::ToSql;
use diesel::sql_types::{BigInt, HasSqlType};
use diesel::sqlite::Sqlite;

use crate::rows::ReadRow;

/// A whole row, in the order of its declaration.
pub(super) trait StoredRow: ReadRow<Sqlite> + 'static {
    /// The names of the columns that never change, each after a comma.
    const KEY: &'static str;
    /// The names of the other columns, likewise.
    const REST: &'static str;

    fn id(&self) -> &i64;
    fn bind_key<'b>(&'b self, list: &mut List<'_, '_, 'b>) -> QueryResult<()>;
    fn bind_rest<'b>(&'b self, list: &mut List<'_, '_, 'b>) -> QueryResult<()>;
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
