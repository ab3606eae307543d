//! Bodies that are no JSON, by their bytes.

use insta::assert_snapshot;

use super::{ID, MARKER, Request, Visitor, conversation, message};

const VALID: &str = r#"{"conversations":[]}"#;

fn utf_16(text: &str, unit: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(unit).collect()
}

#[test]
fn an_empty_body() {
    let visitor = Visitor::new();
    let answer = visitor.refusal(&Request::post(""));
    assert_snapshot!(answer.shown(), @r#"400 {"error":"Invalid conversations format","code":"invalid_conversations","details":[{"path":"body","message":"empty"}]}"#);
    for blank in [" ", "\n", " \t\r\n ", "\u{feff}", "\u{feff} "] {
        assert_eq!(visitor.violations(blank), "body: empty", "{blank:?}");
    }
}

#[test]
fn a_body_that_is_no_json() {
    let visitor = Visitor::new();
    let answer = visitor.refusal(&Request::post("{"));
    assert_snapshot!(answer.shown(), @r#"400 {"error":"Invalid conversations format","code":"invalid_conversations","details":[{"path":"body","message":"not JSON: EOF while parsing an object at line 1 column 1"}]}"#);
    for text in [
        "NaN",
        "Infinity",
        "-Infinity",
        "1.",
        "01",
        "+1",
        "'m4rker'",
        "m4rker",
        "[1,]",
        "{\"m4rker\":1,}",
        "// m4rker",
        "[1 /* m4rker */]",
        "\"m4rker\t\"",
        "\"m4rker",
        "\"m4rker\\x\"",
        "\"\\u12\"",
        "tru",
        "[1 2]",
        "{\"m4rker\" 1}",
        "{1:2}",
        "{\"a\":}",
        "]",
    ] {
        for body in [
            text.to_owned(),
            format!("{{\"conversations\":[],\"x\":{text}}}"),
            conversation(&format!(",\"title\":{text}")),
            message(&format!(",\"metadata\":{text}")),
        ] {
            let violations = visitor.violations(&*body);
            let said = violations.strip_prefix("body: not JSON: ");
            let place = said.and_then(|said| said.split_once(" at line 1 column "));
            assert!(place.is_some(), "{body}: {violations}");
        }
    }
}

#[test]
fn what_follows_the_document() {
    let visitor = Visitor::new();
    for (more, column) in [("garbage", 21), (VALID, 21), (" m4rker", 22), ("\0", 21)] {
        assert_eq!(
            visitor.violations(format!("{VALID}{more}")),
            format!("body: trailing characters at line 1 column {column}"),
            "{more:?}"
        );
    }
}

#[test]
fn a_byte_order_mark_of_utf_8_is_no_violation() {
    let visitor = Visitor::new();
    let body = format!("\u{feff}{}", conversation(",\"title\":\"T\""));
    let answer = visitor.expect_taken(&Request::post(body));
    assert_eq!(answer["created"], 1);
}

#[test]
fn a_body_in_utf_16() {
    let visitor = Visitor::new();
    let text = conversation(",\"title\":\"m4rker\"");
    for mark in ["", "\u{feff}"] {
        for unit in [u16::to_le_bytes, u16::to_be_bytes] {
            let body = utf_16(&format!("{mark}{text}"), unit);
            assert_eq!(visitor.violations(body), "body: not UTF-8");
        }
    }
}

#[test]
fn bytes_that_are_no_utf_8() {
    let visitor = Visitor::new();
    let before = format!("{{\"conversations\":[{{{ID},\"title\":\"{MARKER}");
    for bytes in [
        b"\x80".as_slice(),
        b"\xff",
        b"\xc0\xaf",
        b"\xe0\x80\xaf",
        b"\xe2\x82",
        b"\xed\xa0\xbd",
        b"\xed\xa0\xbd\xed\xb8\x80",
        b"\xf4\x90\x80\x80",
        b"\xf5\x80\x80\x80",
        b"\xfc\x80\x80\x80\x80\xaf",
    ] {
        let body = [before.as_bytes(), bytes, b"\"}]}"].concat();
        assert_eq!(
            visitor.violations(body),
            format!("body: not UTF-8 at byte {}", before.len()),
            "{bytes:x?}"
        );
    }
}
