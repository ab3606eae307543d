//! How the values are sent to PostgreSQL, and those of bytes read from it.

use std::io::Write as _;

use diesel::deserialize::{self, FromSql};
use diesel::pg::{Pg, PgValue};
use diesel::serialize::{self, IsNull, Output, ToSql};
use uuid::Uuid;

use convosync_domain::api_key::{ApiKeyName, Scopes, SecretHash};
use convosync_domain::fields::PartId;
use convosync_domain::json::JsonValue;
use convosync_domain::patch::Extra;
use convosync_domain::posted::Digest;
use convosync_domain::timestamp::Timestamp;

use super::{client_id_text, sql};
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

impl ToSql<sql::Instant, Pg> for Timestamp {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        out.write_all(&self.as_micros().to_be_bytes())?;
        Ok(IsNull::No)
    }
}

impl ToSql<sql::JsonText, Pg> for JsonValue {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        out.write_all(self.as_str().as_bytes())?;
        Ok(IsNull::No)
    }
}

impl ToSql<sql::ClientId, Pg> for PartId {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        out.write_all(client_id_text(self).as_bytes())?;
        Ok(IsNull::No)
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

impl ToSql<sql::HashBytes, Pg> for SecretHash {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        out.write_all(self.as_bytes())?;
        Ok(IsNull::No)
    }
}

impl FromSql<sql::HashBytes, Pg> for SecretHash {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        Ok(Self::from_bytes(value.as_bytes().try_into()?))
    }
}

impl ToSql<sql::KeyName, Pg> for ApiKeyName {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        out.write_all(self.as_str().as_bytes())?;
        Ok(IsNull::No)
    }
}

impl ToSql<sql::ScopeWords, Pg> for Scopes {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        write!(out, "{self}")?;
        Ok(IsNull::No)
    }
}
