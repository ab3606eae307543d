//! Where keys come from, and when they are read again.

pub(crate) mod file;
pub(crate) mod url;

use std::sync::Arc;

use convosync_domain::ports::Clock;
use convosync_domain::timestamp::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey};

use self::file::JwksFile;
use self::url::{FETCH_TIMEOUT, JwksUrl};
use crate::keys::{Key, KeyRing, hash};
use crate::settings::{HS256_SECRET_MIN_BYTES, JwtSetupError, KeySource};

const SECOND: u64 = 1_000_000;

/// The keys that tokens are checked with.
pub(crate) enum Keys {
    Secret(Arc<KeyRing>),
    File(JwksFile),
    Url(Arc<JwksUrl>),
}

impl Keys {
    pub(crate) fn new(source: KeySource, clock: &Arc<dyn Clock>) -> Result<Self, JwtSetupError> {
        Ok(match source {
            KeySource::Secret(secret) => Self::Secret(Arc::new(ring_of_secret(&secret)?)),
            KeySource::JwksFile(path) => Self::File(JwksFile::open(path, clock.now())?),
            KeySource::JwksUrl(address) => {
                let url = JwksUrl::new(address, FETCH_TIMEOUT, Arc::clone(clock))?;
                Self::Url(Arc::new(url))
            }
        })
    }

    /// The keys as they are now. Sees to it that they do not grow old, without waiting for the network.
    pub(crate) fn current(&self, now: Timestamp) -> Arc<KeyRing> {
        match self {
            Self::Secret(ring) => Arc::clone(ring),
            Self::File(file) => file.current(now),
            Self::Url(url) => url.current(now),
        }
    }

    /// The keys for a token that names none of the current ones: newer ones, if it is time to ask for them.
    pub(crate) async fn newer(&self, now: Timestamp) -> Arc<KeyRing> {
        match self {
            Self::Secret(_) | Self::File(_) => self.current(now),
            Self::Url(url) => url.newer().await,
        }
    }

    /// Reads the keys again, whether or not it is time.
    pub(crate) async fn reload(&self) {
        match self {
            Self::Secret(_) => {}
            Self::File(file) => file.reload(),
            Self::Url(url) => url.reload().await,
        }
    }
}

fn ring_of_secret(secret: &str) -> Result<KeyRing, JwtSetupError> {
    if secret.len() < HS256_SECRET_MIN_BYTES {
        return Err(JwtSetupError::ShortSecret);
    }
    let material =
        DecodingKey::from_secret(secret.as_bytes()).or(Err(JwtSetupError::ShortSecret))?;
    let key = Key {
        id: None,
        algorithm: Algorithm::HS256,
        material,
    };
    Ok(KeyRing::new(vec![key], hash(secret)))
}

/// Whether so many microseconds have passed; a clock that was set back is no reason to wait longer.
fn is_over(interval: u64, since: Timestamp, now: Timestamp) -> bool {
    now.as_micros().abs_diff(since.as_micros()) >= interval
}
