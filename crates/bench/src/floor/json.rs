//! The JSON of a page, written as fast as a small program can.

use std::io::Write as _;

use anyhow::Result;
use uuid::Uuid;

/// How many bytes are looked at at once: the compiler makes few instructions of it.
const STRIDE: usize = 32;

/// Writes a string with its quotes and escapes.
pub(super) fn push_string(out: &mut Vec<u8>, text: &[u8]) {
    out.push(b'"');
    for piece in text.chunks(STRIDE) {
        if piece
            .iter()
            .fold(false, |any, byte| any | is_escaped(*byte))
        {
            piece.iter().for_each(|byte| push_byte(out, *byte));
        } else {
            out.extend_from_slice(piece);
        }
    }
    out.push(b'"');
}

fn is_escaped(byte: u8) -> bool {
    byte < b' ' || byte == b'"' || byte == b'\\'
}

fn push_byte(out: &mut Vec<u8>, byte: u8) {
    let short = match byte {
        b'"' | b'\\' => byte,
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        0x08 => b'b',
        0x0c => b'f',
        0..b' ' => {
            // Writing to a vector cannot fail.
            let _ = write!(out, "\\u{byte:04x}");
            return;
        }
        _ => {
            out.push(byte);
            return;
        }
    };
    out.extend_from_slice(&[b'\\', short]);
}

/// Writes a double; one that is no number is an error.
pub(super) fn push_real(out: &mut Vec<u8>, number: f64) -> Result<()> {
    Ok(serde_json::to_writer(out, &number)?)
}

/// Writes an integer.
pub(super) fn push_integer(out: &mut Vec<u8>, number: i64) -> Result<()> {
    Ok(serde_json::to_writer(out, &number)?)
}

/// Writes a boolean.
pub(super) fn push_boolean(out: &mut Vec<u8>, truth: bool) {
    out.extend_from_slice(if truth { b"true" } else { b"false" });
}

/// Writes the 16 bytes of a UUID as a string.
pub(super) fn push_uuid(out: &mut Vec<u8>, bytes: &[u8]) -> Result<()> {
    let uuid = Uuid::from_slice(bytes)?;
    let mut text = Uuid::encode_buffer();
    out.push(b'"');
    out.extend_from_slice(uuid.hyphenated().encode_lower(&mut text).as_bytes());
    out.push(b'"');
    Ok(())
}

/// Writes microseconds since 1970 as a string of RFC 3339 in UTC, with no decimals, three or six. The year
/// has four digits.
pub(super) fn push_moment(out: &mut Vec<u8>, micros: i64) {
    let (seconds, micros) = (micros.div_euclid(1_000_000), micros.rem_euclid(1_000_000));
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (year, month, day) = date(days);
    out.push(b'"');
    push_digits(out, year, 4);
    for (sign, number) in [
        (b'-', month),
        (b'-', day),
        (b'T', second / 3_600),
        (b':', second / 60 % 60),
        (b':', second % 60),
    ] {
        out.push(sign);
        push_digits(out, number, 2);
    }
    if micros != 0 {
        out.push(b'.');
        if micros % 1_000 == 0 {
            push_digits(out, micros / 1_000, 3);
        } else {
            push_digits(out, micros, 6);
        }
    }
    out.extend_from_slice(b"Z\"");
}

/// The year, month and day so many days after the beginning of 1970. Years begin in March here, so that
/// the odd day is the last one; 400 of them have 146,097 days.
fn date(days: i64) -> (i64, i64, i64) {
    // 719,468 days lie between March of the year 0 and 1970.
    let days = days + 719_468;
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let is_next = month >= 10;
    let month = if is_next { month - 9 } else { month + 3 };
    (era * 400 + year + i64::from(is_next), month, day)
}

fn push_digits(out: &mut Vec<u8>, number: i64, digits: u32) {
    for place in (0..digits).rev() {
        // One digit.
        out.push(b'0' + (number / 10_i64.pow(place) % 10) as u8);
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, SecondsFormat};

    use super::*;

    #[test]
    fn moments_are_those_of_chrono() {
        let day = 86_400_000_000_i64;
        // From the year 1 on, every 11th day, with each number of decimals.
        for days in (-719_162..2_932_896).step_by(11) {
            for micros in [0, 1, 59_999_000, 86_399_999_999] {
                let micros = days * day + micros;
                let moment = DateTime::from_timestamp_micros(micros).unwrap();
                let expected = format!(
                    "\"{}\"",
                    moment.to_rfc3339_opts(SecondsFormat::AutoSi, true)
                );
                let mut out = Vec::new();
                push_moment(&mut out, micros);
                assert_eq!(String::from_utf8(out).unwrap(), expected);
            }
        }
    }

    #[test]
    fn strings_are_those_of_serde() {
        let controls: String = (0..0x80).map(char::from).collect();
        let long = "x".repeat(70);
        for text in [
            "",
            "é😀\u{7f}",
            &controls,
            &long,
            &format!("{long}\"{long}\n"),
        ] {
            let mut out = Vec::new();
            push_string(&mut out, text.as_bytes());
            assert_eq!(
                String::from_utf8(out).unwrap(),
                serde_json::to_string(text).unwrap()
            );
        }
    }
}
