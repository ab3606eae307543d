//! The API keys of back ends.

use async_trait::async_trait;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable};

use convosync_domain::api_key::{ApiKey, ApiKeyId, ApiKeyName, Scopes, SecretHash};
use convosync_domain::ports::{ApiKeyStore, StoreError};
use convosync_domain::timestamp::Timestamp;

use super::PostgresStore;
use super::schema::ApiKeyRow;
use super::statements::WholeRow;
use crate::statements::statements;
use crate::tables::read_row::ReadRow as _;
use crate::types::sql::{HashBytes, Instant, KeyName, ScopeWords};

#[async_trait]
impl ApiKeyStore for PostgresStore {
    async fn add_key(&self, key: ApiKey) -> Result<bool, StoreError> {
        let mut is_tried = false;
        self.run(move |connection| Ok(add(connection, &key, &mut is_tried)?))
            .await
    }

    async fn find_key(&self, id: ApiKeyId) -> Result<Option<ApiKey>, StoreError> {
        self.run(move |connection| Ok(find(connection, id)?)).await
    }

    async fn list_keys(&self) -> Result<Vec<ApiKey>, StoreError> {
        self.run(|connection| Ok(list(connection)?)).await
    }

    async fn revoke_key(&self, id: ApiKeyId, at: Timestamp) -> Result<Option<ApiKey>, StoreError> {
        self.run(move |connection| Ok(revoke(connection, id, at)?))
            .await
    }
}

statements! { Pg, PgConnection:
    /// The key of this id.
    Select -> (WholeRow,) =
        "SELECT ", (ApiKeyRow::LIST), " FROM api_keys WHERE id = " + id: i64 as BigInt;

    /// All keys.
    SelectAll -> (WholeRow,) = "SELECT ", (ApiKeyRow::LIST), " FROM api_keys";

    /// A new key; one that has this id already stays.
    Insert =
        "INSERT INTO api_keys (id, name, secret_hash, scopes, created_at, expires_at, revoked_at) \
         VALUES (" + id: i64 as BigInt,
        ", " + name: ApiKeyName as KeyName,
        ", " + secret_hash: SecretHash as HashBytes,
        ", " + scopes: Scopes as ScopeWords,
        ", " + created_at: Timestamp as Instant,
        ", " + expires_at: Option<Timestamp> as Nullable<Instant>,
        ", " + revoked_at: Option<Timestamp> as Nullable<Instant>,
        ") ON CONFLICT (id) DO NOTHING";

    /// A key is revoked; one that was before keeps its moment.
    Revoke -> (WholeRow,) =
        "UPDATE api_keys SET revoked_at = coalesce(revoked_at, " + at: Timestamp as Instant,
        ") WHERE id = " + id: i64 as BigInt,
        " RETURNING ", (ApiKeyRow::LIST);
}

/// Adds the key. An attempt `is_tried` when no answer came of it: it may have done so.
fn add(connection: &mut PgConnection, key: &ApiKey, is_tried: &mut bool) -> QueryResult<bool> {
    let may_be_added = std::mem::replace(is_tried, true);
    let insert = Insert {
        id: key.id.as_bits().cast_signed(),
        name: key.name.clone(),
        secret_hash: key.secret_hash,
        scopes: key.scopes.clone(),
        created_at: key.created_at,
        expires_at: key.expires_at,
        revoked_at: key.revoked_at,
    };
    if insert.execute(connection)? == 1 {
        return Ok(true);
    }
    if !may_be_added {
        return Ok(false);
    }
    // Nobody has the secret of another key.
    let stored = find(connection, key.id)?;
    Ok(stored.is_some_and(|stored| stored.secret_hash == key.secret_hash))
}

fn find(connection: &mut PgConnection, id: ApiKeyId) -> QueryResult<Option<ApiKey>> {
    let id = id.as_bits().cast_signed();
    let row: Option<ApiKeyRow> = Select { id }.get_result(connection).optional()?;
    Ok(row.map(ApiKey::from))
}

fn list(connection: &mut PgConnection) -> QueryResult<Vec<ApiKey>> {
    let rows: Vec<ApiKeyRow> = (SelectAll {}).load(connection)?;
    let mut keys: Vec<_> = rows.into_iter().map(ApiKey::from).collect();
    keys.sort_by_key(ApiKey::list_order);
    Ok(keys)
}

fn revoke(
    connection: &mut PgConnection,
    id: ApiKeyId,
    at: Timestamp,
) -> QueryResult<Option<ApiKey>> {
    let id = id.as_bits().cast_signed();
    let row: Option<ApiKeyRow> = Revoke { at, id }.get_result(connection).optional()?;
    Ok(row.map(ApiKey::from))
}

impl From<ApiKeyRow> for ApiKey {
    fn from(row: ApiKeyRow) -> Self {
        Self {
            id: ApiKeyId::from_bits(row.id.cast_unsigned()),
            name: row.name,
            secret_hash: row.secret_hash,
            scopes: row.scopes,
            created_at: row.created_at,
            expires_at: row.expires_at,
            revoked_at: row.revoked_at,
        }
    }
}

#[cfg(test)]
mod tests {
    use convosync_test_postgres::TestServer;

    use super::*;
    use crate::postgres::PostgresOptions;

    fn key(secret: &str) -> ApiKey {
        ApiKey {
            id: ApiKeyId::from_bits(u64::MAX),
            name: ApiKeyName::default(),
            secret_hash: SecretHash::of(secret),
            scopes: Scopes::default(),
            created_at: Timestamp::from_micros(0).unwrap(),
            expires_at: None,
            revoked_at: None,
        }
    }

    #[test]
    fn a_key_that_an_earlier_attempt_has_added_is_added() {
        let database = TestServer::shared().new_database();
        PostgresStore::migrate(&PostgresOptions::at(database.url())).unwrap();
        let mut connection = PgConnection::establish(&database.url()).unwrap();
        let mut added = |secret: &str, mut is_tried: bool| {
            let added = add(&mut connection, &key(secret), &mut is_tried).unwrap();
            assert!(is_tried);
            added
        };
        assert!(added("ours", false));
        assert!(added("ours", true));
        assert!(!added("ours", false));
        assert!(!added("another's", true));
    }
}
