//! Rows of the tables, read column by column, so that what cannot be read is named.

use std::fmt;
use std::marker::PhantomData;

use diesel::backend::Backend;
use diesel::deserialize::{self, FromSql};
use diesel::result::{Error as DieselError, UnexpectedNullError};
use diesel::row::Row;
use uuid::Uuid;

use convosync_domain::ports::StoreError;

/// Some or all columns of a table, the row's key first.
pub(crate) trait ReadRow<DB: Backend>: Sized {
    const TABLE: &'static str;
    /// The names of the columns, in the order in which they are read.
    const COLUMNS: &'static [&'static str];
    /// The same as a list of SQL, with commas between them. They are quoted, as one is a word of SQL.
    const LIST: &'static str;

    /// The key of the row that comes next, `None` if the join found none there.
    fn key<'a>(
        columns: &RowReader<'_, impl Row<'a, DB>, DB>,
    ) -> deserialize::Result<Option<RowKey>>;

    fn read<'a>(columns: &mut RowReader<'_, impl Row<'a, DB>, DB>) -> deserialize::Result<Self>;
}

/// What names a row in an error; it holds no content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RowKey {
    Number(i64),
    Uuid(Uuid),
}

impl From<i64> for RowKey {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl From<Uuid> for RowKey {
    fn from(uuid: Uuid) -> Self {
        Self::Uuid(uuid)
    }
}

impl fmt::Display for RowKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Uuid(uuid) => uuid.fmt(f),
        }
    }
}

/// The columns of a row that are not read yet.
pub(crate) struct RowReader<'r, R, DB> {
    row: &'r R,
    next: usize,
    table: &'static str,
    key: RowKey,
    backend: PhantomData<fn(DB)>,
}

/// A column holds what this crate cannot have written.
#[derive(Debug, thiserror::Error)]
#[error("{table} holds an invalid {column} at {key}")]
pub(crate) struct CorruptColumn {
    pub(crate) table: &'static str,
    pub(crate) column: &'static str,
    pub(crate) key: RowKey,
    source: Box<dyn std::error::Error + Send + Sync>,
}

/// What the caller of a port is told of a value that could not be read; `None` for other errors.
pub(crate) fn corrupt_column(error: &DieselError) -> Option<StoreError> {
    let DieselError::DeserializationError(error) = error else {
        return None;
    };
    let corrupt: &CorruptColumn = error.downcast_ref()?;
    Some(StoreError::Corrupt {
        table: corrupt.table,
        key: corrupt.key.to_string(),
        column: corrupt.column,
    })
}

impl<'r, 'a, DB: Backend, R: Row<'a, DB>> RowReader<'r, R, DB> {
    pub(crate) fn of(row: &'r R) -> Self {
        Self {
            row,
            next: 0,
            table: "",
            key: RowKey::Number(0),
            backend: PhantomData,
        }
    }

    /// The next row of the join, `None` if the join found none there.
    pub(crate) fn optional_row<T: ReadRow<DB>>(&mut self) -> deserialize::Result<Option<T>> {
        let Some(key) = T::key(self)? else {
            self.next += T::COLUMNS.len();
            return Ok(None);
        };
        self.key = key;
        self.table = T::TABLE;
        T::read(self).map(Some)
    }

    pub(crate) fn row<T: ReadRow<DB>>(&mut self) -> deserialize::Result<T> {
        let row = self.optional_row()?;
        row.ok_or_else(|| Box::new(UnexpectedNullError).into())
    }

    /// The next column, which stays the next one.
    pub(crate) fn peek<ST, T: FromSql<ST, DB>>(&self) -> deserialize::Result<T> {
        self.row.get_value::<ST, T, _>(self.next)
    }

    /// The next column of the row.
    pub(crate) fn next<ST, T: FromSql<ST, DB>>(
        &mut self,
        column: &'static str,
    ) -> deserialize::Result<T> {
        let value = self.peek();
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

/// Declares the struct of columns of a table, the row's key first, and how a backend reads it.
macro_rules! read_row {
    (
        $backend:ty:
        $(#[$doc:meta])*
        $table:ident as $row:ident {
            columns {
                $key:ident: $key_type:ty as $key_sql:ident,
                $( $own:ident: $own_type:ty as $own_sql:ident $(<$own_inner:ident>)?, )*
            }
            $( $group:ident: $group_type:ident {
                $( $column:ident $(($field:ident))?: $sql:ident, )+
            } $(+ $extra:ident)? )*
        }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq)]
        pub(super) struct $row {
            pub(super) $key: $key_type,
            $( pub(super) $own: $own_type, )*
            $( pub(super) $group: $group_type, )*
        }

        impl ReadRow<$backend> for $row {
            const TABLE: &'static str = stringify!($table);
            const COLUMNS: &'static [&'static str] = &[
                stringify!($key),
                $( stringify!($own), )*
                $( $( stringify!($column), )+ $( stringify!($extra), )? )*
            ];
            const LIST: &'static str = concat!(
                "\"", stringify!($key), "\"",
                $( ", \"", stringify!($own), "\"", )*
                $( $( ", \"", stringify!($column), "\"", )+ $( ", \"", stringify!($extra), "\"", )? )*
            );

            fn key<'a>(
                columns: &RowReader<'_, impl Row<'a, $backend>, $backend>,
            ) -> deserialize::Result<Option<RowKey>> {
                let key = columns.peek::<Nullable<$key_sql>, Option<$key_type>>()?;
                Ok(key.map(RowKey::from))
            }

            fn read<'a>(
                columns: &mut RowReader<'_, impl Row<'a, $backend>, $backend>,
            ) -> deserialize::Result<Self> {
                Ok(Self {
                    $key: columns.next::<$key_sql, _>(stringify!($key))?,
                    $( $own: columns.next::<$own_sql $(<$own_inner>)?, _>(stringify!($own))?, )*
                    $( $group: {
                        let mut group = $group_type::default();
                        $( *read_row!(@field &mut group, $column $($field)?) =
                            columns.next::<Nullable<$sql>, _>(stringify!($column))?; )+
                        $( group.$extra = columns.next::<ExtraObject, _>(stringify!($extra))?; )?
                        group
                    }, )*
                })
            }
        }
    };

    (@field $group:ident, $column:ident) => { $group.$column };
    (@field $group:ident, $column:ident $field:ident) => { $group.$field };
    (@field &mut $group:ident, $column:ident) => { &mut $group.$column };
    (@field &mut $group:ident, $column:ident $field:ident) => { &mut $group.$field };
    (@field &$row:ident.$group:ident, $column:ident) => { &$row.$group.$column };
    (@field &$row:ident.$group:ident, $column:ident $field:ident) => { &$row.$group.$field };
}

pub(crate) use read_row;
