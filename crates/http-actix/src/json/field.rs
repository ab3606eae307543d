//! Every rule for the value of a field, and every leniency.

#[cfg(test)]
mod tests;

use std::borrow::Cow;

use convosync_domain::fields::{FieldReader, PartId};
use convosync_domain::json::JsonValue;
use convosync_domain::patch::Patch;
use convosync_domain::timestamp::Timestamp;

use super::reader::decode_text;
use super::violation::{Grouped, Problem};
use crate::settings::Limits;

/// The value of one field as the JSON text that was sent.
#[derive(Clone, Copy)]
pub(crate) struct RawField<'a> {
    text: &'a str,
    limits: &'a Limits,
}

impl<'a> RawField<'a> {
    /// A text that is one JSON value, with no white space around it.
    pub(crate) fn new(text: &'a str, limits: &'a Limits) -> Self {
        Self { text, limits }
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

pub(crate) const MUST_BE_UUID: &str = "must be a UUID";
const OUT_OF_RANGE: &str = "out of range";

impl FieldReader for RawField<'_> {
    type Error = Problem;

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
