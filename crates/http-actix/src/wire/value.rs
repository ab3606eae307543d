//! Every rule for the value of a field, and every leniency.

use std::borrow::Cow;

use convosync_domain::fields::{FieldReader, PartId};
use convosync_domain::json::JsonValue;
use convosync_domain::patch::Patch;
use convosync_domain::timestamp::Timestamp;

use super::fault::{Grouped, Problem};
use super::object::decode_text;
use crate::settings::Limits;

/// The value of one field as the JSON text that was sent.
#[derive(Clone, Copy)]
pub(super) struct RawField<'a> {
    text: &'a str,
    limits: &'a Limits,
}

impl<'a> RawField<'a> {
    /// A text that is one JSON value, with no white space around it.
    pub(super) fn new(text: &'a str, limits: &'a Limits) -> Self {
        Self { text, limits }
    }

    /// Reads a moment for which null is as not sent.
    pub(super) fn optional_timestamp(self) -> Result<Option<Timestamp>, Problem> {
        match self.timestamp()? {
            Patch::Value(moment) => Ok(Some(moment)),
            Patch::Null | Patch::NotSent => Ok(None),
        }
    }

    /// Reads an id, which `parse` makes of a text; it has to be there.
    pub(super) fn id<I, E>(self, parse: impl FnOnce(&str) -> Result<I, E>) -> Result<I, Problem> {
        self.string()
            .and_then(|text| parse(&text.ok()?).ok())
            .ok_or(Problem::from(MUST_BE_UUID))
    }

    fn is_null(self) -> bool {
        self.text == "null"
    }

    fn starts_with_number(self) -> bool {
        self.text
            .starts_with(|first: char| first == '-' || first.is_ascii_digit())
    }

    /// The string, or what is wrong with it; `None` for any other value.
    fn string(self) -> Option<Result<Cow<'a, str>, Problem>> {
        self.text.starts_with('"').then(|| decode_text(self.text))
    }

    fn limited_string(self) -> Option<Result<Cow<'a, str>, Problem>> {
        let most = self.limits.text_bytes;
        self.string().map(|text| match text {
            Ok(text) if text.len() > most => {
                Err(format!("longer than {} bytes", Grouped(most)).into())
            }
            text => text,
        })
    }

    /// A value by `read`, unless it is null.
    fn unless_null<T>(
        self,
        read: impl FnOnce(Self) -> Result<T, Problem>,
    ) -> Result<Patch<T>, Problem> {
        if self.is_null() {
            Ok(Patch::Null)
        } else {
            read(self).map(Patch::Value)
        }
    }
}

pub(super) const MUST_BE_UUID: &str = "must be a UUID";
const OUT_OF_RANGE: &str = "out of range";

impl FieldReader for RawField<'_> {
    type Fault = Problem;

    fn text(self) -> Result<Patch<String>, Problem> {
        self.unless_null(|field| match field.limited_string() {
            Some(text) => text.map(Cow::into_owned),
            None => Err("must be a string".into()),
        })
    }

    fn integer(self) -> Result<Patch<i64>, Problem> {
        self.unless_null(|field| {
            if field.starts_with_number() {
                exact_integer(field.text)
            } else {
                Err(NotAnInteger::Fraction)
            }
            .map_err(|fault| match fault {
                NotAnInteger::Fraction => "must be an integer".into(),
                NotAnInteger::OutOfRange => OUT_OF_RANGE.into(),
            })
        })
    }

    fn number(self) -> Result<Patch<f64>, Problem> {
        self.unless_null(|field| {
            let number = field
                .starts_with_number()
                .then(|| field.text.parse::<f64>().ok());
            match number.flatten() {
                Some(number) if number.is_finite() => Ok(number),
                Some(_) => Err(OUT_OF_RANGE.into()),
                None => Err("must be a number".into()),
            }
        })
    }

    fn boolean(self) -> Result<Patch<bool>, Problem> {
        self.unless_null(|field| match field.text {
            "true" | "1" => Ok(true),
            "false" | "0" => Ok(false),
            _ => Err("must be true, false, 0 or 1".into()),
        })
    }

    fn timestamp(self) -> Result<Patch<Timestamp>, Problem> {
        self.unless_null(|field| {
            let text = match field.string() {
                Some(text) => text?,
                None => Cow::Borrowed(""),
            };
            Timestamp::parse(&text).map_err(|error| error.to_string().into())
        })
    }

    fn json(self) -> Result<Patch<JsonValue>, Problem> {
        self.unless_null(|field| {
            let most = field.limits.json_bytes;
            if field.text.len() > most {
                return Err(format!("larger than {} bytes", Grouped(most)).into());
            }
            JsonValue::parse(field.text).map_err(Problem::from)
        })
    }

    fn part_id(self) -> Result<Patch<PartId>, Problem> {
        if self.starts_with_number() {
            return match exact_integer(self.text) {
                Ok(number) => Ok(Patch::Value(PartId::Number(number))),
                Err(NotAnInteger::OutOfRange) => Err(OUT_OF_RANGE.into()),
                Err(NotAnInteger::Fraction) => Err(MUST_BE_PART_ID.into()),
            };
        }
        match self.limited_string().transpose()? {
            Some(text) if text.is_empty() => Ok(Patch::NotSent),
            Some(text) => Ok(Patch::Value(PartId::Text(text.into_owned()))),
            None if self.is_null() => Ok(Patch::Null),
            None => Err(MUST_BE_PART_ID.into()),
        }
    }
}

const MUST_BE_PART_ID: &str = "must be an integer or a string";

#[derive(Debug, PartialEq, Eq)]
enum NotAnInteger {
    Fraction,
    OutOfRange,
}

/// The integer that a JSON number stands for, like 40 for `40`, `40.0` and `4e1`. It is computed
/// from the digits, since a double would round those of a long one.
fn exact_integer(text: &str) -> Result<i64, NotAnInteger> {
    if let Ok(number) = text.parse() {
        return Ok(number);
    }
    let (sign, unsigned) = match text.strip_prefix('-') {
        Some(unsigned) => (-1, unsigned),
        None => (1, text),
    };
    let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let significant = digits.trim_matches('0');
    if significant.is_empty() {
        return Ok(0);
    }
    let trailing_zeros = digits.len() - digits.trim_end_matches('0').len();
    let zeros = exponent_of(exponent)
        .saturating_add(as_signed(trailing_zeros))
        .saturating_sub(as_signed(fraction.len()));
    let zeros = u32::try_from(zeros).or(Err(if zeros < 0 {
        NotAnInteger::Fraction
    } else {
        NotAnInteger::OutOfRange
    }))?;
    significant
        .parse::<i128>()
        .ok()
        .and_then(|number| number.checked_mul(10_i128.checked_pow(zeros)?))
        .and_then(|number| i64::try_from(sign * number).ok())
        .ok_or(NotAnInteger::OutOfRange)
}

/// An exponent too long for 64 bits is as good as the largest.
fn exponent_of(text: &str) -> i64 {
    let extreme = if text.starts_with('-') {
        i64::MIN
    } else {
        i64::MAX
    };
    text.parse().unwrap_or(extreme)
}

fn as_signed(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
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
            ("\"2025-01-01T00:00:00.1234567890Z\"", malformed),
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
}
