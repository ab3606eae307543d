//! Every rule for the value of a field, and every leniency.

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::cell::Cell;

use convosync_domain::fields::{FieldReader, PartId};
use convosync_domain::json::JsonValue;
use convosync_domain::patch::Patch;
use convosync_domain::timestamp::{Timestamp, TimestampError};

use super::decimal::Decimal;
use super::reader::Reader;
use super::string::{decode_text, decode_text_mended};
use super::violation::Problem;
use crate::settings::Limits;

/// The value of one field as the JSON text that was sent.
#[derive(Clone, Copy)]
pub(crate) struct RawField<'a> {
    text: &'a str,
    limits: &'a Limits,
    mends: bool,
    /// Where it is noted that a value is not kept as it was sent.
    mended: Option<&'a Cell<bool>>,
}

impl<'a> Reader<'a> {
    /// A part of the text as the value of a field.
    pub(crate) fn field(&self, part: &'a str) -> RawField<'_> {
        RawField {
            mended: Some(&self.mended),
            ..RawField::new(part, self.limits, self.leniency.mends)
        }
    }
}

impl<'a> RawField<'a> {
    /// A text that is one JSON value, with no white space around it.
    fn new(text: &'a str, limits: &'a Limits, mends: bool) -> Self {
        Self {
            text,
            limits,
            mends,
            mended: None,
        }
    }

    fn note_mended(self) {
        self.mended.into_iter().for_each(|mended| mended.set(true));
    }

    /// Reads a moment for which null is as not sent.
    pub(crate) fn optional_timestamp(self) -> Result<Option<Timestamp>, Problem> {
        match self.timestamp()? {
            Patch::Value(moment) => Ok(Some(moment)),
            Patch::Null | Patch::NotSent => Ok(None),
        }
    }

    /// Reads an id, which `parse` makes of a text; it has to be there.
    pub(crate) fn id<I, E>(self, parse: impl FnOnce(&str) -> Result<I, E>) -> Result<I, Problem> {
        self.string()
            .and_then(|text| parse(&text.ok()?).ok())
            .ok_or(Problem::from(MUST_BE_ID))
    }

    fn is_null(self) -> bool {
        self.text == "null"
    }

    fn starts_with_number(self) -> bool {
        self.text
            .starts_with(|first: char| first == '-' || first.is_ascii_digit())
    }

    fn is_string(self) -> bool {
        self.text.starts_with('"')
    }

    /// The string as it was sent; `None` for any other value.
    fn string(self) -> Option<Result<Cow<'a, str>, Problem>> {
        self.is_string().then(|| decode_text(self.text))
    }

    /// The string as a text to be kept; `None` for any other value.
    fn text_to_keep(self) -> Option<Result<Cow<'a, str>, Problem>> {
        self.is_string().then(|| {
            let text = match decode_text(self.text) {
                Err(_) if self.mends => {
                    self.note_mended();
                    decode_text_mended(self.text)?
                }
                decoded => decoded?,
            };
            self.check_size(&text)?;
            Ok(text)
        })
    }

    fn check_size(self, value: &str) -> Result<(), Problem> {
        let most = self.limits.value_bytes;
        if value.len() > most {
            return Err(format!("larger than {most} bytes").into());
        }
        Ok(())
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

pub(crate) const MUST_BE_ID: &str =
    "must be a text of 1 to 128 characters without control characters";
const MUST_BE_TIME: &str = "not an RFC 3339 date-time or Unix time";
const OUT_OF_RANGE: &str = "out of range";

impl FieldReader for RawField<'_> {
    type Error = Problem;

    fn text(self) -> Result<Patch<String>, Problem> {
        self.unless_null(|field| match field.text_to_keep() {
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
            .map_err(|violation| match violation {
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
            let read = match field.string() {
                Some(text) => {
                    let text = text?;
                    if has_more_than_micros(&text) {
                        field.note_mended();
                    }
                    Timestamp::parse(&text)
                }
                None if field.mends && field.starts_with_number() => {
                    field.note_mended();
                    unix_time(field.text)
                }
                None => Err(TimestampError::Malformed),
            };
            read.map_err(|error| match error {
                TimestampError::Malformed if field.mends => MUST_BE_TIME.into(),
                error => error.to_string().into(),
            })
        })
    }

    fn json(self) -> Result<Patch<JsonValue>, Problem> {
        self.unless_null(|field| {
            field.check_size(field.text)?;
            let parse = match field.mends {
                true => JsonValue::parse,
                false => JsonValue::parse_strictly,
            };
            parse(field.text).map_err(Problem::from)
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
        match self.text_to_keep().transpose()? {
            Some(text) if text.is_empty() => Ok(Patch::NotSent),
            Some(text) => Ok(Patch::Value(PartId::Text(text.into_owned()))),
            None if self.is_null() => Ok(Patch::Null),
            None => Err(MUST_BE_PART_ID.into()),
        }
    }
}

const MUST_BE_PART_ID: &str = "must be an integer or a string";

enum NotAnInteger {
    Fraction,
    OutOfRange,
}

/// The integer that a JSON number stands for, like 40 for `40`, `40.0` and `4e1`.
fn exact_integer(text: &str) -> Result<i64, NotAnInteger> {
    if let Ok(number) = text.parse() {
        return Ok(number);
    }
    let number = Decimal::of(text);
    if !number.is_whole() {
        return Err(NotAnInteger::Fraction);
    }
    number.floor_times_ten_to(0).ok_or(NotAnInteger::OutOfRange)
}

/// Whether a moment has digits that no microsecond has.
fn has_more_than_micros(moment: &str) -> bool {
    let (_, fraction) = moment.split_once('.').unwrap_or_default();
    fraction.bytes().take_while(u8::is_ascii_digit).count() > 6
}

/// Below so many, numbers are Unix time in seconds; from there on in milliseconds.
const SECONDS_BELOW_TEN_TO: i64 = 11;

/// The moment that a JSON number stands for as Unix time, cut to the microsecond.
fn unix_time(text: &str) -> Result<Timestamp, TimestampError> {
    let number = Decimal::of(text);
    let is_in_seconds = number.is_below_ten_to(SECONDS_BELOW_TEN_TO);
    let micros = number.floor_times_ten_to(if is_in_seconds { 6 } else { 3 });
    let micros = micros.ok_or(TimestampError::YearOutOfRange)?;
    Timestamp::from_micros(micros)
}
