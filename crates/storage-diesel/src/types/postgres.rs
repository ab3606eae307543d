//! How the values are sent to and read from PostgreSQL.

use std::io::Write as _;

use diesel::deserialize::{self, FromSql};
use diesel::pg::{Pg, PgValue};
use diesel::serialize::{self, IsNull, Output, ToSql};
use diesel::sql_types::{BigInt, Text};
use uuid::Uuid;

use convosync_domain::fields::PartId;
use convosync_domain::json::JsonValue;
use convosync_domain::patch::Extra;
use convosync_domain::posted::Digest;
use convosync_domain::timestamp::Timestamp;

use super::{client_id, client_id_text, extra, sql};
use crate::json_text;

impl ToSql<sql::UuidBytes, Pg> for Uuid {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        out.write_all(self.as_bytes())?;
        Ok(IsNull::No)
    }
}

impl FromSql<sql::UuidBytes, Pg> for Uuid {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        Ok(Self::from_slice(value.as_bytes())?)
    }
}

impl ToSql<sql::DigestBytes, Pg> for Digest {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        out.write_all(&self.0)?;
        Ok(IsNull::No)
    }
}

impl FromSql<sql::DigestBytes, Pg> for Digest {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        Ok(Self(value.as_bytes().try_into()?))
    }
}

impl ToSql<sql::ChangeNumber, Pg> for u64 {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        out.write_all(&i64::try_from(*self)?.to_be_bytes())?;
        Ok(IsNull::No)
    }
}

impl FromSql<sql::ChangeNumber, Pg> for u64 {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        let number = <i64 as FromSql<BigInt, Pg>>::from_sql(value)?;
        Ok(Self::try_from(number)?)
    }
}

impl ToSql<sql::Instant, Pg> for Timestamp {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        out.write_all(&self.as_micros().to_be_bytes())?;
        Ok(IsNull::No)
    }
}

impl FromSql<sql::Instant, Pg> for Timestamp {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        let micros = <i64 as FromSql<BigInt, Pg>>::from_sql(value)?;
        Ok(Self::from_micros(micros)?)
    }
}

impl ToSql<sql::JsonText, Pg> for JsonValue {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        out.write_all(self.as_str().as_bytes())?;
        Ok(IsNull::No)
    }
}

impl FromSql<sql::JsonText, Pg> for JsonValue {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        Ok(Self::parse(&text(value)?)?)
    }
}

impl ToSql<sql::ClientId, Pg> for PartId {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        out.write_all(client_id_text(self).as_bytes())?;
        Ok(IsNull::No)
    }
}

impl FromSql<sql::ClientId, Pg> for PartId {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        client_id(&text(value)?)
    }
}

impl ToSql<sql::ExtraObject, Pg> for Extra {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        if self.is_empty() {
            return Ok(IsNull::Yes);
        }
        out.write_all(json_text::object(self).as_bytes())?;
        Ok(IsNull::No)
    }
}

impl FromSql<sql::ExtraObject, Pg> for Extra {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        extra(&text(value)?)
    }

    fn from_nullable_sql(value: Option<PgValue<'_>>) -> deserialize::Result<Self> {
        value.map_or_else(
            || Ok(Self::new()),
            FromSql::<sql::ExtraObject, Pg>::from_sql,
        )
    }
}

/// A text, which has to be UTF-8.
fn text(value: PgValue<'_>) -> deserialize::Result<String> {
    <String as FromSql<Text, Pg>>::from_sql(value)
}
