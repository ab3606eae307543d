//! The little JSON that this crate writes itself: a string, and an object of values that are kept
//! as text.

use convosync_domain::json::{JsonValue, decode_string};
use convosync_domain::patch::Extra;

/// A JSON string.
pub(crate) fn string(text: &str) -> String {
    let mut json = String::with_capacity(text.len() + 2);
    push_string(&mut json, text);
    json
}

/// A JSON object with these members.
pub(crate) fn object(members: &Extra) -> String {
    let mut json = String::new();
    let mut before = '{';
    for (name, value) in members {
        json.push(before);
        push_string(&mut json, name);
        json.push(':');
        json.push_str(value.as_str());
        before = ',';
    }
    json.push('}');
    json
}

/// The members of an object that [`object`] wrote; `None` for any other text.
pub(crate) fn members(json: &str) -> Option<Extra> {
    let mut members = Extra::new();
    let mut rest = json.strip_prefix('{')?.strip_suffix('}')?;
    loop {
        let (name, after_name) = rest.split_at_checked(value_length(rest, b':'))?;
        let after_colon = after_name.strip_prefix(':')?;
        let (value, after_value) = after_colon.split_at_checked(value_length(after_colon, b','))?;
        let name = decode_string(name).ok()?.into_owned();
        members.insert(name, JsonValue::parse(value).ok()?);
        match after_value.strip_prefix(',') {
            Some(next) => rest = next,
            None => return Some(members),
        }
    }
}

fn push_string(json: &mut String, text: &str) {
    json.push('"');
    for character in text.chars() {
        match character {
            '"' => json.push_str("\\\""),
            '\\' => json.push_str("\\\\"),
            '\0'..='\x1f' => json.push_str(&format!("\\u{:04x}", u32::from(character))),
            _ => json.push(character),
        }
    }
    json.push('"');
}

/// How many bytes come before an `end` that stands in no string, array or object.
fn value_length(json: &str, end: u8) -> usize {
    let mut depth = 0_usize;
    let mut in_string = false;
    let mut escaped = false;
    let is_end = |byte: u8| {
        if in_string {
            in_string = escaped || byte != b'"';
            escaped = byte == b'\\' && !escaped;
            return false;
        }
        match byte {
            b'"' => in_string = true,
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => return depth == 0 && byte == end,
        }
        false
    };
    json.bytes().position(is_end).unwrap_or(json.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn extra(members: &[(&str, &str)]) -> Extra {
        members
            .iter()
            .map(|(name, value)| ((*name).to_owned(), JsonValue::parse(value).unwrap()))
            .collect()
    }

    #[test]
    fn members_come_back_as_they_were() {
        for members_in in [
            extra(&[("", "1")]),
            extra(&[
                ("a", "12345678901234567890123"),
                ("b", r#"{ "x": [1, 2], "y": "},\"" }"#),
            ]),
            extra(&[
                ("\"\\\u{1}\n:,{", r#""\\""#),
                ("é😀", "[[],{},\"]\"]"),
                ("z", " null"),
            ]),
        ] {
            let json = object(&members_in);
            assert!(JsonValue::parse(&json).is_ok(), "{json}");
            let back = members(&json).unwrap();
            assert_eq!(back, members_in, "{json}");
            for (name, value) in back {
                assert_eq!(value.as_str(), members_in[&name].as_str());
            }
        }
    }

    #[test]
    fn other_texts_have_no_members() {
        for json in [
            "",
            "{",
            "{}",
            "[1]",
            "1",
            "{\"a\"}",
            "{\"a\":}",
            "{a:1}",
            "{\"a\":1,}",
            "{\"a\":1]}",
        ] {
            assert_eq!(members(json), None, "{json}");
        }
    }

    #[test]
    fn a_string_is_escaped() {
        assert_eq!(string("a\"\\\n\u{7f}é"), "\"a\\\"\\\\\\u000a\u{7f}é\"");
    }
}
