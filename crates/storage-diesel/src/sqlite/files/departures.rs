//! What a store knows to be gone, and another copy of it may not know yet.

use std::path::Path;
use std::time::Duration;

use convosync_domain::api_key::ApiKeyId;
use convosync_domain::identity::VisitorId;
use convosync_domain::timestamp::Timestamp;
use convosync_domain::tombstone::{VisitorGone, VisitorTombstone};
use uuid::Uuid;

use super::error::FileError;
use super::{Stop, StoreFile};

/// Who and what is gone, as a store says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Departures {
    /// The visitors who were erased or merged.
    pub visitors: Vec<VisitorTombstone>,
    /// The API keys that were revoked, and since when.
    pub revoked_keys: Vec<(ApiKeyId, Timestamp)>,
}

/// Who and what is gone, as the store in this file says, whatever its schema.
///
/// # Errors
/// [`FileError`] when it is no store that can be read.
pub fn departures(path: &Path, busy_timeout: Duration) -> Result<Departures, FileError> {
    StoreFile::open(path, busy_timeout, &Stop::default())?.departures()
}

impl StoreFile {
    pub(super) fn departures(&self) -> Result<Departures, FileError> {
        let mut departures = Departures::default();
        if !self.has_table("store")? {
            return Err(FileError::NotAStore {
                path: self.path.clone(),
            });
        }
        if self.has_table("visitor_tombstones")? {
            let query = "SELECT key, merged_into, gone_at FROM visitor_tombstones ORDER BY gone_at";
            departures.visitors = self.rows(query, |row| {
                let into: Option<Uuid> = row.get::<_, Option<[u8; 16]>>(1)?.map(Uuid::from_bytes);
                Ok(VisitorTombstone {
                    id: VisitorId::from_uuid(Uuid::from_bytes(row.get(0)?)),
                    gone: into.map_or(VisitorGone::Erased, |into| VisitorGone::Merged {
                        into: VisitorId::from_uuid(into),
                    }),
                    at: timestamp(row, 2)?,
                })
            })?;
        }
        if self.has_table("api_keys")? {
            let query = "SELECT id, revoked_at FROM api_keys WHERE revoked_at IS NOT NULL";
            departures.revoked_keys = self.rows(query, |row| {
                let id: i64 = row.get(0)?;
                let id = ApiKeyId::from_bits(id.cast_unsigned());
                Ok((id, timestamp(row, 1)?))
            })?;
        }
        Ok(departures)
    }
}

fn timestamp(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<Timestamp> {
    let micros: i64 = row.get(column)?;
    Timestamp::from_micros(micros)
        .map_err(|_out_of_range| rusqlite::Error::IntegralValueOutOfRange(column, micros))
}
