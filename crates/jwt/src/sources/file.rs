use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::SystemTime;

use convosync_domain::timestamp::Timestamp;

use super::{SECOND, is_over};
use crate::jwks::{JWKS_MAX_BYTES, JwksError, usable_keys};
use crate::keys::{CurrentKeys, KeyRing, hash};
use crate::settings::JwtSetupError;

/// How often a file is looked at, in microseconds.
const LOOK_EVERY: u64 = SECOND;

/// A file with a key set. When it cannot be used any more its last keys stay.
pub(crate) struct JwksFile {
    path: PathBuf,
    keys: CurrentKeys,
    look: Mutex<Look>,
}

/// What was seen of the file, and when.
struct Look {
    at: Timestamp,
    stamp: Option<Stamp>,
}

/// What changes with the content: when it was written, and its length.
type Stamp = (SystemTime, u64);

/// Why the content of a file was not taken.
#[derive(Debug, thiserror::Error)]
enum NotTaken {
    #[error("it cannot be read: {0}")]
    Unreadable(#[from] io::Error),
    #[error("{0}")]
    Unusable(#[from] JwksError),
}

impl JwksFile {
    pub(crate) fn open(path: PathBuf, now: Timestamp) -> Result<Self, JwtSetupError> {
        // Before the content, so that a change between the two is seen as one.
        let stamp = stamp(&path);
        let keys = match read(&path).and_then(|document| Ok(ring(&document)?)) {
            Ok(ring) => CurrentKeys::new(ring),
            Err(NotTaken::Unreadable(source)) => {
                return Err(JwtSetupError::Unreadable { path, source });
            }
            Err(NotTaken::Unusable(source)) => {
                return Err(JwtSetupError::Unusable { path, source });
            }
        };
        let look = Mutex::new(Look { at: now, stamp });
        Ok(Self { path, keys, look })
    }

    pub(crate) fn current(&self, now: Timestamp) -> Arc<KeyRing> {
        if let Some(mut look) = self.try_look()
            && is_over(LOOK_EVERY, look.at, now)
        {
            look.at = now;
            let stamp = stamp(&self.path);
            if stamp != look.stamp {
                look.stamp = stamp;
                self.read_again();
            }
        }
        self.keys.get()
    }

    pub(crate) fn reload(&self) {
        let mut look = self.look.lock().unwrap_or_else(PoisonError::into_inner);
        look.stamp = stamp(&self.path);
        self.read_again();
    }

    /// `None` while another one looks.
    fn try_look(&self) -> Option<MutexGuard<'_, Look>> {
        match self.look.try_lock() {
            Ok(look) => Some(look),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    fn read_again(&self) {
        let taken = read(&self.path).and_then(|document| Ok(self.keys.take(&document)?));
        if let Err(error) = taken {
            let path = self.path.display();
            tracing::warn!(%path, %error, "the key set is not usable; its last keys stay");
        }
    }
}

/// What is in the file now.
pub(crate) fn document(path: &Path) -> Result<Vec<u8>, JwtSetupError> {
    read(path).map_err(|error| {
        let path = path.to_owned();
        match error {
            NotTaken::Unreadable(source) => JwtSetupError::Unreadable { path, source },
            NotTaken::Unusable(source) => JwtSetupError::Unusable { path, source },
        }
    })
}

fn ring(document: &[u8]) -> Result<KeyRing, JwksError> {
    Ok(KeyRing::new(usable_keys(document)?, hash(document)))
}

fn stamp(path: &Path) -> Option<Stamp> {
    let metadata = fs::metadata(path).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}

fn read(path: &Path) -> Result<Vec<u8>, NotTaken> {
    let mut document = Vec::new();
    let length = File::open(path)?
        .take(JWKS_MAX_BYTES + 1)
        .read_to_end(&mut document)?;
    match u64::try_from(length) {
        Ok(..=JWKS_MAX_BYTES) => Ok(document),
        _ => Err(JwksError::TooLong.into()),
    }
}
