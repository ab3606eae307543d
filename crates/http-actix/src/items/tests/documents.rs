//! Bodies that are no post at all, and what is told of one.

use super::*;

#[test]
fn bodies_that_are_no_json() {
    for (body, expected) in [
        ("", "body: empty"),
        (" \n\t", "body: empty"),
        ("\u{feff}", "body: empty"),
        (
            "{",
            "body: not JSON: EOF while parsing an object at line 1 column 1",
        ),
        (
            "[",
            "body: not JSON: EOF while parsing a list at line 1 column 1",
        ),
        (
            "{'x':1}",
            "body: not JSON: key must be a string at line 1 column 2",
        ),
        ("'x'", "body: not JSON: expected value at line 1 column 1"),
        ("NaN", "body: not JSON: expected value at line 1 column 1"),
        ("// x", "body: not JSON: expected value at line 1 column 1"),
        (
            "{\"conversations\":[]}x",
            "body: trailing characters at line 1 column 21",
        ),
        (
            "{\"conversations\":[]}{}",
            "body: trailing characters at line 1 column 21",
        ),
        ("[] []", "body: trailing characters at line 1 column 4"),
        (
            "{\"conversations\":[],}",
            "body: not JSON: trailing comma at line 1 column 21",
        ),
    ] {
        assert_eq!(violations(body), [expected], "{body}");
    }
    for value in [
        "Infinity",
        "-Infinity",
        "1.",
        "01",
        "'x'",
        "[1,]",
        "1 /* */",
        "+1",
        ".5",
        "\"\t\"",
        "\"\\x\"",
    ] {
        for body in [
            format!("{{\"x\":{value}}}"),
            conversation(&format!(",\"x\":{value}")),
            message(&format!(",\"metadata\":{value}")),
            message(&format!(",\"output\":{{\"x\":{value}}}")),
        ] {
            let violations = violations(&body);
            assert!(
                violations.len() == 1 && violations[0].starts_with("body: not JSON: "),
                "{body} {violations:?}"
            );
        }
    }
}

#[test]
fn bodies_that_are_no_utf_8() {
    let utf_16: Vec<u8> = "{\"conversations\":[]}"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let big_endian: Vec<u8> = "{}".encode_utf16().flat_map(u16::to_be_bytes).collect();
    let marked = [b"\xff\xfe".as_slice(), &utf_16].concat();
    for body in [utf_16, big_endian, marked, b"\xfe\xff\0{\0}".to_vec()] {
        assert_eq!(violations(body), ["body: not UTF-8"]);
    }
    for bytes in [
        b"\xff".as_slice(),
        b"\xc0\xaf",
        b"\xed\xa0\xbd\xed\xb8\x80",
        b"\xf5\x80\x80\x80",
        b"\xe2\x82",
    ] {
        let body = [b"{\"x\":\"".as_slice(), bytes, b"\"}"].concat();
        assert_eq!(violations(body), ["body: not UTF-8 at byte 6"], "{bytes:?}");
    }
}

#[test]
fn a_byte_order_mark_is_dropped() {
    let body = format!("\u{feff} {}", conversation(",\"title\":5"));
    assert_eq!(
        violations(body),
        ["conversations[0].title: must be a string"]
    );
}

#[test]
fn documents_without_conversations() {
    for body in [
        "[]",
        "\"x\"",
        "null",
        "1",
        "true",
        "{}",
        "{\"Conversations\":[]}",
        "{\"conversations\":{}}",
        "{\"conversations\":null}",
        "{\"conversations\":\"[]\"}",
        "{\"conversations\":\"\\ud83d\"}",
        "{\"conversations\":1e999}",
        "1e999",
        "\"\\ud83d\"",
    ] {
        assert_eq!(
            violations(body),
            ["conversations: must be an array"],
            "{body}"
        );
    }
}

#[test]
fn a_million_open_brackets_are_passed_over() {
    let bomb = "[".repeat(1_000_000);
    let closed = format!("{bomb}{}", "]".repeat(1_000_000));
    for body in [
        bomb,
        closed.clone(),
        message(&format!(",\"metadata\":{closed}")),
    ] {
        assert_eq!(violations(&body).len(), 1);
    }
    assert_eq!(
        violations(format!("{{\"conversations\":[{closed}]}}")),
        ["conversations[0]: must be an object"]
    );
    assert_eq!(
        violations(format!("{{\"conversations\":[],\"x\":{closed}}}")),
        ["x: nested deeper than 64"]
    );
}
