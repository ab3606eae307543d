use super::*;

fn error_of(text: &str) -> Option<(String, JsonErrorKind)> {
    check(text, Strings::Texts)
        .err()
        .map(|error| (error.path, error.kind))
}

#[test]
fn accepts_json() {
    let deepest = format!("{}{}", "[".repeat(DEPTH_MAX), "]".repeat(DEPTH_MAX));
    for text in [
        "null",
        "true",
        " false ",
        "0",
        "-0.0e-0",
        "1E400",
        "12345678901234567890123",
        "\"\"",
        "[]",
        "{}",
        "[1,[2,{}],\"x\"]",
        r#"{"a":{"a":1},"b":[{"a":1},{"a":2}]}"#,
        r#"{"":1}"#,
        r#"{"__proto__":null}"#,
        &deepest,
    ] {
        assert_eq!(error_of(text), None, "{text}");
    }
}

#[test]
fn refuses_what_is_not_json() {
    for text in [
        "",
        " ",
        "nul",
        "True",
        "NaN",
        "Infinity",
        "1.",
        ".5",
        "01",
        "-",
        "1e",
        "+1",
        "0x1",
        "'x'",
        "[1,]",
        "[,1]",
        "[1 2]",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{a:1}",
        "{1:1}",
        "[",
        "]",
        "{",
        "}",
        "[}",
        "{]",
        "1 2",
        "[1]]",
        "// x",
        "[1]x",
        ":",
        "\u{feff}1",
    ] {
        assert_eq!(
            error_of(text).map(|(_, kind)| kind),
            Some(JsonErrorKind::Syntax),
            "{text}"
        );
    }
}

#[test]
fn names_the_place_of_an_error() {
    let long_key = "k".repeat(KEY_BYTES_MAX + 1);
    let many_keys: Vec<_> = (0..=KEYS_MAX).map(|n| format!("\"{n}\":1")).collect();
    for (text, path, kind) in [
        (
            r#"{"a":1,"\u0061":2}"#.to_owned(),
            ".a",
            JsonErrorKind::DuplicateKey,
        ),
        (
            r#"{"a":[1,{"b":1,"b":2}]}"#.to_owned(),
            ".a[1].b",
            JsonErrorKind::DuplicateKey,
        ),
        (r#"["x","\u0000"]"#.to_owned(), "[1]", JsonErrorKind::Nul),
        (
            r#"{"a":{"b":1,"\u0000":2}}"#.to_owned(),
            ".a",
            JsonErrorKind::Nul,
        ),
        (
            r#"{"a":{"b":"\ud83d"}}"#.to_owned(),
            ".a.b",
            JsonErrorKind::UnpairedSurrogate,
        ),
        (
            format!("{{\"a\":{{{}}}}}", many_keys.join(",")),
            ".a",
            JsonErrorKind::TooManyKeys,
        ),
        (
            format!("{{\"{long_key}\":1}}"),
            &format!(".{}", "k".repeat(64)),
            JsonErrorKind::KeyTooLong,
        ),
        (
            r#"{"a\u001b":1,"a\u001b":1}"#.to_owned(),
            ".a\\u{1b}",
            JsonErrorKind::DuplicateKey,
        ),
    ] {
        assert_eq!(error_of(&text), Some((path.to_owned(), kind)), "{text}");
    }
}

#[test]
fn any_string_may_be_a_value_but_not_a_key() {
    let error_of = |text| check(text, Strings::Any).err().map(|error| error.kind);
    for text in [r#""\u0000""#, r#"[{"a":"\ud83d"},"\ude00\ud83d"]"#] {
        assert_eq!(error_of(text), None, "{text}");
    }
    assert_eq!(error_of(r#"{"a\u0000":1}"#), Some(JsonErrorKind::Nul));
    let surrogate = Some(JsonErrorKind::UnpairedSurrogate);
    assert_eq!(error_of(r#"[{"\ud83d":1}]"#), surrogate);
}

#[test]
fn a_million_open_brackets_are_refused_at_the_65th() {
    let bomb = "[".repeat(1_000_000);
    assert_eq!(
        error_of(&bomb),
        Some((String::new(), JsonErrorKind::TooDeep))
    );
}
