//! What tells two runs of one decision apart: an identifier and a moment.

use std::fmt;
use std::str;

use serde::ser::{Serialize, Serializer};

use crate::ledger::hexadecimal;
use crate::ledger::time::Timestamp;

/// A version 4 UUID that names one decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DecisionId([u8; 16]);

impl DecisionId {
    /// Makes a version 4 UUID of 16 random bytes; six of the bits are fixed by
    /// RFC 9562 and overwritten.
    pub const fn from_random(mut bytes: [u8; 16]) -> DecisionId {
        let [_, _, _, _, _, _, ref mut version, _, ref mut variant, ..] = bytes;
        *version = *version & 0x0f | 0x40;
        *variant = *variant & 0x3f | 0x80;
        DecisionId(bytes)
    }

    /// Reads 32 lower-case hex digits in five groups; none if it is spelt otherwise.
    pub fn parse(text: &str) -> Option<DecisionId> {
        let digits: String = text.split('-').collect();
        let id = DecisionId(hexadecimal::decode(&digits).ok()?);
        (id.to_string() == text).then_some(id)
    }

    /// The 36 characters, without the machinery of `fmt`.
    fn text(&self) -> [u8; 36] {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let digit = |nibble: u8| DIGITS.get(usize::from(nibble)).copied().unwrap_or(b'0');
        let mut text = [b'-'; 36];
        // Hyphens stay before the bytes 4, 6, 8 and 10.
        let places = text.iter_mut().enumerate();
        let mut places = places.filter(|(at, _)| !matches!(at, 8 | 13 | 18 | 23));
        for byte in self.0 {
            for nibble in [byte >> 4, byte & 0x0f] {
                if let Some((_, place)) = places.next() {
                    *place = digit(nibble);
                }
            }
        }
        text
    }
}

impl fmt::Display for DecisionId {
    /// 32 lower-case hex digits in five groups.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(str::from_utf8(&self.text()).unwrap_or_default())
    }
}

impl Serialize for DecisionId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(str::from_utf8(&self.text()).unwrap_or_default())
    }
}

/// The identifier and the moment of one decision, given by the caller, so that
/// the decision itself has neither a clock nor randomness and can be computed
/// again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecisionStamp {
    pub decision_id: DecisionId,
    /// When it was taken; every telemetry envelope carries it too.
    pub timestamp: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_and_variant_are_set_and_nothing_else_changes() {
        let text = |byte| DecisionId::from_random([byte; 16]).to_string();
        assert_eq!(text(0x00), "00000000-0000-4000-8000-000000000000");
        assert_eq!(text(0xff), "ffffffff-ffff-4fff-bfff-ffffffffffff");
        assert_eq!(text(0x1b), "1b1b1b1b-1b1b-4b1b-9b1b-1b1b1b1b1b1b");
    }
}
