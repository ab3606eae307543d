//! Unpaired surrogates, which a JSON text may hold and a [`Value`] may not: in a value a character for
//! private use stands for each.

use std::ops::RangeInclusive;

use serde_json::Value;

/// What stands for U+D800 to U+DFFF.
pub const STAND_INS: RangeInclusive<char> = '\u{e800}'..='\u{efff}';

const DISTANCE: u16 = 0x1000;

/// Reads a JSON text as a value with stand-ins.
pub fn read(text: &str) -> serde_json::Result<Value> {
    let mut with_stand_ins = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        with_stand_ins.push_str(before);
        let length = match (escaped_unit(escape), escape.get(6..).and_then(escaped_unit)) {
            (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => 12,
            (Some(half @ 0xd800..=0xdfff), _) => {
                let stand_in = char::from_u32(u32::from(half + DISTANCE));
                with_stand_ins.push(stand_in.expect("a character for private use"));
                rest = &escape[6..];
                continue;
            }
            // What is escaped is ASCII, or it is no JSON.
            _ => escape.len().min(2),
        };
        let (kept, after) = escape.split_at(length);
        with_stand_ins.push_str(kept);
        rest = after;
    }
    serde_json::from_str(&(with_stand_ins + rest))
}

/// The code unit of an escape at the beginning of a text.
fn escaped_unit(text: &str) -> Option<u16> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    u16::from_str_radix(digits, 16).ok()
}

/// Writes a value with stand-ins as the JSON text that it means.
pub fn write(value: &Value) -> String {
    let mut text = String::new();
    for character in value.to_string().chars() {
        match u16::try_from(u32::from(character)) {
            Ok(unit) if STAND_INS.contains(&character) => {
                text.push_str(&format!("\\u{:04x}", unit - DISTANCE));
            }
            _ => text.push(character),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_unpaired_surrogates_have_stand_ins() {
        for (text, value) in [
            (r#""\ud83d""#, "\u{e83d}"),
            (r#""\ude00\ud83d""#, "\u{ee00}\u{e83d}"),
            (r#""\ud83d\ud83d\ude00x\ud83d""#, "\u{e83d}😀x\u{e83d}"),
            (r#""\\ud83d\n\ud83d\n""#, "\\ud83d\n\u{e83d}\n"),
        ] {
            let read_value = read(text).expect("JSON");
            assert_eq!(read_value, value);
            assert_eq!(read(&write(&read_value)).expect("JSON"), value);
        }
        assert_eq!(write(&Value::from("\u{e83d}\0")), r#""\ud83d\u0000""#);
        assert!(read(r#""\ud83"#).is_err());
    }
}
