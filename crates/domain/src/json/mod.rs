//! JSON values that Convosync keeps without looking inside: `metadata`, `tools`, unknown fields.
//!
//! They stay the text that was sent, because a parsed number would lose digits, and a string may hold
//! what no text can. What every store must be able to hold is checked once, here: [`JsonValue::parse`].

mod canonical;
mod lexer;
mod scan;
mod string;

use std::fmt;

use canonical::canonical;
use scan::Strings;

pub use scan::{DEPTH_MAX, KEY_BYTES_MAX, KEYS_MAX};
pub use string::{decode_string, decode_string_mended};

/// A JSON value as the text that was sent.
///
/// Two values are equal when they are the same JSON: white space, the order of an object's keys and
/// the way a string is escaped do not matter; the digits of a number do. Strings are the same when their
/// UTF-16 code units are.
#[derive(Clone)]
pub struct JsonValue(Box<str>);

/// What is wrong with a JSON text, and where in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind}")]
pub struct JsonError {
    /// The place inside the value, like `.tags[2].name`; empty for the value itself.
    pub path: String,
    /// What is wrong there.
    pub kind: JsonErrorKind,
}

impl JsonError {
    /// What is wrong with a value as such.
    fn of_value(kind: JsonErrorKind) -> Self {
        Self {
            path: String::new(),
            kind,
        }
    }
}

/// The kinds of errors of a JSON text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JsonErrorKind {
    /// The text is not JSON as of RFC 8259.
    #[error("not JSON")]
    Syntax,
    /// A text or key holds U+0000, which PostgreSQL cannot store.
    #[error("contains U+0000")]
    Nul,
    /// A text or key holds half of a surrogate pair, which is no Unicode text.
    #[error("unpaired surrogate")]
    UnpairedSurrogate,
    /// A key stands twice in one object.
    #[error("duplicate key")]
    DuplicateKey,
    /// Arrays and objects are nested deeper than [`DEPTH_MAX`].
    #[error("nested deeper than {DEPTH_MAX}")]
    TooDeep,
    /// A key is longer than [`KEY_BYTES_MAX`].
    #[error("key longer than {KEY_BYTES_MAX} bytes")]
    KeyTooLong,
    /// An object has more keys than [`KEYS_MAX`].
    #[error("more than 1,000 keys")]
    TooManyKeys,
}

impl JsonValue {
    /// Checks a JSON text and keeps it as it is.
    ///
    /// # Errors
    /// The first [`JsonError`] in reading order.
    pub fn parse(text: &str) -> Result<Self, JsonError> {
        scan::check(text, Strings::Any)?;
        Ok(Self(text.into()))
    }

    /// Checks a JSON text, and that each string in it is one that a text field could hold.
    ///
    /// # Errors
    /// The first [`JsonError`] in reading order.
    pub fn parse_strictly(text: &str) -> Result<Self, JsonError> {
        scan::check(text, Strings::Texts)?;
        Ok(Self(text.into()))
    }

    /// The text that was sent.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl PartialEq for JsonValue {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0 || canonical(&self.0) == canonical(&other.0)
    }
}

impl Eq for JsonValue {}

impl fmt::Debug for JsonValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> JsonValue {
        JsonValue::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn equality_is_that_of_json() {
        for (one, other) in [
            (
                r#"{"a": 1, "b": [true, null]}"#,
                r#"{"b":[true,null],"a":1}"#,
            ),
            (r#""é\n""#, r#""\u00e9\u000A""#),
            (r#""😀""#, r#""\ud83d\ude00""#),
            (r#"{"\u0061":{}}"#, r#" {"a" : { } } "#),
            (r#""\ud83d\u0000""#, r#""\uD83D\u0000""#),
            (r#""\ufffd\u0061""#, "\"\u{fffd}a\""),
            (
                r#"{"b":{"d":1,"c":[]},"a":0,"ab":"","":1}"#,
                r#"{"":1,"a":0,"ab":"","b":{"c":[],"d":1}}"#,
            ),
            (r#"{"a":["x\ud83d"]}"#, r#"{ "a" : [ "\u0078\ud83d" ] }"#),
        ] {
            assert_eq!(json(one), json(other));
        }
        for (one, other) in [
            ("1", "1.0"),
            ("0.1000000000000000055", "0.1"),
            ("[1,2]", "[2,1]"),
            (r#"{"a":null}"#, "{}"),
            (r#""1""#, "1"),
            ("[]", "{}"),
            ("[[]]", "[]"),
            ("[1,2]", "[12]"),
            (r#"["a","b"]"#, r#"["a\",\"b"]"#),
            (r#"[{"a":1},{"b":2}]"#, r#"[{"b":2},{"a":1}]"#),
            (r#"{"a":1,"b":2}"#, r#"{"a":2,"b":1}"#),
            (r#"{"a":"b"}"#, r#"["a","b"]"#),
            (r#""\ud83d""#, r#""\ufffd""#),
            (r#""\u0000""#, r#""\ufffd""#),
            (r#""\ude00\ud83d""#, r#""\ud83d\ude00""#),
            (r#""\u0000\ufffd""#, r#""\ufffd\u0000""#),
        ] {
            assert_ne!(json(one), json(other));
        }
    }

    #[test]
    fn keeps_the_text_as_it_was_sent() {
        let text = r#"{ "n": 12345678901234567890123, "e": 1E+2 }"#;
        assert_eq!(json(text).as_str(), text);
    }
}
