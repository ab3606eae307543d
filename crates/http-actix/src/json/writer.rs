//! JSON texts, written straight into the bytes of an answer.

use std::io::Write as _;

use serde::Serialize;
use uuid::Uuid;
use uuid::fmt::Hyphenated;

/// Writes a string with its quotes and escapes.
pub(crate) fn push_string(out: &mut Vec<u8>, text: &str) {
    push(out, text);
}

/// Writes what needs no escape, as a string.
pub(crate) fn push_plain(out: &mut Vec<u8>, shown: impl std::fmt::Display) {
    // Writing to a vector cannot fail.
    let _ = write!(out, "\"{shown}\"");
}

/// Writes the id of a conversation or a message: the text of one that is no UUID, or else its key.
pub(crate) fn push_id(out: &mut Vec<u8>, key: Uuid, opaque: Option<&str>) {
    if let Some(text) = opaque {
        return push_string(out, text);
    }
    let mut text = [0; Hyphenated::LENGTH];
    out.push(b'"');
    out.extend_from_slice(key.hyphenated().encode_lower(&mut text).as_bytes());
    out.push(b'"');
}

/// Writes a value that is no map. Of these none fails to be JSON.
pub(crate) fn push(out: &mut Vec<u8>, value: &(impl Serialize + ?Sized)) {
    let _ = serde_json::to_writer(out, value);
}

/// Writes the items of an array.
pub(crate) fn push_array<T>(
    out: &mut Vec<u8>,
    items: impl IntoIterator<Item = T>,
    mut push_item: impl FnMut(&mut Vec<u8>, T),
) {
    out.push(b'[');
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        push_item(out, item);
    }
    out.push(b']');
}

/// Writes the fields of an object one by one.
pub(crate) struct ObjectWriter<'a> {
    out: &'a mut Vec<u8>,
    is_empty: bool,
}

impl<'a> ObjectWriter<'a> {
    pub(crate) fn new(out: &'a mut Vec<u8>) -> Self {
        out.push(b'{');
        Self {
            out,
            is_empty: true,
        }
    }

    /// Writes a key; its value is then to be written.
    pub(crate) fn key(&mut self, key: &str) -> &mut Vec<u8> {
        if !self.is_empty {
            self.out.push(b',');
        }
        self.is_empty = false;
        push_string(self.out, key);
        self.out.push(b':');
        self.out
    }

    pub(crate) fn end(self) {
        self.out.push(b'}');
    }
}
