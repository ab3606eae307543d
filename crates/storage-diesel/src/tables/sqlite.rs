//! What is made of a table for SQLite, where integers are the keys: Diesel's `table!`, the row and its
//! inserts and updates, and parts of rows to be read. `crate::sqlite::schema` calls these macros.

/// Declares a table. The columns of the `key` never change; those of the `row` are fields of the
/// row's struct; each group after them is a struct of the domain whose fields are columns, all
/// optional, the seldom used ones after a `;`. `column(field)` names a field that is called otherwise there.
macro_rules! stored_table {
    (
        $(#[$doc:meta])*
        $table:ident as $row:ident {
            key { $( $key:ident: $key_type:ty as $key_sql:ident, )+ }
            row { $( $own:ident: $own_type:ty as $own_sql:ident $(<$own_inner:ident>)?, )* }
            $( $group:ident: $group_type:ident {
                $( $column:ident $(($field:ident))?: $sql:ident, )+
                $(; $( $rare:ident $(($rare_field:ident))?: $rare_sql:ident, )+ )?
            } $(+ $extra:ident)? )*
        }
    ) => {
        diesel::table! {
            use diesel::sql_types::*;
            use crate::types::sql::*;

            $(#[$doc])*
            $table (id) {
                $( $key -> $key_sql, )+
                $( $own -> $own_sql $(<$own_inner>)?, )*
                $(
                    $( $column -> Nullable<$sql>, )+
                    $( $( $rare -> Nullable<$rare_sql>, )+ )?
                    $( $extra -> ExtraObject, )?
                )*
            }
        }

        read_row! {
            Sqlite:
            $(#[$doc])*
            $table as $row {
                columns {
                    $( $key: $key_type as $key_sql, )+
                    $( $own: $own_type as $own_sql $(<$own_inner>)?, )*
                }
                $( $group: $group_type {
                    $( $column $(($field))?: $sql, )+
                    $( $( $rare $(($rare_field))?: $rare_sql, )+ )?
                } $(+ $extra)? )*
            }
        }

        impl StoredRow for $row {
            const KEY: &'static str = concat!($( ", ", stringify!($key) ),+);
            const OFTEN: &'static str = concat!(
                $( ", ", stringify!($own), )*
                $( $( ", ", stringify!($column), )+ )*
            );
            const SELDOM: &'static str = concat!(
                $( $( $( ", ", stringify!($rare), )+ )? $( ", ", stringify!($extra), )? )*
            );

            fn id(&self) -> &i64 {
                &self.id
            }

            fn bind_key<'b>(&'b self, list: &mut BindList<'_, '_, 'b>) -> QueryResult<()> {
                $( list.bind::<$key_sql, _>(&self.$key)?; )+
                Ok(())
            }

            fn has_seldom(&self) -> bool {
                $(
                    $( $( if read_row!(@field &self.$group, $rare $($rare_field)?).is_some() {
                        return true;
                    } )+ )?
                    $( if !self.$group.$extra.is_empty() {
                        return true;
                    } )?
                )*
                false
            }

            fn bind_often<'b>(&'b self, list: &mut BindList<'_, '_, 'b>) -> QueryResult<()> {
                $( list.bind::<$own_sql $(<$own_inner>)?, _>(&self.$own)?; )*
                $( $( list.bind::<Nullable<$sql>, _>(
                    read_row!(@field &self.$group, $column $($field)?),
                )?; )+ )*
                Ok(())
            }

            #[allow(unused_variables, reason = "some tables have none")]
            fn bind_seldom<'b>(&'b self, list: &mut BindList<'_, '_, 'b>) -> QueryResult<()> {
                $(
                    $( $( list.bind::<Nullable<$rare_sql>, _>(
                        read_row!(@field &self.$group, $rare $($rare_field)?),
                    )?; )+ )?
                    $( list.bind::<ExtraObject, _>(&self.$group.$extra)?; )?
                )*
                Ok(())
            }
        }

        impl FromSqlRow<$table::SqlType, Sqlite> for $row {
            fn build_from_row<'a>(row: &impl Row<'a, Sqlite>) -> deserialize::Result<Self> {
                RowReader::of(row).row()
            }
        }
    };
}

/// Declares the struct of some columns of a table, the row's id first.
macro_rules! part_of_row {
    (
        $(#[$doc:meta])*
        $table:ident as $row:ident {
            $( $column:ident: $type:ty as $sql:ident $(<$inner:ident>)?, )+
        }
    ) => {
        read_row! {
            Sqlite:
            $(#[$doc])*
            $table as $row {
                columns { $( $column: $type as $sql $(<$inner>)?, )+ }
            }
        }

        impl $row {
            /// The columns to select.
            pub(super) fn columns() -> ( $( $table::$column, )+ ) {
                ( $( $table::$column, )+ )
            }
        }

        impl FromSqlRow<( $( $sql $(<$inner>)?, )+ ), Sqlite> for $row {
            fn build_from_row<'a>(row: &impl Row<'a, Sqlite>) -> deserialize::Result<Self> {
                RowReader::of(row).row()
            }
        }
    };
}

pub(crate) use part_of_row;
pub(crate) use stored_table;
