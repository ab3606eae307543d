//! The strings of a JSON text. One may hold what no store can keep as a text: U+0000, and surrogates
//! without their other half, as titles do that were cut in the middle of an emoji.

use std::borrow::Cow;

use super::lexer::{Lexer, Token};
use super::{JsonError, JsonErrorKind};

/// What stands for a code unit that no store can keep.
const MENDED: &str = "\u{fffd}";

/// The first of the three bytes of a surrogate in WTF-8.
const FIRST_BYTE_OF_SURROGATES: u8 = 0xed;

/// A string of a JSON text.
#[derive(Clone, Debug)]
pub(super) enum JsonString<'a> {
    /// Nothing in it is escaped, so it is what stands between the quotes.
    Plain(&'a str),
    Escaped(Escaped),
}

/// A string with its escapes decoded, as [WTF-8](https://simonsapin.github.io/wtf-8/): UTF-8 in which an
/// unpaired surrogate has three bytes, too. So two strings are equal if their UTF-16 code units are.
#[derive(Clone, Debug)]
pub(super) struct Escaped {
    wtf8: Vec<u8>,
    /// The first thing in it that no text of a store can hold.
    unstorable: Option<JsonErrorKind>,
}

impl Escaped {
    pub(super) fn with_capacity(bytes: usize) -> Self {
        Self {
            wtf8: Vec::with_capacity(bytes),
            unstorable: None,
        }
    }

    pub(super) fn push_str(&mut self, text: &str) {
        self.wtf8.extend_from_slice(text.as_bytes());
    }

    pub(super) fn push(&mut self, character: char) {
        self.push_str(character.encode_utf8(&mut [0; 4]));
    }

    /// Adds a code unit that is no half of a pair.
    pub(super) fn push_unit(&mut self, unit: u16) {
        match char::from_u32(unit.into()) {
            Some('\0') => {
                self.unstorable.get_or_insert(JsonErrorKind::Nul);
                self.push('\0');
            }
            Some(character) => self.push(character),
            None => {
                let problem = JsonErrorKind::UnpairedSurrogate;
                self.unstorable.get_or_insert(problem);
                let [high, low] = unit.to_be_bytes();
                self.wtf8.extend([
                    FIRST_BYTE_OF_SURROGATES,
                    0x80 | ((high & 0x0f) << 2) | (low >> 6),
                    0x80 | (low & 0x3f),
                ]);
            }
        }
    }

    fn mended(self) -> String {
        let text = String::from_utf8(self.wtf8)
            .unwrap_or_else(|error| without_surrogates(error.as_bytes()));
        match self.unstorable {
            None => text,
            Some(_) => text.replace('\0', MENDED),
        }
    }
}

fn without_surrogates(wtf8: &[u8]) -> String {
    let mut text = String::with_capacity(wtf8.len());
    for chunk in wtf8.utf8_chunks() {
        text.push_str(chunk.valid());
        // Each byte of a surrogate ends a chunk.
        if chunk.invalid() == [FIRST_BYTE_OF_SURROGATES] {
            text.push_str(MENDED);
        }
    }
    text
}

impl<'a> JsonString<'a> {
    /// The string as a text, where it is one that a store can hold.
    pub(super) fn text(self) -> Result<Cow<'a, str>, JsonErrorKind> {
        match self.unstorable() {
            Some(problem) => Err(problem),
            None => Ok(self.mended()),
        }
    }

    /// The string as a text, with U+FFFD for what a store cannot hold.
    fn mended(self) -> Cow<'a, str> {
        match self {
            Self::Plain(text) => Cow::Borrowed(text),
            Self::Escaped(escaped) => Cow::Owned(escaped.mended()),
        }
    }

    pub(super) fn unstorable(&self) -> Option<JsonErrorKind> {
        match self {
            Self::Plain(_) => None,
            Self::Escaped(escaped) => escaped.unstorable,
        }
    }

    pub(super) fn as_wtf8(&self) -> &[u8] {
        match self {
            Self::Plain(text) => text.as_bytes(),
            Self::Escaped(escaped) => &escaped.wtf8,
        }
    }
}

/// Decodes a JSON text that is one string, borrowing where nothing is escaped.
///
/// # Errors
/// [`JsonError`] when the text is something else, holds U+0000 or an unpaired surrogate.
pub fn decode_string(text: &str) -> Result<Cow<'_, str>, JsonError> {
    read_string(text)
        .and_then(JsonString::text)
        .map_err(JsonError::of_value)
}

/// Decodes a JSON text that is one string, with U+FFFD for U+0000 and for each unpaired surrogate, as
/// CommonMark and the Web's `USVString` have it.
///
/// # Errors
/// [`JsonError`] when the text is something else.
pub fn decode_string_mended(text: &str) -> Result<Cow<'_, str>, JsonError> {
    read_string(text)
        .map(JsonString::mended)
        .map_err(JsonError::of_value)
}

fn read_string(text: &str) -> Result<JsonString<'_>, JsonErrorKind> {
    let mut lexer = Lexer::new(text);
    match (lexer.next()?, lexer.next()?) {
        (Some(Token::String(string)), None) => Ok(string),
        _ => Err(JsonErrorKind::Syntax),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(text: &str) -> Result<String, JsonErrorKind> {
        decode_string(text)
            .map(Cow::into_owned)
            .map_err(|error| error.kind)
    }

    #[test]
    fn decodes_strings() {
        for (text, expected) in [
            (r#""""#, ""),
            (r#""plain é 😀""#, "plain é 😀"),
            (r#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{c}\n\r\t"),
            (r#""a\u00e9b\ud83d\ude00c""#, "aéb😀c"),
            (" \"\\uFFFE\u{7f}\" ", "\u{fffe}\u{7f}"),
        ] {
            assert_eq!(decoded(text), Ok(expected.to_owned()), "{text}");
        }
    }

    #[test]
    fn mends_what_a_store_cannot_hold() {
        for (text, expected) in [
            (r#""plain é 😀""#, "plain é 😀"),
            (r#""a\u0000b""#, "a\u{fffd}b"),
            (r#""\ud83d""#, "\u{fffd}"),
            (r#""😀\ud83dx\ud83d\ude00""#, "😀\u{fffd}x😀"),
            (r#""\ude00\ud83d""#, "\u{fffd}\u{fffd}"),
            (r#""\ud83d\u0041\udfff\ufffd""#, "\u{fffd}A\u{fffd}\u{fffd}"),
            (
                r#""\u0000\ud7ff\ud800\u0000\n""#,
                "\u{fffd}\u{d7ff}\u{fffd}\u{fffd}\n",
            ),
            (r#""\ud83d\ud83d\ude00""#, "\u{fffd}😀"),
        ] {
            let mended = decode_string_mended(text).unwrap();
            assert_eq!(mended, expected, "{text}");
        }
        for text in ["1", r#""\x""#, r#""\ud83d\u00g0""#] {
            assert!(decode_string_mended(text).is_err(), "{text}");
        }
    }

    #[test]
    fn refuses_what_a_store_cannot_hold() {
        for (text, kind) in [
            (r#""a\u0000""#, JsonErrorKind::Nul),
            (r#""\ud83d""#, JsonErrorKind::UnpairedSurrogate),
            (r#""\ud83dx""#, JsonErrorKind::UnpairedSurrogate),
            (r#""\ude00\ud83d""#, JsonErrorKind::UnpairedSurrogate),
            (r#""\ud83d\u0041""#, JsonErrorKind::UnpairedSurrogate),
            ("\"a\u{0}\"", JsonErrorKind::Syntax),
            ("\"a\nb\"", JsonErrorKind::Syntax),
            (r#""a"#, JsonErrorKind::Syntax),
            (r#""\x""#, JsonErrorKind::Syntax),
            (r#""\u00g0""#, JsonErrorKind::Syntax),
            (r#""a""b""#, JsonErrorKind::Syntax),
            ("1", JsonErrorKind::Syntax),
            ("", JsonErrorKind::Syntax),
        ] {
            assert_eq!(decoded(text), Err(kind), "{text}");
        }
    }
}
