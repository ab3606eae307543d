//! A JSON text as a tree, for the comparison of two texts.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::lexer::{Lexer, Token};

/// A JSON value with its numbers as text.
#[derive(Debug, PartialEq)]
pub(super) enum Tree<'a> {
    Scalar(&'a str),
    String(Cow<'a, str>),
    Array(Vec<Tree<'a>>),
    Object(BTreeMap<Cow<'a, str>, Tree<'a>>),
}

/// The tree of a text that [`super::scan::check`] has accepted, so at most
/// [`super::DEPTH_MAX`] deep; `None` for any other.
pub(super) fn parse(text: &str) -> Option<Tree<'_>> {
    let mut lexer = Lexer::new(text);
    let first = lexer.next().ok()??;
    value(&mut lexer, first)
}

fn value<'a>(lexer: &mut Lexer<'a>, first: Token<'a>) -> Option<Tree<'a>> {
    match first {
        Token::Scalar(text) => Some(Tree::Scalar(text)),
        Token::String(text) => Some(Tree::String(text)),
        Token::Punctuation(b'[') => {
            let mut items = Vec::new();
            loop {
                match lexer.next().ok()?? {
                    Token::Punctuation(b']') => return Some(Tree::Array(items)),
                    Token::Punctuation(b',') => {}
                    item => items.push(value(lexer, item)?),
                }
            }
        }
        Token::Punctuation(b'{') => {
            let mut fields = BTreeMap::new();
            loop {
                match lexer.next().ok()?? {
                    Token::Punctuation(b'}') => return Some(Tree::Object(fields)),
                    Token::String(key) => {
                        let _colon = lexer.next().ok()??;
                        let first = lexer.next().ok()??;
                        fields.insert(key, value(lexer, first)?);
                    }
                    _comma => {}
                }
            }
        }
        Token::Punctuation(_) => None,
    }
}
