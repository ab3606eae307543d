//! JSON whose numbers are the digits that were sent.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

/// A JSON value that is equal to another only if all numbers are, digit for digit.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Json {
    /// Null, true, false or a number, as text.
    Literal(String),
    Text(String),
    Array(Vec<Json>),
    Object(BTreeMap<String, Json>),
}

impl Json {
    /// Reads a text that is JSON.
    pub(crate) fn parse(text: &str) -> Self {
        let text = text.trim_ascii();
        match text.as_bytes() {
            [b'"', ..] => Self::Text(serde_json::from_str(text).expect("a string")),
            [b'[', ..] => {
                let items: Vec<&RawValue> = serde_json::from_str(text).expect("an array");
                Self::Array(items.iter().map(|item| Self::parse(item.get())).collect())
            }
            [b'{', ..] => {
                let items: BTreeMap<String, &RawValue> =
                    serde_json::from_str(text).expect("an object");
                let read = |(key, item): (String, &RawValue)| (key, Self::parse(item.get()));
                Self::Object(items.into_iter().map(read).collect())
            }
            _ => Self::Literal(text.to_owned()),
        }
    }

    /// What stands under a key.
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Object(items) => items.get(key),
            _ => None,
        }
    }

    /// The items of an array.
    pub(crate) fn items(&self) -> &[Self] {
        match self {
            Self::Array(items) => items,
            other => panic!("no array: {other:?}"),
        }
    }
}
