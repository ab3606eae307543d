//! How the values are sent to SQLite, and those of bytes read from it.

use diesel::deserialize::{self, FromSql};
use diesel::serialize::{self, IsNull, Output, ToSql};
use diesel::sqlite::{Sqlite, SqliteValue};
use uuid::Uuid;

use convosync_domain::api_key::{ApiKeyName, Scopes, SecretHash};
use convosync_domain::fields::PartId;
use convosync_domain::json::JsonValue;
use convosync_domain::patch::Extra;
use convosync_domain::posted::Digest;
use convosync_domain::timestamp::Timestamp;

use super::{NumberKey, UuidKey, client_id_text, sql};
use crate::json_text;

impl ToSql<sql::UuidBytes, Sqlite> for UuidKey {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        ToSql::<sql::UuidBytes, Sqlite>::to_sql(&self.0, out)
    }
}

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

impl ToSql<sql::Instant, Sqlite> for Timestamp {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(self.as_micros());
        Ok(IsNull::No)
    }
}

impl ToSql<sql::JsonText, Sqlite> for JsonValue {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(self.as_str());
        Ok(IsNull::No)
    }
}

impl ToSql<sql::ClientId, Sqlite> for PartId {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(client_id_text(self));
        Ok(IsNull::No)
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

impl ToSql<sql::HashBytes, Sqlite> for SecretHash {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(self.as_bytes().as_slice());
        Ok(IsNull::No)
    }
}

impl FromSql<sql::HashBytes, Sqlite> for SecretHash {
    fn from_sql(mut value: SqliteValue<'_, '_, '_>) -> deserialize::Result<Self> {
        Ok(Self::from_bytes(value.read_blob().try_into()?))
    }
}

impl ToSql<sql::KeyName, Sqlite> for ApiKeyName {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(self.as_str());
        Ok(IsNull::No)
    }
}

impl ToSql<sql::ScopeWords, Sqlite> for Scopes {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(self.to_string());
        Ok(IsNull::No)
    }
}
