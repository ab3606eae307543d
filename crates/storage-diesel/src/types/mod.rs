//! How the domain's values stand in columns: one SQL type for each, with what it is called by each
//! backend, and the values it takes.
//!
//! The SQL types are this crate's own, so that the domain's types can be bound and read as they
//! are. What cannot have been written by this crate fails to be read.

mod postgres;
mod sqlite;

use diesel::deserialize;
use diesel::expression::AsExpression;
use diesel::sql_types::SqlOrd;
use uuid::Uuid;

use convosync_domain::fields::PartId;
use convosync_domain::json::decode_string;
use convosync_domain::patch::Extra;

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

    /// A change number or counter.
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
fn client_id_text(id: &PartId) -> String {
    match id {
        PartId::Number(number) => number.to_string(),
        PartId::Text(text) => json_text::string(text),
    }
}

/// The id of a part that [`client_id_text`] wrote.
fn client_id(text: &str) -> deserialize::Result<PartId> {
    if let Ok(number) = text.parse() {
        return Ok(PartId::Number(number));
    }
    match decode_string(text)? {
        empty if empty.is_empty() => Err("an empty id".into()),
        decoded => Ok(PartId::Text(decoded.into_owned())),
    }
}

/// The fields of a JSON object.
fn extra(text: &str) -> deserialize::Result<Extra> {
    json_text::members(text).ok_or_else(|| "not a JSON object".into())
}
