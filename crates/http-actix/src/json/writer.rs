//! JSON texts, written straight into the bytes of an answer.

use std::io::Write as _;

use serde::Serialize;
use uuid::Uuid;
use uuid::fmt::Hyphenated;

/// How many bytes are looked at together.
const STRIDE: usize = 32;

/// Makes one line of JSON. Values are kept as they were sent; outside of strings, where they are escaped, ends of lines
/// are white space.
pub(crate) fn in_one_line(json: &mut [u8]) {
    for byte in json.iter_mut().filter(|byte| matches!(byte, b'\n' | b'\r')) {
        *byte = b' ';
    }
}

/// Writes a string with its quotes and escapes.
pub(crate) fn push_string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let mut rest = text.as_bytes();
    loop {
        let (plain, escaped) = rest.split_at(plain_length(rest));
        out.extend_from_slice(plain);
        let Some((byte, after)) = escaped.split_first() else {
            break;
        };
        push_escape(out, *byte);
        rest = after;
    }
    out.push(b'"');
}

/// How many bytes stand for themselves, up to the first that needs an escape.
fn plain_length(bytes: &[u8]) -> usize {
    let (strides, _) = bytes.as_chunks::<STRIDE>();
    // Without an end at the first, the bytes of a stride are looked at together.
    let is_plain = |stride: &&[u8; STRIDE]| {
        !stride
            .iter()
            .fold(false, |found, byte| found | needs_escape(*byte))
    };
    let plain = strides.iter().take_while(is_plain).count() * STRIDE;
    let (_, rest) = bytes.split_at(plain);
    let end = rest.iter().position(|byte| needs_escape(*byte));
    plain + end.unwrap_or(rest.len())
}

fn needs_escape(byte: u8) -> bool {
    byte < b' ' || byte == b'"' || byte == b'\\'
}

fn push_escape(out: &mut Vec<u8>, byte: u8) {
    let short = match byte {
        b'"' | b'\\' => byte,
        b'\n' => b'n',
        b'\t' => b't',
        b'\r' => b'r',
        0x08 => b'b',
        0x0c => b'f',
        _ => {
            // Writing to a vector cannot fail.
            let _ = write!(out, "\\u{byte:04x}");
            return;
        }
    };
    out.extend_from_slice(&[b'\\', short]);
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

/// Ends a line that holds one JSON text. JSON values are kept as they were sent: outside of strings, where they are
/// escaped, the ends of lines in them are white space.
pub(crate) fn end_line(line: &mut Vec<u8>) {
    in_one_line(line);
    line.push(b'\n');
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

    /// Writes a key that needs no escape, as those of this program; its value is then to be written.
    pub(crate) fn key(&mut self, key: &'static str) -> &mut Vec<u8> {
        self.begin_field();
        self.out.push(b'"');
        self.out.extend_from_slice(key.as_bytes());
        self.out.extend_from_slice(b"\":");
        self.out
    }

    /// Writes any key; its value is then to be written.
    pub(crate) fn any_key(&mut self, key: &str) -> &mut Vec<u8> {
        self.begin_field();
        push_string(self.out, key);
        self.out.push(b':');
        self.out
    }

    fn begin_field(&mut self) {
        if !self.is_empty {
            self.out.push(b',');
        }
        self.is_empty = false;
    }

    pub(crate) fn end(self) {
        self.out.push(b'}');
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(text: &str) -> String {
        let mut out = Vec::new();
        push_string(&mut out, text);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn every_ascii_character_at_every_place_of_a_stride() {
        for character in '\0'..='\u{80}' {
            for before in 0..=2 * STRIDE {
                let text = format!(
                    "{}{character}{}",
                    "é".repeat(before / 2),
                    "x".repeat(before)
                );
                assert_eq!(written(&text), serde_json::to_string(&text).unwrap());
            }
        }
    }

    proptest! {
        #[test]
        fn a_string_is_written_as_by_serde_json(
            text in r#"([ -~]{0,80}|[\x00-\x7f]{0,9}|["\\]{0,3}|\PC{0,9}){0,5}"#,
        ) {
            prop_assert_eq!(written(&text), serde_json::to_string(&text).unwrap());
        }
    }
}
