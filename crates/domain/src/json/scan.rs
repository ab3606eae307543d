//! The check of a JSON text, in one pass and without recursion.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt::Write as _;

use super::lexer::{Lexer, Token};
use super::{JsonError, JsonErrorKind};

/// The deepest nesting of arrays and objects in one value.
pub const DEPTH_MAX: usize = 64;
/// The longest key, in bytes of UTF-8.
pub const KEY_BYTES_MAX: usize = 256;
/// The most keys of one object.
pub const KEYS_MAX: usize = 1_000;

/// The most characters of a key that a path shows.
const SHOWN_KEY_CHARACTERS: usize = 64;

/// An array or object that is open at this point of the text.
enum Open<'a> {
    Array {
        index: usize,
    },
    Object {
        keys: HashSet<Cow<'a, str>>,
        key: Cow<'a, str>,
    },
}

/// What may come next.
#[derive(Clone, Copy, PartialEq)]
enum Expected {
    Value,
    ValueOrEndOfArray,
    Key,
    KeyOrEndOfObject,
    Colon,
    CommaOrEnd,
}

/// Checks that the text is one JSON value which every store can hold.
pub(super) fn check(text: &str) -> Result<(), JsonError> {
    let mut open = Vec::new();
    scan(text, &mut open).map_err(|kind| JsonError {
        path: path_of(&open),
        kind,
    })
}

fn scan<'a>(text: &'a str, open: &mut Vec<Open<'a>>) -> Result<(), JsonErrorKind> {
    let mut lexer = Lexer::new(text);
    let mut expected = Expected::Value;
    while let Some(token) = lexer.next()? {
        expected = match (expected, token) {
            (Expected::Value | Expected::ValueOrEndOfArray, Token::Punctuation(b'{')) => {
                push(
                    open,
                    Open::Object {
                        keys: HashSet::new(),
                        key: Cow::Borrowed(""),
                    },
                )?;
                Expected::KeyOrEndOfObject
            }
            (Expected::Value | Expected::ValueOrEndOfArray, Token::Punctuation(b'[')) => {
                push(open, Open::Array { index: 0 })?;
                Expected::ValueOrEndOfArray
            }
            (
                Expected::Value | Expected::ValueOrEndOfArray,
                Token::String(_) | Token::Scalar(_),
            ) => Expected::CommaOrEnd,
            (Expected::Key | Expected::KeyOrEndOfObject, Token::String(read)) => {
                enter_key(open, read)?;
                Expected::Colon
            }
            (Expected::Colon, Token::Punctuation(b':')) => Expected::Value,
            (
                Expected::ValueOrEndOfArray | Expected::KeyOrEndOfObject | Expected::CommaOrEnd,
                Token::Punctuation(end @ (b']' | b'}')),
            ) => {
                match (open.last(), end) {
                    (Some(Open::Array { .. }), b']') | (Some(Open::Object { .. }), b'}') => {}
                    _ => return Err(JsonErrorKind::Syntax),
                }
                open.pop();
                Expected::CommaOrEnd
            }
            (Expected::CommaOrEnd, Token::Punctuation(b',')) => match open.last_mut() {
                Some(Open::Array { index }) => {
                    *index += 1;
                    Expected::Value
                }
                Some(Open::Object { key, .. }) => {
                    *key = Cow::Borrowed("");
                    Expected::Key
                }
                None => return Err(JsonErrorKind::Syntax),
            },
            _ => return Err(JsonErrorKind::Syntax),
        };
    }
    if expected == Expected::CommaOrEnd && open.is_empty() {
        Ok(())
    } else {
        Err(JsonErrorKind::Syntax)
    }
}

fn push<'a>(open: &mut Vec<Open<'a>>, container: Open<'a>) -> Result<(), JsonErrorKind> {
    if open.len() == DEPTH_MAX {
        // The place of such an error is the whole value: its own path would be as deep.
        open.clear();
        return Err(JsonErrorKind::TooDeep);
    }
    open.push(container);
    Ok(())
}

fn enter_key<'a>(open: &mut [Open<'a>], read: Cow<'a, str>) -> Result<(), JsonErrorKind> {
    let Some(Open::Object { keys, key }) = open.last_mut() else {
        return Err(JsonErrorKind::Syntax);
    };
    key.clone_from(&read);
    if read.len() > KEY_BYTES_MAX {
        return Err(JsonErrorKind::KeyTooLong);
    }
    if keys.len() == KEYS_MAX {
        *key = Cow::Borrowed("");
        return Err(JsonErrorKind::TooManyKeys);
    }
    if keys.insert(read) {
        Ok(())
    } else {
        Err(JsonErrorKind::DuplicateKey)
    }
}

fn path_of(open: &[Open<'_>]) -> String {
    let mut path = String::new();
    for container in open {
        match container {
            Open::Array { index } => {
                // Writing to a String cannot fail.
                let _ = write!(path, "[{index}]");
            }
            Open::Object { key, .. } if key.is_empty() => {}
            Open::Object { key, .. } => {
                path.push('.');
                path.extend(key.chars().take(SHOWN_KEY_CHARACTERS).flat_map(escaped));
            }
        }
    }
    path
}

/// A control character as its escape: a path may be shown on a terminal.
fn escaped(character: char) -> impl Iterator<Item = char> {
    let control = character.is_control();
    character
        .escape_default()
        .filter(move |_| control)
        .chain((!control).then_some(character))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error_of(text: &str) -> Option<(String, JsonErrorKind)> {
        check(text).err().map(|error| (error.path, error.kind))
    }

    #[test]
    fn accepts_json() {
        let deepest = format!("{}{}", "[".repeat(DEPTH_MAX), "]".repeat(DEPTH_MAX));
        for text in [
            "null",
            "true",
            " false ",
            "0",
            "-0.0e-0",
            "1E400",
            "12345678901234567890123",
            "\"\"",
            "[]",
            "{}",
            "[1,[2,{}],\"x\"]",
            r#"{"a":{"a":1},"b":[{"a":1},{"a":2}]}"#,
            r#"{"":1}"#,
            r#"{"__proto__":null}"#,
            &deepest,
        ] {
            assert_eq!(error_of(text), None, "{text}");
        }
    }

    #[test]
    fn refuses_what_is_not_json() {
        for text in [
            "",
            " ",
            "nul",
            "True",
            "NaN",
            "Infinity",
            "1.",
            ".5",
            "01",
            "-",
            "1e",
            "+1",
            "0x1",
            "'x'",
            "[1,]",
            "[,1]",
            "[1 2]",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1,}",
            "{a:1}",
            "{1:1}",
            "[",
            "]",
            "{",
            "}",
            "[}",
            "{]",
            "1 2",
            "[1]]",
            "// x",
            "[1]x",
            ":",
            "\u{feff}1",
        ] {
            assert_eq!(
                error_of(text).map(|(_, kind)| kind),
                Some(JsonErrorKind::Syntax),
                "{text}"
            );
        }
    }

    #[test]
    fn names_the_place_of_an_error() {
        let long_key = "k".repeat(KEY_BYTES_MAX + 1);
        let many_keys: Vec<_> = (0..=KEYS_MAX).map(|n| format!("\"{n}\":1")).collect();
        for (text, path, kind) in [
            (
                r#"{"a":1,"\u0061":2}"#.to_owned(),
                ".a",
                JsonErrorKind::DuplicateKey,
            ),
            (
                r#"{"a":[1,{"b":1,"b":2}]}"#.to_owned(),
                ".a[1].b",
                JsonErrorKind::DuplicateKey,
            ),
            (r#"["x","\u0000"]"#.to_owned(), "[1]", JsonErrorKind::Nul),
            (
                r#"{"a":{"b":1,"\u0000":2}}"#.to_owned(),
                ".a",
                JsonErrorKind::Nul,
            ),
            (
                r#"{"a":{"b":"\ud83d"}}"#.to_owned(),
                ".a.b",
                JsonErrorKind::UnpairedSurrogate,
            ),
            (
                format!("{{\"a\":{{{}}}}}", many_keys.join(",")),
                ".a",
                JsonErrorKind::TooManyKeys,
            ),
            (
                format!("{{\"{long_key}\":1}}"),
                &format!(".{}", "k".repeat(64)),
                JsonErrorKind::KeyTooLong,
            ),
            (
                r#"{"a\u001b":1,"a\u001b":1}"#.to_owned(),
                ".a\\u{1b}",
                JsonErrorKind::DuplicateKey,
            ),
        ] {
            assert_eq!(error_of(&text), Some((path.to_owned(), kind)), "{text}");
        }
    }

    #[test]
    fn a_million_open_brackets_are_refused_at_the_65th() {
        let bomb = "[".repeat(1_000_000);
        assert_eq!(
            error_of(&bomb),
            Some((String::new(), JsonErrorKind::TooDeep))
        );
    }
}
