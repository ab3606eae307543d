//! Instants, as every part of Convosync keeps them: whole microseconds since 1970 in UTC.

use std::fmt;

use chrono::{DateTime, SecondsFormat, Timelike as _, Utc};

/// A moment in UTC, to the microsecond, in the years 0001 to 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// Why a text is no [`Timestamp`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TimestampError {
    /// The text does not have the form of RFC 3339, or names a moment that no calendar has.
    #[error("not an RFC 3339 date-time")]
    Malformed,
    /// The moment lies, in UTC, outside the years 0001 to 9999.
    #[error("year must be 0001 to 9999")]
    YearOutOfRange,
}

const MICROS_PER_SECOND: i64 = 1_000_000;
const NANOS_PER_SECOND: u32 = 1_000_000_000;
const SECONDS_PER_DAY: i64 = 86_400;
/// 0001-01-01T00:00:00Z in microseconds since 1970.
const EARLIEST: i64 = -62_135_596_800 * MICROS_PER_SECOND;
/// The last microsecond of the year 9999.
const LATEST: i64 = 253_402_300_800 * MICROS_PER_SECOND - 1;

impl Timestamp {
    /// The moment this many microseconds after 1970-01-01T00:00:00Z.
    ///
    /// # Errors
    /// [`TimestampError::YearOutOfRange`] outside the years 0001 to 9999.
    pub fn from_micros(micros: i64) -> Result<Self, TimestampError> {
        if (EARLIEST..=LATEST).contains(&micros) {
            Ok(Self(micros))
        } else {
            Err(TimestampError::YearOutOfRange)
        }
    }

    /// Microseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn as_micros(self) -> i64 {
        self.0
    }

    /// This moment and so many microseconds, at most the last microsecond of the year 9999.
    #[must_use]
    pub fn plus_micros(self, micros: i64) -> Self {
        Self(self.0.saturating_add(micros).clamp(EARLIEST, LATEST))
    }

    /// Reads an [RFC 3339](https://www.rfc-editor.org/rfc/rfc3339) date-time with any number of
    /// fractional digits, cut to the microsecond. A text without a zone is in UTC; a leap second
    /// is the second after it.
    ///
    /// # Errors
    /// [`TimestampError`] when the text is something else or the year is out of range.
    pub fn parse(text: &str) -> Result<Self, TimestampError> {
        match Self::parse_four_digit_year(text) {
            Err(TimestampError::Malformed) if is_date_time_of_a_longer_year(text) => {
                Err(TimestampError::YearOutOfRange)
            }
            result => result,
        }
    }

    fn parse_four_digit_year(text: &str) -> Result<Self, TimestampError> {
        let moment = DateTime::parse_from_rfc3339(text)
            .or_else(|_| DateTime::parse_from_rfc3339(&format!("{text}Z")))
            .or(Err(TimestampError::Malformed))?;
        let is_leap_second = moment.nanosecond() >= NANOS_PER_SECOND;
        // There are none but at the end of a day in UTC.
        if is_leap_second && (moment.timestamp() + 1).rem_euclid(SECONDS_PER_DAY) != 0 {
            return Err(TimestampError::Malformed);
        }
        Self::from_micros(moment.timestamp_micros())
    }
}

/// RFC 3339 in UTC with `Z`, and with three or six fractional digits where they are not zero.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match DateTime::<Utc>::from_timestamp_micros(self.0) {
            Some(moment) => f.write_str(&moment.to_rfc3339_opts(SecondsFormat::AutoSi, true)),
            None => Err(fmt::Error),
        }
    }
}

/// Whether the text is a date-time but for a year that is signed or has more than four digits.
fn is_date_time_of_a_longer_year(text: &str) -> bool {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let digits = unsigned.bytes().take_while(u8::is_ascii_digit).count();
    let signed = unsigned.len() != text.len();
    let (_, after_year) = unsigned.split_at(digits);
    digits >= 4
        && (signed || digits > 4)
        && Timestamp::parse_four_digit_year(&format!("2000{after_year}")).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        Timestamp::parse(text).map_or_else(|error| error.to_string(), |moment| moment.to_string())
    }

    #[test]
    fn reads_every_form_that_rfc_3339_allows() {
        for (text, expected) in [
            ("2025-07-27T12:34:56Z", "2025-07-27T12:34:56Z"),
            ("2025-07-27t12:34:56z", "2025-07-27T12:34:56Z"),
            ("2025-07-27 12:34:56+15:59", "2025-07-26T20:35:56Z"),
            ("2025-07-27T12:34:56", "2025-07-27T12:34:56Z"),
            ("2025-07-27T12:34:56.5-00:00", "2025-07-27T12:34:56.500Z"),
            (
                "1969-12-31T23:59:59.123456789Z",
                "1969-12-31T23:59:59.123456Z",
            ),
            (
                "2025-01-01T00:00:00.01234567890123456789Z",
                "2025-01-01T00:00:00.012345Z",
            ),
            ("2024-02-29T00:00:00Z", "2024-02-29T00:00:00Z"),
            ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
            ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
    }

    #[test]
    fn a_leap_second_is_the_second_after_it() {
        assert_eq!(shown("2016-12-31T23:59:60Z"), "2017-01-01T00:00:00Z");
        assert_eq!(shown("2016-12-31T15:59:60-08:00"), "2017-01-01T00:00:00Z");
        assert_eq!(shown("2016-12-31T23:59:60.25Z"), "2017-01-01T00:00:00.250Z");
        assert_eq!(shown("2016-12-31T12:00:60Z"), "not an RFC 3339 date-time");
    }

    #[test]
    fn refuses_what_no_calendar_has() {
        for text in [
            "",
            "yesterday",
            "1753620000",
            "2025-02-30T00:00:00Z",
            "2025-13-01T00:00:00Z",
            "2025-01-01T24:00:00Z",
            "2025-01-01T00:60:00Z",
            "2025-01-01T00:00:00+25:00",
            "2025-01-01T00:00:00.Z",
            "2025-01-01T00:00:00,5Z",
            "2025-01-01T00:00:00ZZ",
            "2025-01-01T00:00:00 Z",
            "2025-01-01T00:00:00+01:00Z",
            "2025-01-01T00:00:00+",
            "2025-01-01T00:00:61Z",
            "2025-01-01",
            "2025-01-01T00:00Z",
            "2025-1-1T00:00:00Z",
            "20250101T000000Z",
            "2025-01-01T00:00:00+0100",
            " 2025-01-01T00:00:00Z",
            "2025-01-01T00:00:00Z ",
            "２025-01-01T00:00:00Z",
            "-yesterday",
        ] {
            assert_eq!(shown(text), "not an RFC 3339 date-time", "{text}");
        }
    }

    #[test]
    fn refuses_years_out_of_range_by_name() {
        for text in [
            "0000-01-01T00:00:00Z",
            "-0001-01-01T00:00:00Z",
            "10000-01-01T00:00:00Z",
            "999999-01-01T00:00:00Z",
            "+2025-01-01T00:00:00Z",
            "0001-01-01T00:00:00+14:00",
            "9999-12-31T23:59:60Z",
        ] {
            assert_eq!(shown(text), "year must be 0001 to 9999", "{text}");
        }
    }
}
