//! The tokens of RFC 8259.

use super::JsonErrorKind;
use super::string::{Escaped, JsonString};

/// One token; punctuation stands for itself.
#[derive(Clone, Debug)]
pub(super) enum Token<'a> {
    Punctuation(u8),
    String(JsonString<'a>),
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

    fn string(&mut self) -> Result<JsonString<'a>, JsonErrorKind> {
        self.at += 1;
        let start = self.at;
        self.skip_plain()?;
        if self.peek() == Some(b'"') {
            let plain = self.since(start)?;
            self.at += 1;
            return Ok(JsonString::Plain(plain));
        }
        let mut decoded = Escaped::with_capacity(self.at - start + 64);
        decoded.push_str(self.since(start)?);
        loop {
            match self.take()? {
                b'"' => return Ok(JsonString::Escaped(decoded)),
                b'\\' => self.escape(&mut decoded)?,
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

    fn escape(&mut self, decoded: &mut Escaped) -> Result<(), JsonErrorKind> {
        decoded.push(match self.take()? {
            byte @ (b'"' | b'\\' | b'/') => char::from(byte),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.unicode_escape(decoded),
            _ => return Err(JsonErrorKind::Syntax),
        });
        Ok(())
    }

    /// Reads one code unit of UTF-16, or the two of a surrogate pair.
    fn unicode_escape(&mut self, decoded: &mut Escaped) -> Result<(), JsonErrorKind> {
        let first = self.four_hex_digits()?;
        let after_first = self.at;
        let is_high = matches!(first, 0xd800..=0xdbff);
        if is_high && self.text.as_bytes().get(self.at..self.at + 2) == Some(b"\\u") {
            self.at += 2;
            let second = self.four_hex_digits()?;
            let pair = char::decode_utf16([first, second]).next();
            if let Some(Ok(character)) = pair {
                decoded.push(character);
                return Ok(());
            }
            self.at = after_first;
        }
        decoded.push_unit(first);
        Ok(())
    }

    fn four_hex_digits(&mut self) -> Result<u16, JsonErrorKind> {
        let mut unit = 0;
        for _ in 0..4 {
            let digit = char::from(self.take()?).to_digit(16);
            let digit = digit.and_then(|digit| u16::try_from(digit).ok());
            unit = unit * 16 + digit.ok_or(JsonErrorKind::Syntax)?;
        }
        Ok(unit)
    }
}
