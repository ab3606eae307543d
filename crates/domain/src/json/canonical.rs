//! The one form of a JSON value that all its texts share, for the comparison of two texts.
//!
//! It is no longer than the text: a tree of a list of small numbers would be many times as long.

use super::lexer::{Lexer, Token};
use super::string::JsonString;

/// Ends a string; no byte of one is the same.
const END: u8 = 0xff;

/// The form of a text that [`super::scan::check`] has accepted, so at most [`super::DEPTH_MAX`] deep:
/// without white space, strings with their escapes decoded, keys in order; `None` for any other text.
pub(super) fn canonical(text: &str) -> Option<Vec<u8>> {
    let mut lexer = Lexer::new(text);
    let first = lexer.next().ok()??;
    let mut form = Vec::with_capacity(text.len());
    write_value(&mut lexer, first, &mut form)?;
    Some(form)
}

fn write_value(lexer: &mut Lexer<'_>, first: Token<'_>, form: &mut Vec<u8>) -> Option<()> {
    match first {
        Token::Scalar(text) => form.extend_from_slice(text.as_bytes()),
        Token::String(text) => write_string(&text, form),
        Token::Punctuation(b'[') => {
            form.push(b'[');
            loop {
                match lexer.next().ok()?? {
                    Token::Punctuation(b']') => break,
                    Token::Punctuation(b',') => form.push(b','),
                    item => write_value(lexer, item, form)?,
                }
            }
            form.push(b']');
        }
        Token::Punctuation(b'{') => {
            form.push(b'{');
            write_members(lexer, form)?;
            form.push(b'}');
        }
        Token::Punctuation(_) => return None,
    }
    Some(())
}

fn write_string(text: &JsonString<'_>, form: &mut Vec<u8>) {
    form.push(b'"');
    form.extend_from_slice(text.as_wtf8());
    form.push(END);
}

/// Writes the members of an object up to its end, each as its key and its value, and brings them in order.
fn write_members(lexer: &mut Lexer<'_>, form: &mut Vec<u8>) -> Option<()> {
    let start = form.len();
    let mut ranges = Vec::new();
    loop {
        match lexer.next().ok()?? {
            Token::Punctuation(b'}') => break,
            Token::String(key) => {
                let begin = form.len();
                write_string(&key, form);
                let _colon = lexer.next().ok()??;
                let first = lexer.next().ok()??;
                write_value(lexer, first, form)?;
                ranges.push(begin..form.len());
            }
            _comma => {}
        }
    }
    let members = ranges.into_iter().map(|range| form.get(range));
    let mut members: Vec<_> = members.collect::<Option<_>>()?;
    if !members.is_sorted() {
        members.sort_unstable();
        let sorted = members.concat();
        form.truncate(start);
        form.extend_from_slice(&sorted);
    }
    Some(())
}
