//! The check of a JSON text, in one pass and without recursion.

#[cfg(test)]
mod tests;

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

/// Which strings a JSON text may hold; its keys are always texts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Strings {
    /// Those that a text field can hold.
    Texts,
    /// All that JSON has.
    Any,
}

/// Checks that the text is one JSON value which every store can hold.
pub(super) fn check(text: &str, strings: Strings) -> Result<(), JsonError> {
    let mut open = Vec::new();
    scan(text, strings, &mut open).map_err(|kind| JsonError {
        path: path_of(&open),
        kind,
    })
}

fn scan<'a>(
    text: &'a str,
    strings: Strings,
    open: &mut Vec<Open<'a>>,
) -> Result<(), JsonErrorKind> {
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
            (Expected::Value | Expected::ValueOrEndOfArray, Token::String(read)) => {
                match read.unstorable() {
                    Some(problem) if strings == Strings::Texts => return Err(problem),
                    _ => Expected::CommaOrEnd,
                }
            }
            (Expected::Value | Expected::ValueOrEndOfArray, Token::Scalar(_)) => {
                Expected::CommaOrEnd
            }
            (Expected::Key | Expected::KeyOrEndOfObject, Token::String(read)) => {
                enter_key(open, read.text()?)?;
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
