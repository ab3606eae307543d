//! What is made of a table for PostgreSQL, where each key begins with the visitor: the row, to be read one
//! by one, and many rows column by column, to be written by one statement. `crate::postgres::schema` calls
//! these macros.

/// Declares the struct of a row as it is read, its key first.
macro_rules! table_to_read {
    (
        $(#[$doc:meta])*
        $table:ident as $row:ident {
            $key:ident: $key_type:ty as $key_sql:ident;
            row { $( $own:ident: $own_type:ty as $own_sql:ident $(<$own_inner:ident>)?, )* }
            $( $group:ident: $group_type:ident {
                $( $column:ident $(($field:ident))?: $sql:ident, )+
                $(; $( $rare:ident $(($rare_field:ident))?: $rare_sql:ident, )+ )?
            } $(+ $extra:ident)? )*
        }
    ) => {
        read_row! {
            Pg:
            $(#[$doc])*
            $table as $row {
                columns {
                    $key: $key_type as $key_sql,
                    $( $own: $own_type as $own_sql $(<$own_inner>)?, )*
                }
                $( $group: $group_type {
                    $( $column $(($field))?: $sql, )+
                    $( $( $rare $(($rare_field))?: $rare_sql, )+ )?
                } $(+ $extra)? )*
            }
        }

        impl FromSqlRow<(WholeRow,), Pg> for $row {
            fn build_from_row<'a>(row: &impl Row<'a, Pg>) -> deserialize::Result<Self> {
                RowReader::of(row).row()
            }
        }
    };
}

/// Declares the struct of a row and, in a module of the table's name, rows column by column. What
/// stands in brackets comes between the visitor and the row's own key. (The seldom used columns are
/// as the others here: all rows of a batch have the same ones.)
macro_rules! table_to_write {
    (
        $(#[$doc:meta])*
        $table:ident as $row:ident {
            [ $( $parent:ident ),* ] $key:ident;
            row { $( $own:ident: $own_type:ty as $own_sql:ident $(<$own_inner:ident>)?, )* }
            $( $group:ident: $group_type:ident {
                $( $column:ident $(($field:ident))?: $sql:ident, )+
                $(; $( $rare:ident $(($rare_field:ident))?: $rare_sql:ident, )+ )?
            } $(+ $extra:ident)? )*
        }
    ) => {
        table_to_write! {
            @all
            $(#[$doc])*
            $table as $row {
                [ $( $parent ),* ] $key;
                row { $( $own: $own_type as $own_sql $(<$own_inner>)?, )* }
                $( $group: $group_type {
                    $( $column $(($field))?: $sql, )+
                    $( $( $rare $(($rare_field))?: $rare_sql, )+ )?
                } $(+ $extra)? )*
            }
        }
    };

    (
        @all
        $(#[$doc:meta])*
        $table:ident as $row:ident {
            [ $( $parent:ident ),* ] $key:ident;
            row { $( $own:ident: $own_type:ty as $own_sql:ident $(<$own_inner:ident>)?, )* }
            $( $group:ident: $group_type:ident {
                $( $column:ident $(($field:ident))?: $sql:ident, )+
            } $(+ $extra:ident)? )*
        }
    ) => {
        table_to_read! {
            $(#[$doc])*
            $table as $row {
                $key: Uuid as UuidBytes;
                row { $( $own: $own_type as $own_sql $(<$own_inner>)?, )* }
                $( $group: $group_type {
                    $( $column $(($field))?: $sql, )+
                } $(+ $extra)? )*
            }
        }

        /// Rows of one visitor in this table, column by column.
        pub(super) mod $table {
            use super::*;

            #[derive(Clone, Debug, Default)]
            pub(in crate::postgres) struct Columns {
                $( $parent: Vec<Uuid>, )*
                $key: Vec<Uuid>,
                $( $own: Vec<$own_type>, )*
                $(
                    $( $column: Vec<Option<<$sql as ColumnType>::Value>>, )+
                    $( $extra: Vec<Extra>, )?
                )*
            }

            impl Columns {
                /// Adds a row, which lies where the ids before it say.
                pub(in crate::postgres) fn push(&mut self, $( $parent: Uuid, )* row: $row) {
                    $( self.$parent.push($parent); )*
                    self.$key.push(row.$key);
                    $( self.$own.push(row.$own); )*
                    $(
                        let group = row.$group;
                        $( self.$column.push(read_row!(@field group, $column $($field)?)); )+
                        $( self.$extra.push(group.$extra); )?
                    )*
                }
            }

            impl ColumnsOfRows for Columns {
                const TABLE: &'static str = stringify!($table);
                const KEY: &'static [&'static str] =
                    &[$( stringify!($parent), )* stringify!($key)];
                const REST: &'static [&'static str] = &[
                    $( stringify!($own), )*
                    $( $( stringify!($column), )+ $( stringify!($extra), )? )*
                ];

                fn len(&self) -> usize {
                    self.$key.len()
                }

                fn bind_key<'b>(&'b self, list: &mut BindList<'_, '_, 'b>) -> QueryResult<()> {
                    $( list.bind::<Array<UuidBytes>, _>(&self.$parent)?; )*
                    list.bind::<Array<UuidBytes>, _>(&self.$key)
                }

                fn write_row(&self, row: usize, json: &mut JsonRow<'_>) {
                    $( json.column(stringify!($parent), &self.$parent.get(row)); )*
                    json.column(stringify!($key), &self.$key.get(row));
                    $( json.column(stringify!($own), &self.$own.get(row)); )*
                    $(
                        $( json.column(stringify!($column), &self.$column.get(row)); )+
                        $( json.column(stringify!($extra), &self.$extra.get(row)); )?
                    )*
                }

                fn bind_rest<'b>(&'b self, list: &mut BindList<'_, '_, 'b>) -> QueryResult<()> {
                    $( list.bind::<Array<$own_sql $(<$own_inner>)?>, _>(&self.$own)?; )*
                    $(
                        $( list.bind::<Array<Nullable<$sql>>, _>(&self.$column)?; )+
                        $( list.bind::<Array<ExtraObject>, _>(&self.$extra)?; )?
                    )*
                    Ok(())
                }
            }
        }
    };
}

pub(crate) use table_to_read;
pub(crate) use table_to_write;
