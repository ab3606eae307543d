//! How the domain's values stand in columns: one SQL type for each, with what it is called by each
//! backend, and the values it takes.
//!
//! The SQL types are this crate's own, so that the domain's types can be bound and read as they
//! are. What cannot have been written by this crate fails to be read.

use diesel::deserialize::{self, FromSql};
use diesel::expression::AsExpression;
use diesel::serialize::{self, IsNull, Output, ToSql};
use diesel::sql_types::{BigInt, SqlOrd, Text};
use diesel::sqlite::{Sqlite, SqliteValue};
use uuid::Uuid;

use convosync_domain::fields::PartId;
use convosync_domain::json::{JsonValue, decode_string};
use convosync_domain::patch::Extra;
use convosync_domain::posted::Digest;
use convosync_domain::timestamp::Timestamp;

use crate::json_text;

/// The SQL types of the columns; public, as the modules that Diesel makes of tables are.
pub(crate) mod sql {
    use diesel::query_builder::QueryId;
    use diesel::sql_types::SqlType;

    /// The 16 bytes of a UUID; they sort as the UUIDs do.
    #[derive(Clone, Copy, Debug, Default, QueryId, SqlType)]
    #[diesel(sqlite_type(name = "Binary"))]
    pub struct UuidBytes;

    /// The 16 bytes of a digest.
    #[derive(Clone, Copy, Debug, Default, QueryId, SqlType)]
    #[diesel(sqlite_type(name = "Binary"))]
    pub struct DigestBytes;

    /// A change number or counter.
    #[derive(Clone, Copy, Debug, Default, QueryId, SqlType)]
    #[diesel(sqlite_type(name = "Long"))]
    pub struct ChangeNumber;

    /// Microseconds since 1970 in UTC.
    #[derive(Clone, Copy, Debug, Default, QueryId, SqlType)]
    #[diesel(sqlite_type(name = "Long"))]
    pub struct Instant;

    /// A JSON value, as the text that was sent: a parsed one would lose digits.
    #[derive(Clone, Copy, Debug, Default, QueryId, SqlType)]
    #[diesel(sqlite_type(name = "Text"))]
    pub struct JsonText;

    /// The id that a device gave to a part, as JSON text.
    #[derive(Clone, Copy, Debug, Default, QueryId, SqlType)]
    #[diesel(sqlite_type(name = "Text"))]
    pub struct ClientId;

    /// The fields that Convosync does not know, as one JSON object; NULL when there are none.
    #[derive(Clone, Copy, Debug, Default, QueryId, SqlType)]
    #[diesel(sqlite_type(name = "Text"))]
    pub struct ExtraObject;
}

impl SqlOrd for sql::ChangeNumber {}
impl SqlOrd for sql::UuidBytes {}

/// A UUID to compare a column with; the domain's types can be bound and read, but only types of this
/// crate can stand in a filter.
#[derive(AsExpression, Clone, Copy, Debug)]
#[diesel(sql_type = sql::UuidBytes)]
pub(crate) struct UuidKey(pub(crate) Uuid);

impl ToSql<sql::UuidBytes, Sqlite> for UuidKey {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        ToSql::<sql::UuidBytes, Sqlite>::to_sql(&self.0, out)
    }
}

/// A change number to compare a column with.
#[derive(AsExpression, Clone, Copy, Debug)]
#[diesel(sql_type = sql::ChangeNumber)]
pub(crate) struct NumberKey(pub(crate) u64);

impl ToSql<sql::ChangeNumber, Sqlite> for NumberKey {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        ToSql::<sql::ChangeNumber, Sqlite>::to_sql(&self.0, out)
    }
}

impl ToSql<sql::UuidBytes, Sqlite> for Uuid {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(self.as_bytes().as_slice());
        Ok(IsNull::No)
    }
}

impl FromSql<sql::UuidBytes, Sqlite> for Uuid {
    fn from_sql(mut value: SqliteValue<'_, '_, '_>) -> deserialize::Result<Self> {
        Ok(Self::from_slice(value.read_blob())?)
    }
}

impl ToSql<sql::DigestBytes, Sqlite> for Digest {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(self.0.as_slice());
        Ok(IsNull::No)
    }
}

impl FromSql<sql::DigestBytes, Sqlite> for Digest {
    fn from_sql(mut value: SqliteValue<'_, '_, '_>) -> deserialize::Result<Self> {
        Ok(Self(value.read_blob().try_into()?))
    }
}

impl ToSql<sql::ChangeNumber, Sqlite> for u64 {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(i64::try_from(*self)?);
        Ok(IsNull::No)
    }
}

impl FromSql<sql::ChangeNumber, Sqlite> for u64 {
    fn from_sql(value: SqliteValue<'_, '_, '_>) -> deserialize::Result<Self> {
        let number = <i64 as FromSql<BigInt, Sqlite>>::from_sql(value)?;
        Ok(Self::try_from(number)?)
    }
}

impl ToSql<sql::Instant, Sqlite> for Timestamp {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(self.as_micros());
        Ok(IsNull::No)
    }
}

impl FromSql<sql::Instant, Sqlite> for Timestamp {
    fn from_sql(value: SqliteValue<'_, '_, '_>) -> deserialize::Result<Self> {
        let micros = <i64 as FromSql<BigInt, Sqlite>>::from_sql(value)?;
        Ok(Self::from_micros(micros)?)
    }
}

impl ToSql<sql::JsonText, Sqlite> for JsonValue {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(self.as_str());
        Ok(IsNull::No)
    }
}

impl FromSql<sql::JsonText, Sqlite> for JsonValue {
    fn from_sql(value: SqliteValue<'_, '_, '_>) -> deserialize::Result<Self> {
        Ok(Self::parse(&text(value)?)?)
    }
}

impl ToSql<sql::ClientId, Sqlite> for PartId {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(match self {
            Self::Number(number) => number.to_string(),
            Self::Text(text) => json_text::string(text),
        });
        Ok(IsNull::No)
    }
}

impl FromSql<sql::ClientId, Sqlite> for PartId {
    fn from_sql(value: SqliteValue<'_, '_, '_>) -> deserialize::Result<Self> {
        let text = text(value)?;
        if let Ok(number) = text.parse() {
            return Ok(Self::Number(number));
        }
        match decode_string(&text)? {
            empty if empty.is_empty() => Err("an empty id".into()),
            decoded => Ok(Self::Text(decoded.into_owned())),
        }
    }
}

impl ToSql<sql::ExtraObject, Sqlite> for Extra {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        if self.is_empty() {
            return Ok(IsNull::Yes);
        }
        out.set_value(json_text::object(self));
        Ok(IsNull::No)
    }
}

impl FromSql<sql::ExtraObject, Sqlite> for Extra {
    fn from_sql(value: SqliteValue<'_, '_, '_>) -> deserialize::Result<Self> {
        let text = text(value)?;
        json_text::members(&text).ok_or_else(|| "not a JSON object".into())
    }

    fn from_nullable_sql(value: Option<SqliteValue<'_, '_, '_>>) -> deserialize::Result<Self> {
        value.map_or_else(|| Ok(Self::new()), Self::from_sql)
    }
}

/// A text, which has to be UTF-8.
fn text(value: SqliteValue<'_, '_, '_>) -> deserialize::Result<String> {
    <String as FromSql<Text, Sqlite>>::from_sql(value)
}
