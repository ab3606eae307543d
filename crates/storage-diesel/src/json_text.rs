//! The little JSON that this crate writes itself: a string, and an object of values that are kept
//! as text.

use std::collections::BTreeMap;

use serde_json::Value;
use serde_json::value::RawValue;

use convosync_domain::json::JsonValue;
use convosync_domain::patch::Extra;

/// A JSON string.
pub(crate) fn string(text: &str) -> String {
    Value::from(text).to_string()
}

/// A JSON object with these members.
pub(crate) fn object(members: &Extra) -> String {
    let mut json = String::from("{");
    for (name, value) in members {
        if json.len() > 1 {
            json.push(',');
        }
        json.push_str(&string(name));
        json.push(':');
        json.push_str(value.as_str());
    }
    json.push('}');
    json
}

/// The members of an object that [`object`] wrote; `None` for any other text.
pub(crate) fn members(json: &str) -> Option<Extra> {
    let members: BTreeMap<String, &RawValue> = serde_json::from_str(json).ok()?;
    let members = members.into_iter();
    let parsed = members.map(|(name, value)| Some((name, JsonValue::parse(value.get()).ok()?)));
    let parsed: Extra = parsed.collect::<Option<_>>()?;
    // An empty one is not written.
    (!parsed.is_empty()).then_some(parsed)
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
                ("z", "null"),
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
        assert_eq!(string("a\"\\\n\u{7f}é"), "\"a\\\"\\\\\\n\u{7f}é\"");
    }
}
