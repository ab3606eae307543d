//! The API keys: a file with a line for each, whose columns are separated by tabs.

use async_trait::async_trait;
use convosync_domain::api_key::{ApiKey, ApiKeyId, ApiKeyName, SecretHash};
use convosync_domain::ports::{ApiKeyStore, StoreError};
use convosync_domain::timestamp::Timestamp;

use crate::FolderStore;
use crate::files::corrupt;

const FILE: &str = "api_keys";

#[async_trait]
impl ApiKeyStore for FolderStore {
    async fn add_key(&self, key: ApiKey) -> Result<bool, StoreError> {
        let _writing = self.lock.write().await;
        let mut keys = self.read_keys()?;
        if keys.iter().any(|stored| stored.id == key.id) {
            return Ok(false);
        }
        keys.push(key);
        self.write_keys(&keys)?;
        Ok(true)
    }

    async fn find_key(&self, id: ApiKeyId) -> Result<Option<ApiKey>, StoreError> {
        Ok(self.read_keys()?.into_iter().find(|key| key.id == id))
    }

    async fn list_keys(&self) -> Result<Vec<ApiKey>, StoreError> {
        let mut keys = self.read_keys()?;
        keys.sort_by_key(ApiKey::list_order);
        Ok(keys)
    }

    async fn revoke_key(&self, id: ApiKeyId, at: Timestamp) -> Result<Option<ApiKey>, StoreError> {
        let _writing = self.lock.write().await;
        let mut keys = self.read_keys()?;
        let Some(key) = keys.iter_mut().find(|key| key.id == id) else {
            return Ok(None);
        };
        key.revoked_at.get_or_insert(at);
        let key = key.clone();
        self.write_keys(&keys)?;
        Ok(Some(key))
    }
}

impl FolderStore {
    fn read_keys(&self) -> Result<Vec<ApiKey>, StoreError> {
        let text = self.files.read_file(FILE)?.unwrap_or_default();
        let keys = text.lines().map(read_line);
        keys.collect::<Option<_>>().ok_or_else(|| corrupt(FILE))
    }

    fn write_keys(&self, keys: &[ApiKey]) -> Result<(), StoreError> {
        let lines: String = keys.iter().map(line).collect();
        self.files.replace(FILE, lines.as_bytes())
    }
}

fn line(key: &ApiKey) -> String {
    let moment = |at: Option<Timestamp>| at.map(|at| at.to_string()).unwrap_or_default();
    let hash = key.secret_hash.as_bytes();
    let columns = [
        key.id.to_string(),
        hash.iter().map(|byte| format!("{byte:02x}")).collect(),
        key.scopes.to_string(),
        key.created_at.to_string(),
        moment(key.expires_at),
        moment(key.revoked_at),
        // It has no tab and no end of line, as no control character may be in it.
        key.name.as_str().to_owned(),
    ];
    columns.join("\t") + "\n"
}

fn read_line(line: &str) -> Option<ApiKey> {
    let columns: Vec<_> = line.split('\t').collect();
    let [id, hash, scopes, created_at, expires_at, revoked_at, name] = *columns else {
        return None;
    };
    Some(ApiKey {
        id: ApiKeyId::parse(id).ok()?,
        name: ApiKeyName::new(name).ok()?,
        secret_hash: read_hash(hash)?,
        scopes: scopes.parse().ok()?,
        created_at: Timestamp::parse(created_at).ok()?,
        expires_at: read_moment(expires_at)?,
        revoked_at: read_moment(revoked_at)?,
    })
}

fn read_moment(text: &str) -> Option<Option<Timestamp>> {
    match text {
        "" => Some(None),
        text => Timestamp::parse(text).ok().map(Some),
    }
}

fn read_hash(digits: &str) -> Option<SecretHash> {
    let byte = |index: usize| u8::from_str_radix(digits.get(2 * index..2 * index + 2)?, 16).ok();
    let bytes: Vec<u8> = (0..32).map(byte).collect::<Option<_>>()?;
    Some(SecretHash::from_bytes(bytes.try_into().ok()?))
}
