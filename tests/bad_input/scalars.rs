//! Timestamps, numbers, booleans and part ids that mean nothing.

use super::{Request, Visitor, conversation, message};

const OF_MESSAGE: &str = "conversations[0].messages[0]";

/// Bodies with this value as a timestamp, and the path to it.
fn in_timestamps(value: &str) -> Vec<(String, String)> {
    let mut bodies = Vec::new();
    for field in ["created_at", "updated_at", "deleted_at"] {
        let body = conversation(&format!(",\"{field}\":{value}"));
        bodies.push((body, format!("conversations[0].{field}")));
    }
    for field in ["timestamp", "updated_at", "deleted_at"] {
        let body = message(&format!(",\"{field}\":{value}"));
        bodies.push((body, format!("{OF_MESSAGE}.{field}")));
    }
    let body = message(&format!(",\"response\":{{\"created_at\":{value}}}"));
    bodies.push((body, format!("{OF_MESSAGE}.response.created_at")));
    bodies
}

/// Bodies with this value in fields of parts, and the path to it.
fn in_parts(fields: &[(&str, &str)], value: &str) -> Vec<(String, String)> {
    let body = |(part, field): &(&str, &str)| {
        (
            message(&format!(",\"{part}\":{{\"{field}\":{value}}}")),
            format!("{OF_MESSAGE}.{part}.{field}"),
        )
    };
    fields.iter().map(body).collect()
}

const INTEGERS: &[(&str, &str)] = &[
    ("request", "request_n"),
    ("request", "top_k"),
    ("response", "max_output_tokens"),
    ("response", "usage_total_tokens"),
];

const NUMBERS: &[(&str, &str)] = &[
    ("request", "request_temperature"),
    ("request", "min_p"),
    ("response", "top_p"),
];

const PART_IDS: &[(&str, &str)] = &[("request", "id"), ("response", "id"), ("output", "id")];

fn in_booleans(value: &str) -> Vec<(String, String)> {
    let mut bodies = in_parts(
        &[("request", "request_stream"), ("response", "store")],
        value,
    );
    bodies.push((
        conversation(&format!(",\"local_only\":{value}")),
        "conversations[0].local_only".into(),
    ));
    bodies.push((
        message(&format!(",\"vote\":{value}")),
        format!("{OF_MESSAGE}.vote"),
    ));
    bodies
}

fn expect_violations(visitor: &Visitor, bodies: Vec<(String, String)>, problem: &str) {
    let cases = bodies.into_iter();
    visitor.expect_violations(cases.map(|(body, path)| (body, format!("{path}: {problem}"))));
}

fn expect_taken(visitor: &Visitor, bodies: Vec<(String, String)>) {
    for (body, _) in bodies {
        visitor.expect_taken(&Request::post(body));
    }
}

#[test]
fn what_is_no_date_time() {
    let visitor = Visitor::new();
    for value in [
        "\"\"",
        "\"m4rker\"",
        "\"yesterday\"",
        "\"1753620000\"",
        "true",
        "false",
        "{}",
        "[1753620000]",
        "[\"2025-07-27T12:34:56Z\"]",
        "\"2025-07-27\"",
        "\"2025-07-27T12:34Z\"",
        "\"2025-02-30T00:00:00Z\"",
        "\"2025-02-29T00:00:00Z\"",
        "\"2025-13-01T00:00:00Z\"",
        "\"2025-00-01T00:00:00Z\"",
        "\"2025-01-00T00:00:00Z\"",
        "\"2025-01-01T24:00:00Z\"",
        "\"2025-01-01T00:60:00Z\"",
        "\"2025-01-01T12:00:60Z\"",
        "\"2016-12-31T23:59:61Z\"",
        "\"2025-01-01T00:00:00+25:00\"",
        "\"2025-01-01T00:00:00+01:60\"",
        "\"2025-01-01T00:00:00.Z\"",
        "\" 2025-01-01T00:00:00Z\"",
        "\"2025-01-01T00:00:00Z \"",
        "\"2025-01-01T00:00:00Zm4rker\"",
        "\"2025-1-1T00:00:00Z\"",
        "\"２０２５-01-01T00:00:00Z\"",
    ] {
        expect_violations(
            &visitor,
            in_timestamps(value),
            "not an RFC 3339 date-time or Unix time",
        );
    }
}

#[test]
fn numbers_are_unix_time_unless_the_client_wants_date_times() {
    let visitor = Visitor::new();
    for value in [
        "0",
        "-0.0",
        "1753620000",
        "1753620000.25",
        "1753620000250",
        "1.75362e9",
        "-62135596800000",
        "253402300799999.9999",
    ] {
        for (body, path) in in_timestamps(value) {
            assert_eq!(
                visitor.strict_violations(&*body),
                format!("{path}: not an RFC 3339 date-time"),
                "{value}"
            );
            visitor.expect_taken(&Request::post(body));
        }
    }
}

#[test]
fn years_before_the_first_and_after_the_last() {
    let visitor = Visitor::new();
    for value in [
        "\"0000-01-01T00:00:00Z\"",
        "\"-0001-01-01T00:00:00Z\"",
        "\"10000-01-01T00:00:00Z\"",
        "\"999999-01-01T00:00:00Z\"",
        "\"0001-01-01T00:00:00+14:00\"",
        "\"9999-12-31T23:59:59-00:01\"",
        "\"9999-12-31T23:59:60Z\"",
        "253402300800000",
        "-62135596800001",
        "1e300",
        "-1e99999999999999999999",
    ] {
        expect_violations(&visitor, in_timestamps(value), "year must be 0001 to 9999");
    }
}

#[test]
fn every_form_of_a_date_time() {
    let visitor = Visitor::new();
    for value in [
        "2016-12-31T23:59:60Z",
        "2025-07-27t12:34:56z",
        "2025-07-27 12:34:56Z",
        "2025-07-27T12:34:56",
        "2025-07-27T12:34:56.123456789Z",
        "2025-07-27T12:34:56.1234567890Z",
        "2025-07-27T12:34:56.123456789012345Z",
        "2025-07-27T12:34:56.12345678901234567890Z",
        "2025-07-27T12:34:56+15:59",
        "2025-07-27T12:34:56-15:59",
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59.999999Z",
    ] {
        expect_taken(&visitor, in_timestamps(&format!("\"{value}\"")));
    }
}

#[test]
fn a_deletion_from_the_future_is_taken_as_one_of_now() {
    let visitor = Visitor::new();
    visitor.expect_taken(&Request::post(conversation(",\"title\":\"T\"")));
    assert_eq!(visitor.api.ids().len(), 2);
    let deletion = conversation(",\"deleted_at\":\"2999-01-01T00:00:00Z\"");
    let answer = visitor.expect_taken(&Request::post(deletion.clone()));
    assert_eq!(answer["updated"], 1);
    assert_eq!(visitor.api.ids().len(), 1);
    visitor.expect_taken(&Request::post(deletion));
}

#[test]
fn what_is_no_integer() {
    let visitor = Visitor::new();
    for value in ["40.5", "1e-1", "\"40\"", "true", "[]", "{}", "\"m4rker\""] {
        expect_violations(&visitor, in_parts(INTEGERS, value), "must be an integer");
    }
    for value in [
        "9223372036854775808",
        "-9223372036854775809",
        "1e19",
        "1e400",
        "-1e99999999999999999999",
    ] {
        expect_violations(&visitor, in_parts(INTEGERS, value), "out of range");
    }
    for value in [
        "40",
        "40.0",
        "4e1",
        "-0",
        "9223372036854775807",
        "-9223372036854775808",
    ] {
        expect_taken(&visitor, in_parts(INTEGERS, value));
    }
}

#[test]
fn what_is_no_finite_number() {
    let visitor = Visitor::new();
    for value in ["\"1\"", "\"m4rker\"", "false", "{}", "[1]"] {
        expect_violations(&visitor, in_parts(NUMBERS, value), "must be a number");
    }
    for value in ["1e400", "-1e400", "1e99999999999999999999"] {
        expect_violations(&visitor, in_parts(NUMBERS, value), "out of range");
    }
    for value in [
        "0",
        "1",
        "-0.0",
        "5e-324",
        "1e-400",
        "1.7976931348623157e308",
    ] {
        expect_taken(&visitor, in_parts(NUMBERS, value));
    }
}

#[test]
fn what_is_neither_true_nor_false() {
    let visitor = Visitor::new();
    for value in [
        "2",
        "-1",
        "1.0",
        "\"true\"",
        "\"m4rker\"",
        "\"\"",
        "[]",
        "{}",
    ] {
        expect_violations(&visitor, in_booleans(value), "must be true, false, 0 or 1");
    }
    for value in ["true", "false", "0", "1"] {
        expect_taken(&visitor, in_booleans(value));
    }
}

#[test]
fn what_is_no_part_id() {
    let visitor = Visitor::new();
    for value in ["1.5", "{}", "[]", "true", "[\"m4rker\"]"] {
        expect_violations(
            &visitor,
            in_parts(PART_IDS, value),
            "must be an integer or a string",
        );
    }
    for value in ["9223372036854775808", "1e19"] {
        expect_violations(&visitor, in_parts(PART_IDS, value), "out of range");
    }
    // A text as any other, and mended like one.
    for (value, problem) in [
        ("\"\\u0000\"", "contains U+0000"),
        ("\"\\ud83d\"", "unpaired surrogate"),
    ] {
        for (body, path) in in_parts(PART_IDS, value) {
            let told = visitor.strict_violations(&*body);
            assert_eq!(told, format!("{path}: {problem}"));
            visitor.expect_taken(&Request::post(body));
        }
    }
    for value in ["1", "\"1\"", "\"\"", "null", "1.0"] {
        expect_taken(&visitor, in_parts(PART_IDS, value));
    }
}
