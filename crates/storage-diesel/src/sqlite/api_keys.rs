//! The API keys of back ends.

use async_trait::async_trait;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use diesel::sqlite::Sqlite;

use convosync_domain::api_key::{ApiKey, ApiKeyId};
use convosync_domain::ports::{ApiKeyStore, StoreError};
use convosync_domain::timestamp::Timestamp;

use super::SqliteStore;
use super::errors::SqliteError;
use super::group::Group;
use super::schema::{ApiKeyRow, api_keys};
use super::statements::insert;
use crate::statements::statements;
use crate::types::sql::Instant;

#[async_trait]
impl ApiKeyStore for SqliteStore {
    async fn add_key(&self, key: ApiKey) -> Result<bool, StoreError> {
        self.write(0, move |group: &mut Group<'_>| add(group, key))
            .await
    }

    async fn find_key(&self, id: ApiKeyId) -> Result<Option<ApiKey>, StoreError> {
        let find = move |connection: &mut _| Ok(find(connection, id)?);
        self.0.read_pool.read_inline(find).await
    }

    async fn list_keys(&self) -> Result<Vec<ApiKey>, StoreError> {
        self.read_in_transaction(list).await
    }

    async fn revoke_key(&self, id: ApiKeyId, at: Timestamp) -> Result<Option<ApiKey>, StoreError> {
        self.write(0, move |group: &mut Group<'_>| revoke(group, id, at))
            .await
    }
}

statements! { Sqlite, SqliteConnection:
    /// A key is revoked, unless it was before.
    Revoke = "UPDATE api_keys SET revoked_at = " + at: Timestamp as Instant,
        " WHERE revoked_at IS NULL AND id = " + id: i64 as BigInt;
}

fn add(group: &mut Group<'_>, key: ApiKey) -> Result<bool, SqliteError> {
    if find(group.connection, key.id)?.is_some() {
        return Ok(false);
    }
    insert(&ApiKeyRow::from(key), group.connection)?;
    Ok(true)
}

fn find(connection: &mut SqliteConnection, id: ApiKeyId) -> QueryResult<Option<ApiKey>> {
    let row: Option<ApiKeyRow> = api_keys::table
        .filter(api_keys::id.eq(id.as_bits().cast_signed()))
        .get_result(connection)
        .optional()?;
    Ok(row.map(ApiKey::from))
}

fn list(connection: &mut SqliteConnection) -> Result<Vec<ApiKey>, SqliteError> {
    let rows: Vec<ApiKeyRow> = api_keys::table.load(connection)?;
    let mut keys: Vec<_> = rows.into_iter().map(ApiKey::from).collect();
    keys.sort_by_key(ApiKey::list_order);
    Ok(keys)
}

fn revoke(
    group: &mut Group<'_>,
    id: ApiKeyId,
    at: Timestamp,
) -> Result<Option<ApiKey>, SqliteError> {
    let number = id.as_bits().cast_signed();
    Revoke { at, id: number }.execute(group.connection)?;
    Ok(find(group.connection, id)?)
}

impl From<ApiKey> for ApiKeyRow {
    fn from(key: ApiKey) -> Self {
        Self {
            id: key.id.as_bits().cast_signed(),
            name: key.name,
            secret_hash: key.secret_hash,
            scopes: key.scopes,
            created_at: key.created_at,
            expires_at: key.expires_at,
            revoked_at: key.revoked_at,
        }
    }
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
