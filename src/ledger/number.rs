//! Numbers that keep what was written: exact integers, shortest floats.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, Unexpected};
use serde::ser::{Error as _, Serialize, Serializer};
use serde_json::value::RawValue;

use super::json::Value;
use super::shape::NUMBER;

/// A JSON number: an integer of any size, or a finite double.
///
/// `Display` gives the canonical text. The two sorts never compare equal (`1`
/// is not `1.0`), nor do `0.0` and `-0.0`: equality is that of the bytes that
/// get hashed. The integer `-0` is `0`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Number(Repr);

/// One representation per number: the first variant that fits.
#[derive(Clone, Debug)]
enum Repr {
    Signed(i64),
    /// Above `i64::MAX`.
    Unsigned(u64),
    /// Beyond 64 bits: `-?[1-9][0-9]*`.
    Big(Box<str>),
    /// Never NaN or infinite.
    Float(f64),
}

impl PartialEq for Repr {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Signed(a), Self::Signed(b)) => a == b,
            (Self::Unsigned(a), Self::Unsigned(b)) => a == b,
            (Self::Big(a), Self::Big(b)) => a == b,
            // Bits, because `0.0` and `-0.0` have different canonical texts.
            (Self::Float(a), Self::Float(b)) => a.to_bits() == b.to_bits(),
            _ => false,
        }
    }
}

impl Eq for Repr {}

impl Number {
    /// A float; none for NaN and the infinities, which JSON cannot say.
    pub fn float(value: f64) -> Option<Self> {
        value.is_finite().then_some(Self(Repr::Float(value)))
    }

    /// The integer with these digits, which follow JSON's grammar
    /// (`-?(0|[1-9][0-9]*)`): the reader has checked that.
    pub(super) fn from_digits(digits: &str) -> Self {
        if let Ok(integer) = digits.parse::<i64>() {
            integer.into()
        } else if let Ok(integer) = digits.parse::<u64>() {
            integer.into()
        } else {
            Self(Repr::Big(digits.into()))
        }
    }

    pub(super) fn from_text(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('-').unwrap_or(text);
        let integer = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
        match integer {
            true => Some(Self::from_digits(text)),
            false => Self::float(text.parse().ok()?),
        }
    }

    /// The digits of an integer beyond 64 bits.
    pub(super) fn digits_beyond(&self) -> Option<&str> {
        match &self.0 {
            Repr::Big(digits) => Some(digits),
            _ => None,
        }
    }

    /// Appends the canonical text, without a formatter where that is costly:
    /// canonical texts are full of small integers.
    pub(crate) fn write(&self, out: &mut impl fmt::Write) -> fmt::Result {
        match &self.0 {
            Repr::Signed(integer) => out.write_str(itoa::Buffer::new().format(*integer)),
            Repr::Unsigned(integer) => out.write_str(itoa::Buffer::new().format(*integer)),
            Repr::Big(digits) => out.write_str(digits),
            Repr::Float(value) => write_float(out, *value),
        }
    }

    pub fn is_float(&self) -> bool {
        matches!(self.0, Repr::Float(_))
    }

    /// An integer that fits; a float is none, not even `1.0`.
    pub fn as_i64(&self) -> Option<i64> {
        match self.0 {
            Repr::Signed(integer) => Some(integer),
            _ => None,
        }
    }

    /// An integer that fits; a float is none, not even `1.0`.
    pub fn as_u64(&self) -> Option<u64> {
        match self.0 {
            Repr::Signed(integer) => u64::try_from(integer).ok(),
            Repr::Unsigned(integer) => Some(integer),
            _ => None,
        }
    }

    /// A float, or an integer rounded to the nearest double; none if that
    /// would be infinite.
    pub fn as_f64(&self) -> Option<f64> {
        match &self.0 {
            Repr::Signed(integer) => Some(*integer as f64),
            Repr::Unsigned(integer) => Some(*integer as f64),
            Repr::Big(digits) => digits.parse().ok().filter(|value: &f64| value.is_finite()),
            Repr::Float(value) => Some(*value),
        }
    }
}

impl From<i64> for Number {
    fn from(integer: i64) -> Self {
        Self(Repr::Signed(integer))
    }
}

impl From<u64> for Number {
    fn from(integer: u64) -> Self {
        Self(i64::try_from(integer).map_or(Repr::Unsigned(integer), Repr::Signed))
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f)
    }
}

/// Lays out the shortest digits that read back to `value` as Python's `repr`
/// does: positional when the decimal exponent lies in [-4, 16), else
/// scientific with a signed exponent of at least two digits.
fn write_float(f: &mut impl fmt::Write, value: f64) -> fmt::Result {
    if value.is_sign_negative() {
        f.write_str("-")?;
    }
    let shortest = shortest(value.abs());
    let (mantissa, exponent) = shortest.split_once('e').unwrap_or((&shortest, "0"));
    let (first, rest) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let exponent: i32 = exponent.parse().map_err(|_| fmt::Error)?;
    match usize::try_from(exponent) {
        Ok(places @ 0..16) => {
            let (whole, fraction) = rest.split_at(places.min(rest.len()));
            let fraction = if fraction.is_empty() { "0" } else { fraction };
            let zeros = "000000000000000".get(..places - whole.len());
            let text = [first, whole, zeros.unwrap_or_default(), ".", fraction];
            text.iter().try_for_each(|part| f.write_str(part))
        }
        Err(_) if exponent >= -4 => {
            let zeros = exponent.unsigned_abs() as usize;
            write!(f, "{:0<1$}{first}{rest}", "0.", zeros + 1)
        }
        _ => {
            let point = if rest.is_empty() { "" } else { "." };
            write!(f, "{first}{point}{rest}e{exponent:+03}")
        }
    }
}

/// The shortest digits that read back to `value`, as `d[.ddd]e[-]x`.
///
/// Of two shortest candidates equally far from `value`, Python takes the one
/// with the even last digit and Rust's `{:e}` the greater one: 2⁻²⁵ is
/// `2.9802322387695312e-08` to the former and ends in `3` to the latter.
/// Rounding to as many digits is half to even in Rust too, but at a power of
/// two may step over to the neighbouring double.
fn shortest(value: f64) -> String {
    let greater = format!("{value:e}");
    let decimals = greater
        .find('e')
        .map_or(0, |end| end.saturating_sub("d.".len()));
    // Two candidates of fewer than 16 digits lie further apart than the
    // neighbours of a normal double. Those of a subnormal one are never equally
    // far: its last digit is hundreds of places behind.
    if decimals < 15 {
        return greater;
    }
    let even = format!("{value:.decimals$e}");
    if even == greater || even.parse() == Ok(value) {
        even
    } else {
        greater
    }
}

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Repr::Signed(integer) => serializer.serialize_i64(integer),
            Repr::Unsigned(integer) => serializer.serialize_u64(integer),
            // The text as it is: serde has no bigger integers, and the float
            // text of `serde_json` is not the canonical one.
            Repr::Big(_) | Repr::Float(_) => {
                let text = RawValue::from_string(self.to_string()).map_err(S::Error::custom)?;
                serializer.serialize_newtype_struct(NUMBER, &text)
            }
        }
    }
}

impl<'v> Deserialize<'v> for Number {
    fn deserialize<D: Deserializer<'v>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::Number(number) => Ok(number),
            _ => Err(D::Error::invalid_type(
                Unexpected::Other("no number"),
                &"a number",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    // A test that panics is a test that fails.
    #![allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing
    )]

    use super::*;

    fn float(value: f64) -> Number {
        Number::float(value).unwrap()
    }

    #[test]
    fn float_text_is_that_of_python_repr() {
        let cases = [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.0, "1.0"),
            (0.1, "0.1"),
            (-1.5, "-1.5"),
            (100.0, "100.0"),
            (123.456, "123.456"),
            (0.001, "0.001"),
            (0.0001, "0.0001"),
            (0.000_123, "0.000123"),
            (0.00001, "1e-05"),
            (0.000_012_5, "1.25e-05"),
            (1e15, "1000000000000000.0"),
            (9_999_999_999_999_998.0, "9999999999999998.0"),
            (1e16, "1e+16"),
            (1.5e16, "1.5e+16"),
            (123_456_789_012_345_680.0, "1.2345678901234568e+17"),
            (1e22, "1e+22"),
            (1e100, "1e+100"),
            (f64::MAX, "1.7976931348623157e+308"),
            (f64::MIN_POSITIVE, "2.2250738585072014e-308"),
            (5e-324, "5e-324"),
            // Ties between two shortest candidates.
            (2_f64.powi(-25), "2.9802322387695312e-08"),
            (5_087_017_526_967_613.0 / 4.0, "1271754381741903.2"),
            (2_226_194_917_939_501.0 / 8.0, "278274364742437.62"),
            // Not the nearest of as many digits, which ends in 4: that one
            // reads back to the double before.
            (2_f64.powi(-1017), "7.120236347223045e-307"),
        ];
        for (value, text) in cases {
            assert_eq!(float(value).to_string(), text);
        }
    }

    #[test]
    fn integers_of_any_size_keep_their_digits() {
        let cases = [
            "0",
            "-1",
            "9223372036854775807",
            "-9223372036854775808",
            "9223372036854775808",
            "18446744073709551615",
            "18446744073709551616",
            "-9223372036854775809",
            "123456789012345678901234567890",
        ];
        for digits in cases {
            let number = Number::from_digits(digits);
            assert_eq!(number.to_string(), digits);
            assert!(!number.is_float());
        }
    }

    #[test]
    fn each_number_has_one_representation() {
        assert_eq!(Number::from_digits("-0"), Number::from(0_i64));
        assert_eq!(Number::from(7_u64), Number::from(7_i64));
        assert_eq!(Number::from_digits("18446744073709551615"), u64::MAX.into());
    }

    #[test]
    fn equal_numbers_have_equal_texts_and_others_differ() {
        assert_ne!(float(0.0), float(-0.0));
        assert_ne!(float(1.0), Number::from(1_i64));
        assert_ne!(
            Number::from_digits("18446744073709551616"),
            float(2_f64.powi(64))
        );
    }

    #[test]
    fn nan_and_infinities_are_no_numbers() {
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(Number::float(value), None);
        }
    }

    #[test]
    fn conversions_give_what_fits_and_nothing_else() {
        let big = Number::from_digits("18446744073709551616");
        assert_eq!(
            (big.as_i64(), big.as_u64(), big.as_f64()),
            (None, None, Some(2_f64.powi(64)))
        );
        let huge = Number::from_digits(&"9".repeat(400));
        assert_eq!(huge.as_f64(), None);
        let large = Number::from(u64::MAX);
        assert_eq!((large.as_i64(), large.as_u64()), (None, Some(u64::MAX)));
        let negative = Number::from(-1_i64);
        assert_eq!((negative.as_i64(), negative.as_u64()), (Some(-1), None));
        let one = float(1.0);
        assert_eq!(
            (one.as_i64(), one.as_u64(), one.as_f64()),
            (None, None, Some(1.0))
        );
    }
}
