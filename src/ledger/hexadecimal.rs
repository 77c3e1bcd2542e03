//! Fixed-size lower-case hexadecimal, the only spelling the formats accept.

use std::fmt;

use serde::de::{Deserializer, Unexpected, Visitor};
use serde::ser::Serializer;
use thiserror::Error;

/// Why a text is not the lower-case hex of a value of `digits / 2` bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("expected exactly {digits} lower-case hex digits")]
pub struct HexError {
    pub digits: usize,
}

/// Reads exactly `2 * N` lower-case hex digits.
///
/// # Errors
/// [`HexError`] for another length, an upper-case digit or another character.
pub fn decode<const N: usize>(text: &str) -> Result<[u8; N], HexError> {
    decode_bytes(text.as_bytes())
}

/// The same of bytes that need not be text.
pub fn decode_bytes<const N: usize>(text: &[u8]) -> Result<[u8; N], HexError> {
    let error = HexError { digits: 2 * N };
    let (pairs, []) = text.as_chunks() else {
        return Err(error);
    };
    let pairs: &[[u8; 2]; N] = pairs.try_into().map_err(|_| error)?;
    // All digits are read before any is judged, without a branch for each: a
    // proof is mostly digits.
    let (mut bytes, mut strange) = ([0; N], 0);
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        let (high, low) = (value_of(*high), value_of(*low));
        strange |= high | low;
        *byte = high << 4 | low & 0xf;
    }
    match strange < 16 {
        true => Ok(bytes),
        false => Err(error),
    }
}

const fn value_of(digit: u8) -> u8 {
    let (number, letter) = (digit.wrapping_sub(b'0'), digit.wrapping_sub(b'a'));
    if number < 10 {
        number
    } else if letter < 6 {
        letter + 10
    } else {
        0xff
    }
}

pub fn encode(bytes: &[u8]) -> String {
    let mut digits = Vec::new();
    append(bytes, &mut digits);
    String::from_utf8(digits).unwrap_or_default()
}

/// Puts the digits behind a text.
pub fn append(bytes: &[u8], out: &mut Vec<u8>) {
    // Not `hex::encode`, which builds the text character by character.
    let from = out.len();
    out.resize(from + 2 * bytes.len(), b'0');
    if let Some(digits) = out.get_mut(from..) {
        // There is room for them: it cannot fail.
        let _ = hex::encode_to_slice(bytes, digits);
    }
}

const EXPECTED: &str = " lower-case hex digits";

/// How many digits a reader says that it expects.
pub(super) fn expected_digits(expected: &str) -> Option<usize> {
    expected.strip_suffix(EXPECTED)?.parse().ok()
}

/// Writes bytes as their digits, for `#[serde(with = "hexadecimal")]`.
pub fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&encode(bytes))
}

/// The inverse of [`serialize`].
pub fn deserialize<'v, D: Deserializer<'v>, const N: usize>(
    deserializer: D,
) -> Result<[u8; N], D::Error> {
    deserializer.deserialize_str(DigitsVisitor)
}

struct DigitsVisitor<const N: usize>;

impl<const N: usize> Visitor<'_> for DigitsVisitor<N> {
    type Value = [u8; N];

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{EXPECTED}", 2 * N)
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<[u8; N], E> {
        decode(text).map_err(|_| E::invalid_value(Unexpected::Str(text), &self))
    }
}

/// The digits of a type that wraps its bytes are its text.
macro_rules! hex_text {
    ($name:ident) => {
        impl ::serde::Serialize for $name {
            fn serialize<S: ::serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                $crate::ledger::hexadecimal::serialize(&self.0, serializer)
            }
        }

        impl<'v> ::serde::Deserialize<'v> for $name {
            fn deserialize<D: ::serde::Deserializer<'v>>(
                deserializer: D,
            ) -> Result<Self, D::Error> {
                $crate::ledger::hexadecimal::deserialize(deserializer).map($name)
            }
        }
    };
}

pub(in crate::ledger) use hex_text;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pair_of_characters_is_read_as_the_library_reads_it_or_refused() {
        for pair in 0..=u16::MAX {
            let pair = pair.to_be_bytes();
            let Ok(text) = std::str::from_utf8(&pair) else {
                continue;
            };
            let theirs = hex::decode(text)
                .ok()
                .filter(|_| text == text.to_lowercase());
            assert_eq!(decode::<1>(text).ok().map(Vec::from), theirs, "{text:?}");
        }
    }

    #[test]
    fn only_the_exact_lower_case_spelling_is_read() {
        assert_eq!(decode::<2>("00ff"), Ok([0x00, 0xff]));
        for wrong in ["", "00f", "00ff0", "00FF", "0xff", "00 f", "00fg"] {
            assert_eq!(decode::<2>(wrong), Err(HexError { digits: 4 }), "{wrong}");
        }
    }
}
