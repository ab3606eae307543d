//! What all cursors have in common: base64url of some bytes and of a check value over them and whatever the cursor is
//! bound to. The check value keeps clients from mixing cursors up; it is no secret, since a forged cursor shows its
//! owner nothing but the owner's own data.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::InvalidCursor;

const CHECK_BYTES: usize = 8;

/// The text that stands for these bytes where it is bound to the same.
pub(crate) fn seal(mut bytes: Vec<u8>, bound_to: &[u8]) -> String {
    let check = check_value(bound_to, &bytes);
    bytes.extend(check);
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The bytes that a text stands for.
///
/// # Errors
/// [`InvalidCursor`] when it is malformed, or bound to something else.
pub(super) fn open(text: &str, bound_to: &[u8]) -> Result<Vec<u8>, InvalidCursor> {
    let mut bytes = URL_SAFE_NO_PAD.decode(text).or(Err(InvalidCursor))?;
    let (sealed, check) = bytes
        .split_last_chunk::<CHECK_BYTES>()
        .ok_or(InvalidCursor)?;
    if check_value(bound_to, sealed) != *check {
        return Err(InvalidCursor);
    }
    bytes.truncate(sealed.len());
    Ok(bytes)
}

fn check_value(bound_to: &[u8], bytes: &[u8]) -> [u8; CHECK_BYTES] {
    let hash = Sha256::new()
        .chain_update("convosync:cursor:")
        .chain_update(bound_to)
        .chain_update(bytes)
        .finalize();
    let mut check = [0; CHECK_BYTES];
    check
        .iter_mut()
        .zip(hash)
        .for_each(|(byte, hashed)| *byte = hashed);
    check
}

/// What of a cursor is not read yet.
pub(super) struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    pub(super) fn of(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn take<const N: usize>(&mut self) -> Result<[u8; N], InvalidCursor> {
        let (bytes, rest) = self.0.split_first_chunk().ok_or(InvalidCursor)?;
        self.0 = rest;
        Ok(*bytes)
    }

    pub(super) fn number(&mut self) -> Result<u64, InvalidCursor> {
        self.take().map(u64::from_be_bytes)
    }

    pub(super) fn uuid(&mut self) -> Result<Uuid, InvalidCursor> {
        self.take().map(Uuid::from_bytes)
    }
}
