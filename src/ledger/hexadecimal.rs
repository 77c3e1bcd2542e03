//! Fixed-size lower-case hexadecimal, the only spelling the formats accept.

use thiserror::Error;

/// Why a text is not the lower-case hex of a value of `digits / 2` bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("expected exactly {digits} lower-case hex digits")]
#[non_exhaustive]
pub struct HexError {
    /// How many digits the value has.
    pub digits: usize,
}

/// Reads exactly `2 * N` lower-case hex digits.
///
/// # Errors
/// [`HexError`] for another length, an upper-case digit or another character.
pub fn decode<const N: usize>(text: &str) -> Result<[u8; N], HexError> {
    let error = HexError { digits: 2 * N };
    if text.bytes().any(|b| b.is_ascii_uppercase()) {
        return Err(error);
    }
    let mut bytes = [0; N];
    hex::decode_to_slice(text, &mut bytes).map_err(|_| error)?;
    Ok(bytes)
}

/// Lower-case hex digits of `bytes`.
#[must_use]
pub fn encode(bytes: &[u8]) -> String {
    // Not `hex::encode`, which builds the text character by character.
    let mut digits = vec![b'0'; 2 * bytes.len()];
    match hex::encode_to_slice(bytes, &mut digits) {
        Ok(()) => String::from_utf8(digits).unwrap_or_default(),
        Err(_) => hex::encode(bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_exact_lower_case_spelling_is_read() {
        assert_eq!(decode::<2>("00ff"), Ok([0x00, 0xff]));
        for wrong in ["", "00f", "00ff0", "00FF", "0xff", "00 f", "00fg"] {
            assert_eq!(decode::<2>(wrong), Err(HexError { digits: 4 }), "{wrong}");
        }
    }
}
