//! Moments, as texts and as numbers.

use super::*;

#[test]
fn timestamps() {
    let malformed = "! not an RFC 3339 date-time or Unix time";
    let year = "! year must be 0001 to 9999";
    let read = |field: RawField<'_>| Ok(field.timestamp()?.map(|moment| moment.to_string()));
    check(
        read,
        &[
            ("\"2025-07-27 12:34:56\"", "\"2025-07-27T12:34:56Z\""),
            ("\"2025-07-27T12:34:56\\u005a\"", "\"2025-07-27T12:34:56Z\""),
            ("\"2016-12-31T23:59:60Z\"", "\"2017-01-01T00:00:00Z\""),
            (
                "\"2025-01-01T00:00:00.1234567890Z\"",
                "\"2025-01-01T00:00:00.123456Z\"",
            ),
            ("null", "null"),
            ("\"\"", malformed),
            ("\"yesterday\"", malformed),
            ("\"1753620000\"", malformed),
            ("true", malformed),
            ("{}", malformed),
            ("\"2025-02-30T00:00:00Z\"", malformed),
            ("\"0000-01-01T00:00:00Z\"", year),
            ("\"10000-01-01T00:00:00Z\"", year),
            ("\"0001-01-01T00:00:00+14:00\"", year),
            ("\"\\u0000\"", "! contains U+0000"),
        ],
    );
}

#[test]
fn unix_times() {
    let year = "! year must be 0001 to 9999";
    let read = |field: RawField<'_>| Ok(field.timestamp()?.map(|moment| moment.to_string()));
    check(
        read,
        &[
            ("0", "\"1970-01-01T00:00:00Z\""),
            ("-0.0", "\"1970-01-01T00:00:00Z\""),
            ("1753620000", "\"2025-07-27T12:40:00Z\""),
            ("1753620000.25", "\"2025-07-27T12:40:00.250Z\""),
            ("1753620000.1234569", "\"2025-07-27T12:40:00.123456Z\""),
            ("1.75362e9", "\"2025-07-27T12:40:00Z\""),
            ("1753620000250", "\"2025-07-27T12:40:00.250Z\""),
            ("1753620000250.5", "\"2025-07-27T12:40:00.250500Z\""),
            ("-1", "\"1969-12-31T23:59:59Z\""),
            ("-0.0000001", "\"1969-12-31T23:59:59.999999Z\""),
            // The last second in seconds, and the first of the milliseconds.
            ("99999999999", "\"5138-11-16T09:46:39Z\""),
            ("100000000000", "\"1973-03-03T09:46:40Z\""),
            ("-100000000000", "\"1966-10-31T14:13:20Z\""),
            ("253402300799999", "\"9999-12-31T23:59:59.999Z\""),
            ("-62135596800000", "\"0001-01-01T00:00:00Z\""),
            ("253402300800000", year),
            ("-62135596800001", year),
            ("1e300", year),
            ("-1e300", year),
            ("1e99999999999999999999", year),
        ],
    );
    let problem = "not an RFC 3339 date-time";
    check_strictly(read, &[("1753620000", problem), ("-1.5e3", problem)]);
}

#[test]
fn a_timestamp_for_which_null_is_as_not_sent() {
    let read = |text| lenient(text).optional_timestamp();
    assert_eq!(read("null"), Ok(None));
    assert_eq!(
        read("\"1970-01-01T00:00:01Z\""),
        Ok(Timestamp::from_micros(1_000_000).ok())
    );
    assert!(read("[]").is_err());
}
