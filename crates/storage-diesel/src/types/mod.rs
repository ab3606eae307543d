//! How the domain's values stand in columns: one SQL type for each, with what it is called by each
//! backend, and the values it takes.
//!
//! The SQL types are this crate's own, so that the domain's types can be bound and read as they
//! are. What cannot have been written by this crate fails to be read.

mod postgres;
mod sqlite;

use diesel::backend::Backend;
use diesel::deserialize::{self, FromSql};
use diesel::expression::AsExpression;
use diesel::sql_types::{BigInt, SqlOrd, Text};
use uuid::Uuid;

use convosync_domain::api_key::{ApiKeyName, Scopes};
use convosync_domain::fields::PartId;
use convosync_domain::json::{JsonValue, decode_string};
use convosync_domain::patch::Extra;
use convosync_domain::timestamp::Timestamp;

use crate::json_text;

/// The SQL types of the columns; public, as the modules that Diesel makes of tables are.
pub(crate) mod sql {
    use diesel::query_builder::QueryId;
    use diesel::sql_types::SqlType;

    /// The 16 bytes of a UUID; they sort as the UUIDs do.
    #[derive(Clone, Copy, Debug, Default, QueryId, SqlType)]
    #[diesel(sqlite_type(name = "Binary"))]
    #[diesel(postgres_type(oid = 2950, array_oid = 2951))]
    pub struct UuidBytes;

    /// The 16 bytes of a digest.
    #[derive(Clone, Copy, Debug, Default, QueryId, SqlType)]
    #[diesel(sqlite_type(name = "Binary"))]
    #[diesel(postgres_type(oid = 17, array_oid = 1001))]
    pub struct DigestBytes;

    /// The 32 bytes of the hash of a secret.
    #[derive(Clone, Copy, Debug, Default, QueryId, SqlType)]
    #[diesel(sqlite_type(name = "Binary"))]
    #[diesel(postgres_type(oid = 17, array_oid = 1001))]
    pub struct HashBytes;

    /// A change number or counter, or another number that is not negative.
    #[derive(Clone, Copy, Debug, Default, QueryId, SqlType)]
    #[diesel(sqlite_type(name = "Long"))]
    #[diesel(postgres_type(oid = 20, array_oid = 1016))]
    pub struct ChangeNumber;

    /// Microseconds since 1970 in UTC.
    #[derive(Clone, Copy, Debug, Default, QueryId, SqlType)]
    #[diesel(sqlite_type(name = "Long"))]
    #[diesel(postgres_type(oid = 20, array_oid = 1016))]
    pub struct Instant;

    /// A JSON value, as the text that was sent: a parsed one would lose digits.
    #[derive(Clone, Copy, Debug, Default, QueryId, SqlType)]
    #[diesel(sqlite_type(name = "Text"))]
    #[diesel(postgres_type(oid = 25, array_oid = 1009))]
    pub struct JsonText;

    /// The id that a device gave to a part, as JSON text.
    #[derive(Clone, Copy, Debug, Default, QueryId, SqlType)]
    #[diesel(sqlite_type(name = "Text"))]
    #[diesel(postgres_type(oid = 25, array_oid = 1009))]
    pub struct ClientId;

    /// The fields that Convosync does not know, as one JSON object; NULL when there are none.
    #[derive(Clone, Copy, Debug, Default, QueryId, SqlType)]
    #[diesel(sqlite_type(name = "Text"))]
    #[diesel(postgres_type(oid = 25, array_oid = 1009))]
    pub struct ExtraObject;

    /// What an API key is called.
    #[derive(Clone, Copy, Debug, Default, QueryId, SqlType)]
    #[diesel(sqlite_type(name = "Text"))]
    #[diesel(postgres_type(oid = 25, array_oid = 1009))]
    pub struct KeyName;

    /// The words of scopes in order, with commas between them.
    #[derive(Clone, Copy, Debug, Default, QueryId, SqlType)]
    #[diesel(sqlite_type(name = "Text"))]
    #[diesel(postgres_type(oid = 25, array_oid = 1009))]
    pub struct ScopeWords;
}

impl SqlOrd for sql::ChangeNumber {}
impl SqlOrd for sql::UuidBytes {}

/// A UUID to compare a column with; the domain's types can be bound and read, but only types of this
/// crate can stand in a filter.
#[derive(AsExpression, Clone, Copy, Debug)]
#[diesel(sql_type = sql::UuidBytes)]
pub(crate) struct UuidKey(pub(crate) Uuid);

/// A change number to compare a column with.
#[derive(AsExpression, Clone, Copy, Debug)]
#[diesel(sql_type = sql::ChangeNumber)]
pub(crate) struct NumberKey(pub(crate) u64);

/// The id of a part as JSON text.
pub(crate) fn client_id_text(id: &PartId) -> String {
    match id {
        PartId::Number(number) => number.to_string(),
        PartId::Text(text) => json_text::string(text),
    }
}

/// Declares how a value is read that every backend keeps as a number or a text.
macro_rules! read_as {
    ($sql:ident as $value:ty: $kept:ty as $kept_sql:ty, $read:expr) => {
        impl<DB: Backend> FromSql<sql::$sql, DB> for $value
        where
            $kept: FromSql<$kept_sql, DB>,
        {
            fn from_sql(value: DB::RawValue<'_>) -> deserialize::Result<Self> {
                let read: fn($kept) -> deserialize::Result<Self> = $read;
                read(<$kept as FromSql<$kept_sql, DB>>::from_sql(value)?)
            }
        }
    };
}

read_as!(ChangeNumber as u64: i64 as BigInt, |number| Ok(Self::try_from(number)?));
read_as!(Instant as Timestamp: i64 as BigInt, |micros| Ok(Self::from_micros(micros)?));
read_as!(JsonText as JsonValue: String as Text, |text| Ok(Self::parse(&text)?));
read_as!(KeyName as ApiKeyName: String as Text, |text| Ok(Self::new(text)?));
read_as!(ScopeWords as Scopes: String as Text, |text| Ok(text.parse()?));
read_as!(ClientId as PartId: String as Text, |text| {
    // As [`client_id_text`] wrote it.
    if let Ok(number) = text.parse() {
        return Ok(Self::Number(number));
    }
    match decode_string(&text)? {
        empty if empty.is_empty() => Err("an empty id".into()),
        decoded => Ok(Self::Text(decoded.into_owned())),
    }
});

impl<DB: Backend> FromSql<sql::ExtraObject, DB> for Extra
where
    String: FromSql<Text, DB>,
{
    fn from_sql(value: DB::RawValue<'_>) -> deserialize::Result<Self> {
        let json = <String as FromSql<Text, DB>>::from_sql(value)?;
        json_text::members(&json).ok_or_else(|| "not a JSON object".into())
    }

    fn from_nullable_sql(value: Option<DB::RawValue<'_>>) -> deserialize::Result<Self> {
        value.map_or_else(
            || Ok(Self::new()),
            FromSql::<sql::ExtraObject, DB>::from_sql,
        )
    }
}
