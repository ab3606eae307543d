//! The strings of a body.

use std::borrow::Cow;

use convosync_domain::json::{JsonError, decode_string, decode_string_mended};

use super::violation::Problem;

/// The text of a JSON string, which is one that a store can hold.
pub(crate) fn decode_text(raw: &str) -> Result<Cow<'_, str>, Problem> {
    decode_by(decode_string, raw)
}

/// The text of a JSON string, with U+FFFD for what no store can hold.
pub(super) fn decode_text_mended(raw: &str) -> Result<Cow<'_, str>, Problem> {
    decode_by(decode_string_mended, raw)
}

/// The text between the quotes where nothing is escaped, as mostly: control characters the parser has
/// refused.
fn decode_by(
    decode: fn(&str) -> Result<Cow<'_, str>, JsonError>,
    raw: &str,
) -> Result<Cow<'_, str>, Problem> {
    let plain = raw
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        .filter(|plain| memchr::memchr(b'\\', plain.as_bytes()).is_none());
    match plain {
        Some(plain) => Ok(Cow::Borrowed(plain)),
        None => decode(raw).map_err(Problem::from),
    }
}
