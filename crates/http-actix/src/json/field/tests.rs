use std::fmt::Debug;

use super::*;

const LIMITS: Limits = Limits {
    body_bytes: 0,
    body_seconds: 0,
    body_bytes_per_second: 0,
    bodies_in_flight_bytes: 0,
    conversations: 0,
    messages: 0,
    title_characters: 0,
    text_bytes: 8,
    json_bytes: 40,
    url_bytes: 0,
};

fn shown<'a, T: Debug>(
    text: &'a str,
    read: impl Fn(RawField<'a>) -> Result<Patch<T>, Problem>,
) -> String {
    match read(RawField::new(text, &LIMITS)) {
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
        assert_eq!(shown(text, &read), *expected, "{text}");
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
            (r#""12345678""#, r#""12345678""#),
            (r#""\u0031\u0032\u0033\u0034""#, r#""1234""#),
            (r#""123456789""#, "! longer than 8 bytes"),
            (r#""ééééé""#, "! longer than 8 bytes"),
            (r#""a\u0000""#, "! contains U+0000"),
            (r#""\ud83d""#, "! unpaired surrogate"),
            (r#""\ude00\ud83d""#, "! unpaired surrogate"),
            ("5", "! must be a string"),
            ("true", "! must be a string"),
            ("{}", "! must be a string"),
            ("[\"a\"]", "! must be a string"),
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
fn timestamps() {
    let malformed = "! not an RFC 3339 date-time";
    let year = "! year must be 0001 to 9999";
    let show = |text| {
        shown(text, |field| {
            Ok(field.timestamp()?.map(|moment| moment.to_string()))
        })
    };
    for (text, expected) in [
        ("\"2025-07-27 12:34:56\"", "\"2025-07-27T12:34:56Z\""),
        ("\"2025-07-27T12:34:56\\u005a\"", "\"2025-07-27T12:34:56Z\""),
        ("\"2016-12-31T23:59:60Z\"", "\"2017-01-01T00:00:00Z\""),
        ("null", "null"),
        ("\"\"", malformed),
        ("\"yesterday\"", malformed),
        ("1753620000", malformed),
        ("true", malformed),
        ("\"2025-02-30T00:00:00Z\"", malformed),
        (
            "\"2025-01-01T00:00:00.1234567890Z\"",
            "\"2025-01-01T00:00:00.123456Z\"",
        ),
        ("\"0000-01-01T00:00:00Z\"", year),
        ("\"10000-01-01T00:00:00Z\"", year),
        ("\"0001-01-01T00:00:00+14:00\"", year),
        ("\"\\u0000\"", "! contains U+0000"),
    ] {
        assert_eq!(show(text), expected, "{text}");
    }
}

#[test]
fn a_timestamp_for_which_null_is_as_not_sent() {
    let read = |text| RawField::new(text, &LIMITS).optional_timestamp();
    assert_eq!(read("null"), Ok(None));
    assert_eq!(
        read("\"1970-01-01T00:00:01Z\""),
        Ok(Timestamp::from_micros(1_000_000).ok())
    );
    assert!(read("5").is_err());
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
            (r#"["x","\u0000"]"#, "! [1]contains U+0000"),
            (r#"{"a":"\ud83d"}"#, "! .aunpaired surrogate"),
            (&long, "! larger than 40 bytes"),
            (&deep, "! larger than 40 bytes"),
        ],
    );
    let limits = Limits::default();
    let problem = RawField::new(&deep, &limits).json().unwrap_err();
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
            ("\"\\u0000\"", "! contains U+0000"),
            ("\"123456789\"", "! longer than 8 bytes"),
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

    let read = |text: &str| RawField::new(text, &LIMITS).id(MessageId::parse);
    let id = "6518856D-63AE-5696-B190-8593EF95598B";
    assert_eq!(
        read(&format!("\"{id}\"")),
        Ok(MessageId::parse(id).unwrap())
    );
    assert!(read("\"00000000-0000-0000-0000-000000000000\"").is_ok());
    for text in [
        "null",
        "\"\"",
        "5",
        "{}",
        "\"6518856d-63ae-5696-b190-8593ef95598\"",
        "\"6518856d-63ae-5696-b190-8593ef95598bb\"",
        "\"6518856d-63ae-5696-b190-8593ef95598g\"",
        "\" 6518856d-63ae-5696-b190-8593ef95598b\"",
        "\"\\ud83d\"",
    ] {
        assert_eq!(read(text), Err(Problem::from("must be a UUID")), "{text}");
    }
}
