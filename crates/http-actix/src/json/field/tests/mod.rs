use std::fmt::Debug;

use super::*;

mod moments;

const LIMITS: Limits = Limits {
    body_bytes: 0,
    body_seconds: 0,
    body_bytes_per_second: 0,
    page_bytes: 0,
    reads_in_flight_bytes: 0,
    bodies_in_flight_bytes: 0,
    conversations: 0,
    messages: 0,
    value_bytes: 40,
    url_bytes: 0,
    streams: 0,
    streams_per_address: 0,
    streams_per_visitor: 0,
    queue: 0,
};

fn lenient(text: &str) -> RawField<'_> {
    RawField::new(text, &LIMITS, true)
}

fn strict(text: &str) -> RawField<'_> {
    RawField::new(text, &LIMITS, false)
}

fn shown<'a, T: Debug>(
    field: RawField<'a>,
    read: impl Fn(RawField<'a>) -> Result<Patch<T>, Problem>,
) -> String {
    match read(field) {
        Ok(Patch::Value(value)) => format!("{value:?}"),
        Ok(Patch::Null) => "null".into(),
        Ok(Patch::NotSent) => "not sent".into(),
        Err(problem) => format!("! {}{}", problem.inner_path(), problem.message),
    }
}

/// Each text and what comes of it; what begins with `!` is a problem.
fn check<T: Debug>(
    read: impl Fn(RawField<'_>) -> Result<Patch<T>, Problem>,
    cases: &[(&str, &str)],
) {
    for (text, expected) in cases {
        assert_eq!(shown(lenient(text), &read), *expected, "{text}");
    }
}

/// Each text, and what it is refused for where nothing is mended.
fn check_strictly<T: Debug>(
    read: impl Fn(RawField<'_>) -> Result<Patch<T>, Problem>,
    cases: &[(&str, &str)],
) {
    for (text, problem) in cases {
        assert!(read(lenient(text)).is_ok(), "{text}");
        let shown = shown(strict(text), &read);
        assert_eq!(shown, format!("! {problem}"), "{text}");
    }
}

#[test]
fn texts() {
    check(
        |field| field.text(),
        &[
            (r#""""#, r#""""#),
            (r#""é\n😀""#, r#""é\n😀""#),
            (r#""\ud83d\ude00""#, r#""😀""#),
            (r#""e\u0301\ufffe""#, r#""e\u{301}\u{fffe}""#),
            ("null", "null"),
            (
                r#""\u0031\u0032\u0033\u0034\u0031\u0032\u0033\u0034""#,
                r#""12341234""#,
            ),
            (
                &format!("\"{}\"", "é".repeat(20)),
                &format!("{:?}", "é".repeat(20)),
            ),
            (
                &format!("\"{}x\"", "é".repeat(20)),
                "! larger than 40 bytes",
            ),
            (
                &format!("\"{}x\"", "\\u0000".repeat(14)),
                "! larger than 40 bytes",
            ),
            (r#""a\u0000""#, "\"a\u{fffd}\""),
            (r#""cut \ud83d""#, "\"cut \u{fffd}\""),
            (r#""\ude00\ud83d""#, "\"\u{fffd}\u{fffd}\""),
            (r#""a\x""#, "! not JSON"),
            ("5", "! must be a string"),
            ("true", "! must be a string"),
            ("{}", "! must be a string"),
            ("[\"a\"]", "! must be a string"),
        ],
    );
    check_strictly(
        |field| field.text(),
        &[
            (r#""a\u0000""#, "contains U+0000"),
            (r#""\ud83d""#, "unpaired surrogate"),
            (r#""\ude00\ud83d""#, "unpaired surrogate"),
        ],
    );
}

#[test]
fn integers() {
    check(
        |field| field.integer(),
        &[
            ("40", "40"),
            ("-40", "-40"),
            ("0", "0"),
            ("-0", "0"),
            ("40.0", "40"),
            ("4e1", "40"),
            ("4E+1", "40"),
            ("0.4e2", "40"),
            ("400e-1", "40"),
            ("-1.50e2", "-150"),
            ("0.000", "0"),
            ("-0.0", "0"),
            ("0e999999999999999999999", "0"),
            ("0e-999999999999999999999", "0"),
            ("9223372036854775807", "9223372036854775807"),
            ("9223372036854775807.000", "9223372036854775807"),
            ("9.223372036854775807e18", "9223372036854775807"),
            ("-9223372036854775808", "-9223372036854775808"),
            ("-922337203685477580.8e1", "-9223372036854775808"),
            ("100000000000000000000000000000000000000000e-40", "10"),
            ("null", "null"),
            ("9223372036854775808", "! out of range"),
            ("-9223372036854775809", "! out of range"),
            ("1e19", "! out of range"),
            ("1e400", "! out of range"),
            ("1e99999999999999999999", "! out of range"),
            (
                "123456789012345678901234567890123456789012345",
                "! out of range",
            ),
            ("40.5", "! must be an integer"),
            ("9007199254740993.5", "! must be an integer"),
            ("1e-1", "! must be an integer"),
            ("1e-99999999999999999999", "! must be an integer"),
            ("\"40\"", "! must be an integer"),
            ("true", "! must be an integer"),
            ("[]", "! must be an integer"),
        ],
    );
}

#[test]
fn numbers() {
    check(
        |field| field.number(),
        &[
            ("0.7", "0.7"),
            ("1", "1.0"),
            ("5e-324", "5e-324"),
            ("-0.0", "-0.0"),
            ("1e-400", "0.0"),
            ("1.7976931348623157e308", "1.7976931348623157e308"),
            ("null", "null"),
            ("1e400", "! out of range"),
            ("-1e400", "! out of range"),
            ("\"1\"", "! must be a number"),
            ("\"inf\"", "! must be a number"),
            ("false", "! must be a number"),
            ("{}", "! must be a number"),
        ],
    );
}

#[test]
fn booleans() {
    let problem = "! must be true, false, 0 or 1";
    check(
        |field| field.boolean(),
        &[
            ("true", "true"),
            ("1", "true"),
            ("false", "false"),
            ("0", "false"),
            ("null", "null"),
            ("2", problem),
            ("-1", problem),
            ("1.0", problem),
            ("\"true\"", problem),
            ("\"\"", problem),
            ("[]", problem),
        ],
    );
}

#[test]
fn json_values() {
    let deep = format!("{}1{}", "[".repeat(65), "]".repeat(65));
    let long = format!("\"{}\"", "x".repeat(39));
    check(
        |field| field.json(),
        &[
            ("12345678901234567890123", "12345678901234567890123"),
            ("0.1000000000000000055", "0.1000000000000000055"),
            ("1e400", "1e400"),
            (r#"{ "a" : [ 1 ] }"#, r#"{ "a" : [ 1 ] }"#),
            (r#""""#, r#""""#),
            ("false", "false"),
            ("null", "null"),
            (r#"{"a":{"b":1,"b":2}}"#, "! .a.bduplicate key"),
            (r#"["x","\u0000"]"#, r#"["x","\u0000"]"#),
            (r#"{"a":"\ud83d"}"#, r#"{"a":"\ud83d"}"#),
            (r#"{"a":{"\u0000":1}}"#, "! .acontains U+0000"),
            (r#"{"\ud83d":1}"#, "! unpaired surrogate"),
            (&long, "! larger than 40 bytes"),
            (&deep, "! larger than 40 bytes"),
        ],
    );
    check_strictly(
        |field| field.json(),
        &[
            (r#"["x","\u0000"]"#, "[1]contains U+0000"),
            (r#"{"a":"\ud83d"}"#, ".aunpaired surrogate"),
        ],
    );
    let limits = Limits::default();
    let problem = RawField::new(&deep, &limits, true).json().unwrap_err();
    assert_eq!(problem, Problem::from("nested deeper than 64"));
}

#[test]
fn part_ids() {
    let problem = "! must be an integer or a string";
    check(
        |field| field.part_id(),
        &[
            ("1", "Number(1)"),
            ("1.0", "Number(1)"),
            ("\"1\"", "Text(\"1\")"),
            ("\"\"", "not sent"),
            ("null", "null"),
            ("9223372036854775808", "! out of range"),
            ("\"\\u0000\"", "Text(\"\u{fffd}\")"),
            (&format!("\"{}\"", "1".repeat(41)), "! larger than 40 bytes"),
            ("1.5", problem),
            ("true", problem),
            ("{}", problem),
            ("[]", problem),
        ],
    );
}

#[test]
fn ids() {
    use convosync_domain::identity::MessageId;

    let read = |text: &str| lenient(text).id(MessageId::parse);
    let id = "6518856D-63AE-5696-B190-8593EF95598B";
    assert_eq!(
        read(&format!("\"{id}\"")),
        Ok(MessageId::parse(id).unwrap())
    );
    for text in ["\" chatcmpl-9x\"", "\"\\u00e9\"", "\"\\ud83d\\ude00\""] {
        let decoded: String = serde_json::from_str(text).unwrap();
        assert_eq!(read(text), Ok(MessageId::parse(&decoded).unwrap()));
    }
    let too_long = format!("\"{}\"", "x".repeat(129));
    for text in [
        "null",
        "\"\"",
        "5",
        "{}",
        "\"a\\u0000\"",
        "\"a\\n\"",
        "\"\\u0085\"",
        "\"\\ud83d\"",
        &too_long,
    ] {
        assert_eq!(
            read(text),
            Err(Problem::from(
                "must be a text of 1 to 128 characters without control characters"
            )),
            "{text}"
        );
    }
}
