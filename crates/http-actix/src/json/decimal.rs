//! JSON numbers by their digits: a double would round those of a long one.

/// A finite number of decimal digits: 0.DIGITS × 10^`point`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Decimal {
    is_negative: bool,
    /// Without zeros at either end; none for zero.
    digits: String,
    point: i64,
}

/// As many digits as any number of 128 bits can have.
const DIGITS_MAX: usize = 38;

impl Decimal {
    /// Reads a text that is a JSON number.
    pub(super) fn of(number: &str) -> Self {
        let unsigned = number.strip_prefix('-');
        let is_negative = unsigned.is_some();
        let unsigned = unsigned.unwrap_or(number);
        let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = format!("{whole}{fraction}");
        let significant = digits.trim_start_matches('0');
        let leading_zeros = digits.len() - significant.len();
        Self {
            is_negative,
            digits: significant.trim_end_matches('0').to_owned(),
            point: exponent_of(exponent)
                .saturating_add(as_signed(whole.len()))
                .saturating_sub(as_signed(leading_zeros)),
        }
    }

    /// Whether it is less than ten to this power, its sign aside.
    pub(super) fn is_below_ten_to(&self, power: i64) -> bool {
        self.digits.is_empty() || self.point <= power
    }

    /// Whether it is a whole number.
    pub(super) fn is_whole(&self) -> bool {
        self.digits.is_empty() || self.point >= as_signed(self.digits.len())
    }

    /// The greatest whole number that is not above it times ten to this power; `None` where 64 bits do not
    /// hold it.
    pub(super) fn floor_times_ten_to(&self, power: i64) -> Option<i64> {
        if self.digits.is_empty() {
            return Some(0);
        }
        let wanted = usize::try_from(self.point.saturating_add(power)).unwrap_or(0);
        let whole = self.digits.get(..wanted).unwrap_or(&self.digits);
        let has_rest = whole.len() < self.digits.len();
        if wanted > DIGITS_MAX {
            return None;
        }
        let magnitude: i128 = format!("0{whole:0<wanted$}").parse().ok()?;
        i64::try_from(match self.is_negative {
            true => -magnitude - i128::from(has_rest),
            false => magnitude,
        })
        .ok()
    }
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
    use super::*;

    #[test]
    fn the_floor_of_what_is_shifted() {
        for (number, power, expected) in [
            ("0", 6, Some(0)),
            ("-0.0e99999999999999999999", 6, Some(0)),
            ("1.5", 0, Some(1)),
            ("-1.5", 0, Some(-2)),
            ("-1.5", 1, Some(-15)),
            ("0.0000001", 6, Some(0)),
            ("-0.0000001", 6, Some(-1)),
            ("-1e-99999999999999999999", 6, Some(-1)),
            ("1753620000.1234569", 6, Some(1_753_620_000_123_456)),
            ("175362e4", 6, Some(1_753_620_000_000_000)),
            ("9223372036854775807.999", 0, Some(i64::MAX)),
            ("9223372036854775808", 0, None),
            ("1e300", 6, None),
            ("1e99999999999999999999", 6, None),
        ] {
            let floor = Decimal::of(number).floor_times_ten_to(power);
            assert_eq!(floor, expected, "{number}");
        }
    }

    #[test]
    fn what_is_below_a_power_of_ten() {
        for (number, expected) in [
            ("0", true),
            ("99999999999.999", true),
            ("-99999999999", true),
            ("0.1e12", false),
            ("100000000000", false),
            ("-1e11", false),
        ] {
            assert_eq!(
                Decimal::of(number).is_below_ten_to(11),
                expected,
                "{number}"
            );
        }
    }
}
