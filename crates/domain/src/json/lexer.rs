//! The tokens of RFC 8259.

use std::borrow::Cow;

use super::{JsonError, JsonErrorKind};

/// One token; punctuation stands for itself.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token<'a> {
    Punctuation(u8),
    String(Cow<'a, str>),
    /// A number, `true`, `false` or `null`, as its text.
    Scalar(&'a str),
}

/// Reads the tokens of a text one by one.
pub(super) struct Lexer<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// The next token, `None` at the end of the text.
    pub(super) fn next(&mut self) -> Result<Option<Token<'a>>, JsonErrorKind> {
        self.skip_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r'));
        match self.peek() {
            None => Ok(None),
            Some(b'"') => self.string().map(Token::String).map(Some),
            Some(byte @ (b'{' | b'}' | b'[' | b']' | b':' | b',')) => {
                self.at += 1;
                Ok(Some(Token::Punctuation(byte)))
            }
            Some(b'-' | b'0'..=b'9') => self.number().map(Token::Scalar).map(Some),
            Some(_) => self.word().map(Token::Scalar).map(Some),
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn take(&mut self) -> Result<u8, JsonErrorKind> {
        let byte = self.peek().ok_or(JsonErrorKind::Syntax)?;
        self.at += 1;
        Ok(byte)
    }

    fn skip_while(&mut self, matches: impl Fn(u8) -> bool) -> usize {
        let start = self.at;
        while self.peek().is_some_and(&matches) {
            self.at += 1;
        }
        self.at - start
    }

    /// Everything since `start`; both ends are always at ASCII bytes.
    fn since(&self, start: usize) -> Result<&'a str, JsonErrorKind> {
        self.text.get(start..self.at).ok_or(JsonErrorKind::Syntax)
    }

    fn word(&mut self) -> Result<&'a str, JsonErrorKind> {
        let start = self.at;
        self.skip_while(|byte| byte.is_ascii_alphabetic());
        match self.since(start)? {
            word @ ("true" | "false" | "null") => Ok(word),
            _ => Err(JsonErrorKind::Syntax),
        }
    }

    fn number(&mut self) -> Result<&'a str, JsonErrorKind> {
        let start = self.at;
        self.skip_one(b"-");
        if !self.skip_one(b"0") {
            self.digits()?;
        }
        if self.skip_one(b".") {
            self.digits()?;
        }
        if self.skip_one(b"eE") {
            self.skip_one(b"+-");
            self.digits()?;
        }
        // `01` and `1x` are no numbers, nor a number beside something else.
        if self.peek().is_some_and(|byte| byte.is_ascii_alphanumeric()) {
            return Err(JsonErrorKind::Syntax);
        }
        self.since(start)
    }

    fn skip_one(&mut self, allowed: &[u8]) -> bool {
        let found = self.peek().is_some_and(|byte| allowed.contains(&byte));
        self.at += usize::from(found);
        found
    }

    fn digits(&mut self) -> Result<(), JsonErrorKind> {
        match self.skip_while(|byte| byte.is_ascii_digit()) {
            0 => Err(JsonErrorKind::Syntax),
            _ => Ok(()),
        }
    }

    fn string(&mut self) -> Result<Cow<'a, str>, JsonErrorKind> {
        self.at += 1;
        let start = self.at;
        self.skip_plain()?;
        if self.peek() == Some(b'"') {
            let plain = self.since(start)?;
            self.at += 1;
            return Ok(Cow::Borrowed(plain));
        }
        let mut decoded = String::with_capacity(self.at - start + 64);
        decoded.push_str(self.since(start)?);
        loop {
            match self.take()? {
                b'"' => return Ok(Cow::Owned(decoded)),
                b'\\' => decoded.push(self.escape()?),
                _ => return Err(JsonErrorKind::Syntax),
            }
            let start = self.at;
            self.skip_plain()?;
            decoded.push_str(self.since(start)?);
        }
    }

    /// Skips what stands for itself, up to the end of the string or an escape.
    fn skip_plain(&mut self) -> Result<(), JsonErrorKind> {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        let length = memchr::memchr2(b'"', b'\\', rest).ok_or(JsonErrorKind::Syntax)?;
        let (plain, _) = rest.split_at(length);
        // Without an end at the first, many bytes are looked at together.
        let has_control = plain
            .iter()
            .fold(false, |found, byte| found | (*byte < b' '));
        if has_control {
            return Err(JsonErrorKind::Syntax);
        }
        self.at += length;
        Ok(())
    }

    fn escape(&mut self) -> Result<char, JsonErrorKind> {
        Ok(match self.take()? {
            byte @ (b'"' | b'\\' | b'/') => char::from(byte),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => self.unicode_escape()?,
            _ => return Err(JsonErrorKind::Syntax),
        })
    }

    fn unicode_escape(&mut self) -> Result<char, JsonErrorKind> {
        let first = self.four_hex_digits()?;
        let code = match first {
            0xd800..=0xdbff => {
                let pair = self.text.as_bytes().get(self.at..self.at + 2);
                if pair != Some(b"\\u") {
                    return Err(JsonErrorKind::UnpairedSurrogate);
                }
                self.at += 2;
                match self.four_hex_digits()? {
                    second @ 0xdc00..=0xdfff => {
                        0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00)
                    }
                    _ => return Err(JsonErrorKind::UnpairedSurrogate),
                }
            }
            code => code,
        };
        match char::from_u32(code) {
            Some('\0') => Err(JsonErrorKind::Nul),
            Some(decoded) => Ok(decoded),
            None => Err(JsonErrorKind::UnpairedSurrogate),
        }
    }

    fn four_hex_digits(&mut self) -> Result<u32, JsonErrorKind> {
        let mut code = 0;
        for _ in 0..4 {
            let digit = char::from(self.take()?).to_digit(16);
            code = code * 16 + digit.ok_or(JsonErrorKind::Syntax)?;
        }
        Ok(code)
    }
}

/// Decodes a JSON text that is one string, borrowing where nothing is escaped.
///
/// # Errors
/// [`JsonError`] when the text is something else, holds U+0000 or half of a surrogate pair.
pub fn decode_string(text: &str) -> Result<Cow<'_, str>, JsonError> {
    let mut lexer = Lexer::new(text);
    let read = match lexer.next() {
        Ok(Some(Token::String(decoded))) => match lexer.next() {
            Ok(None) => Ok(decoded),
            _ => Err(JsonErrorKind::Syntax),
        },
        Ok(_) => Err(JsonErrorKind::Syntax),
        Err(kind) => Err(kind),
    };
    read.map_err(|kind| JsonError {
        path: String::new(),
        kind,
    })
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
