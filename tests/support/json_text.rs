//! JSON whose numbers are the digits that were sent, and whose strings may be no texts.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

/// A JSON value that is equal to another only if all numbers are, digit for digit.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Json {
    /// Null, true, false or a number, as text.
    Literal(String),
    Text(String),
    /// The UTF-16 code units of a string with an unpaired surrogate.
    Units(Vec<u16>),
    Array(Vec<Json>),
    Object(BTreeMap<String, Json>),
}

impl Json {
    /// Reads a text that is JSON.
    pub(crate) fn parse(text: &str) -> Self {
        let text = text.trim_ascii();
        match text.as_bytes() {
            [b'"', ..] => serde_json::from_str(text)
                .map_or_else(|_| Self::Units(code_units(text)), Self::Text),
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

    /// A string as a text field keeps it, with U+FFFD for what no store can hold.
    pub(crate) fn mended(self) -> Self {
        match self {
            Self::Text(text) => Self::Text(text.replace('\0', "\u{fffd}")),
            Self::Units(units) => Self::Text(String::from_utf16_lossy(&units)).mended(),
            other => other,
        }
    }
}

/// The UTF-16 code units of a JSON string, escaped or not.
fn code_units(string: &str) -> Vec<u16> {
    let mut units = Vec::new();
    let inner = &string[1..string.len() - 1];
    let mut characters = inner.chars();
    while let Some(character) = characters.next() {
        if character != '\\' {
            units.extend(character.encode_utf16(&mut [0; 2]).iter());
            continue;
        }
        units.push(match characters.next().expect("an escape") {
            'u' => {
                let digits: String = characters.by_ref().take(4).collect();
                u16::from_str_radix(&digits, 16).expect("four digits")
            }
            'b' => 0x8,
            't' => 0x9,
            'n' => 0xa,
            'f' => 0xc,
            'r' => 0xd,
            itself => u16::try_from(u32::from(itself)).expect("a quote or a slash"),
        });
    }
    units
}
