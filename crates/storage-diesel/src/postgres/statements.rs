//! Statements: query fragments with a static id or a text of their own, so that each is prepared once a connection. Those
//! about what a visitor has name the visitor, rows by keys that begin with it, and leave the order of
//! their look-ups to nobody else.

use std::marker::PhantomData;

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::serialize::ToSql;
use diesel::sql_types::{Array, BigInt, Bool, Double, HasSqlType, SqlType, Text};
use uuid::Uuid;

use convosync_domain::fields::PartId;
use convosync_domain::json::JsonValue;
use convosync_domain::timestamp::Timestamp;

use super::json_rows::JsonRow;
use crate::tables::read_row::ReadRow;
use crate::types::sql::{ClientId, Instant, JsonText, UuidBytes};

/// Stands for the columns that a statement selects, which a `RowReader` reads one by one.
#[derive(Clone, Copy, Debug, QueryId, SqlType)]
#[diesel(postgres_type(oid = 2249, array_oid = 2287))]
pub(super) struct WholeRow;

/// What a column of this SQL type holds.
pub(super) trait ColumnType {
    type Value;
}

macro_rules! column_types {
    ($( $sql:ty => $value:ty, )+) => { $(
        impl ColumnType for $sql {
            type Value = $value;
        }
    )+ };
}

column_types! {
    Text => String,
    BigInt => i64,
    Double => f64,
    Bool => bool,
    Instant => Timestamp,
    JsonText => JsonValue,
    ClientId => PartId,
}

/// Rows of one visitor in one table, as a list for each column.
pub(super) trait ColumnsOfRows: Default + 'static {
    const TABLE: &'static str;
    /// The names of the key's columns after the visitor's.
    const KEY: &'static [&'static str];
    /// The names of the other columns.
    const REST: &'static [&'static str];

    /// How many rows.
    fn len(&self) -> usize;
    /// Binds the columns of the key, but for the visitor.
    fn bind_key<'b>(&'b self, list: &mut BindList<'_, '_, 'b>) -> QueryResult<()>;
    /// Writes a row as JSON, but for the visitor.
    fn write_row(&self, row: usize, json: &mut JsonRow<'_>);
    /// Binds the other columns.
    fn bind_rest<'b>(&'b self, list: &mut BindList<'_, '_, 'b>) -> QueryResult<()>;
}

/// A list of values to bind, with commas between them.
pub(super) struct BindList<'l, 'a, 'b> {
    out: &'l mut AstPass<'a, 'b, Pg>,
    separator: &'static str,
}

impl<'b> BindList<'_, '_, 'b> {
    pub(super) fn bind<ST, T>(&mut self, value: &'b T) -> QueryResult<()>
    where
        Pg: HasSqlType<ST>,
        T: ToSql<ST, Pg>,
    {
        self.out.push_sql(self.separator);
        self.separator = ", ";
        self.out.push_bind_param::<ST, T>(value)
    }
}

/// Names after a prefix, with commas between them. They are quoted, as one is a word of SQL.
fn push_names(out: &mut AstPass<'_, '_, Pg>, prefix: &str, names: &[&str]) -> QueryResult<()> {
    let mut separator = "";
    for name in names {
        out.push_sql(separator);
        out.push_sql(prefix);
        out.push_identifier(name)?;
        separator = ", ";
    }
    Ok(())
}

/// The columns of a row, of the table or sub-select of this prefix: `m.`
pub(super) fn push_columns<R: ReadRow<Pg>>(
    out: &mut AstPass<'_, '_, Pg>,
    prefix: &str,
) -> QueryResult<()> {
    push_names(out, prefix, R::COLUMNS)
}

/// Inserts rows.
pub(super) struct Insert<'c, C> {
    pub(super) visitor: Uuid,
    pub(super) rows: &'c C,
}

/// Inserts rows, or replaces those that are stored whole.
pub(super) struct InsertOrReplace<'c, C> {
    pub(super) visitor: Uuid,
    pub(super) rows: &'c C,
}

/// Inserts those of the rows that are not stored yet.
pub(super) struct InsertMissing<'c, C> {
    pub(super) visitor: Uuid,
    pub(super) rows: &'c C,
}

/// The same, of conversations or messages; returns the sizes of those that were not.
pub(super) struct InsertMissingItems<'c, C> {
    pub(super) visitor: Uuid,
    pub(super) rows: &'c C,
}

/// Deletes the rows of these messages of a conversation.
pub(super) struct DeleteOfMessages<C> {
    pub(super) visitor: Uuid,
    pub(super) conversation: Uuid,
    pub(super) messages: Vec<Uuid>,
    pub(super) table: PhantomData<fn(C)>,
}

/// (A plain `unnest` would be computed away from the visitor's shard, where there are shards.)
fn push_insert<'b, C: ColumnsOfRows>(
    out: &mut AstPass<'_, 'b, Pg>,
    visitor: &'b Uuid,
    rows: &'b C,
) -> QueryResult<()> {
    out.push_sql("INSERT INTO ");
    out.push_sql(C::TABLE);
    out.push_sql(" (visitor_id, ");
    push_names(out, "", C::KEY)?;
    out.push_sql(", ");
    push_names(out, "", C::REST)?;
    out.push_sql(") SELECT v.id, u.* FROM visitors v CROSS JOIN unnest(");
    let mut list = BindList { out, separator: "" };
    rows.bind_key(&mut list)?;
    rows.bind_rest(&mut list)?;
    out.push_sql(") u WHERE v.id = ");
    out.push_bind_param::<UuidBytes, _>(visitor)
}

impl<C: ColumnsOfRows> QueryFragment<Pg> for Insert<'_, C> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        push_insert(&mut out, &self.visitor, self.rows)
    }
}

impl<C: ColumnsOfRows> QueryFragment<Pg> for InsertOrReplace<'_, C> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        push_insert(&mut out, &self.visitor, self.rows)?;
        out.push_sql(" ON CONFLICT (visitor_id, ");
        push_names(&mut out, "", C::KEY)?;
        out.push_sql(") DO UPDATE SET (");
        push_names(&mut out, "", C::REST)?;
        out.push_sql(") = ROW(");
        push_names(&mut out, "excluded.", C::REST)?;
        out.push_sql(")");
        Ok(())
    }
}

impl<C: ColumnsOfRows> QueryFragment<Pg> for InsertMissing<'_, C> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        push_insert(&mut out, &self.visitor, self.rows)?;
        out.push_sql(" ON CONFLICT DO NOTHING");
        Ok(())
    }
}

impl<C: ColumnsOfRows> QueryFragment<Pg> for InsertMissingItems<'_, C> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        push_insert(&mut out, &self.visitor, self.rows)?;
        out.push_sql(" ON CONFLICT DO NOTHING RETURNING content_bytes");
        Ok(())
    }
}

impl<C> Query for InsertMissingItems<'_, C> {
    type SqlType = BigInt;
}

impl<C: ColumnsOfRows> QueryFragment<Pg> for DeleteOfMessages<C> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("DELETE FROM ");
        out.push_sql(C::TABLE);
        out.push_sql(" WHERE visitor_id = ");
        out.push_bind_param::<UuidBytes, _>(&self.visitor)?;
        out.push_sql(" AND conversation_id = ");
        out.push_bind_param::<UuidBytes, _>(&self.conversation)?;
        out.push_sql(" AND message_id = ANY(");
        out.push_bind_param::<Array<UuidBytes>, _>(&self.messages)?;
        out.push_sql(")");
        Ok(())
    }
}

/// Lets statements about the rows of a table be prepared once each.
macro_rules! cached_by_table {
    ($($statement:ident),+) => { $(
        impl<C: 'static> QueryId for $statement<'_, C> {
            type QueryId = $statement<'static, C>;
            const HAS_STATIC_QUERY_ID: bool = true;
        }

        impl<C> RunQueryDsl<PgConnection> for $statement<'_, C> {}
    )+ };
}

cached_by_table!(Insert, InsertOrReplace, InsertMissing, InsertMissingItems);

impl<C: 'static> QueryId for DeleteOfMessages<C> {
    type QueryId = Self;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl<C> RunQueryDsl<PgConnection> for DeleteOfMessages<C> {}

/// Declares a statement whose text is more than words: it has rows, and is prepared once.
macro_rules! prepared_query {
    ($($query:ident),+) => { $(
        impl diesel::query_builder::Query for $query {
            type SqlType = ($crate::postgres::statements::WholeRow,);
        }

        impl diesel::query_builder::QueryId for $query {
            type QueryId = Self;
            const HAS_STATIC_QUERY_ID: bool = true;
        }

        impl diesel::RunQueryDsl<diesel::PgConnection> for $query {}
    )+ };
}

pub(super) use prepared_query;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::postgres::schema::message_outputs;

    fn shown(query: &impl QueryFragment<Pg>) -> String {
        let shown = diesel::debug_query::<Pg, _>(query).to_string();
        shown.split(" -- ").next().unwrap().to_owned()
    }

    /// The text of every write, so that a change of it shows.
    #[test]
    fn the_writes_name_the_visitor_and_take_any_number_of_rows() {
        let visitor = Uuid::nil();
        let rows = &message_outputs::Columns::default();
        let insert = "INSERT INTO message_outputs (visitor_id, \"conversation_id\", \
             \"message_id\", \"client_id\", \"output_type\", \"output_id\", \"output_status\", \
             \"output_role\", \"output_content_type\", \"output_content_text\", \
             \"output_content_annotations\", \"extra\") SELECT v.id, u.* FROM visitors v \
             CROSS JOIN unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) u WHERE v.id = $12";
        assert_eq!(shown(&Insert { visitor, rows }), insert);
        let replace = shown(&InsertOrReplace { visitor, rows });
        assert_eq!(
            replace.strip_prefix(insert).unwrap(),
            " ON CONFLICT (visitor_id, \"conversation_id\", \"message_id\") DO UPDATE SET \
             (\"client_id\", \"output_type\", \"output_id\", \"output_status\", \"output_role\", \
             \"output_content_type\", \"output_content_text\", \"output_content_annotations\", \
             \"extra\") = ROW(excluded.\"client_id\", excluded.\"output_type\", \
             excluded.\"output_id\", excluded.\"output_status\", excluded.\"output_role\", \
             excluded.\"output_content_type\", excluded.\"output_content_text\", \
             excluded.\"output_content_annotations\", excluded.\"extra\")"
        );
        let delete = DeleteOfMessages::<message_outputs::Columns> {
            visitor,
            conversation: visitor,
            messages: Vec::new(),
            table: PhantomData,
        };
        assert_eq!(
            shown(&delete),
            "DELETE FROM message_outputs WHERE visitor_id = $1 AND conversation_id = $2 \
             AND message_id = ANY($3)"
        );
    }
}
